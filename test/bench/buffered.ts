/**
 * What it is worth not to wait for the disk: puts with W = 2 into a synced and into a buffered bucket, by turns in one ring.
 *
 * A lone put waits for two syncs, one after the other, its coordinator's and a replica's; a buffered one for none. Of many
 * at once the syncs are shared, and what is left of the difference is the time in which the disks take nothing else.
 */
import { showTable } from '../../node/cli/table.ts'
import { measure, medianRun, type Run, warmUp } from './measure.ts'
import { startRing } from './ring.ts'

export interface BufferedGain {
  readonly inFlight: number
  /** Of puts per second, buffered over synced. */
  readonly ratio: number
  readonly buffered: Run
  readonly synced: Run
}

export async function measureBuffered(
  folder: string,
  seconds: number,
  rounds: number,
): Promise<readonly BufferedGain[]> {
  const ring = await startRing(folder, crypto.getRandomValues(new Uint8Array(1024)))
  const turns = { synced: ring, buffered: { ...ring, put: ring.putBuffered } }
  await warmUp(ring)
  const cases = [1, 64].map((inFlight) => {
    return { inFlight, synced: [] as Run[], buffered: [] as Run[] }
  })
  for (let round = 0; round < rounds; round++) {
    for (const each of cases) {
      for (const how of ['synced', 'buffered'] as const) {
        each[how].push(await measure(turns[how], 'put', each.inFlight, seconds))
      }
    }
  }
  await ring.close()
  return cases.map(({ inFlight, ...runs }) => {
    const [buffered, synced] = [medianRun(runs.buffered), medianRun(runs.synced)]
    const ratio = buffered.opsPerSecond / synced.opsPerSecond
    return { inFlight, ratio, buffered, synced }
  })
}

export function showBuffered(gains: readonly BufferedGain[]): string {
  const titles = ['', 'ratio', 'buffered/s', 'p50 ms', 'p99 ms', 'synced/s', 'p50 ms', 'p99 ms']
  const rows = gains.map(({ inFlight, ratio, buffered, synced }) => [
    `put, ${inFlight} in flight`,
    `${ratio.toFixed(2)} ×`,
    ...[buffered, synced].flatMap(({ opsPerSecond, p50Ms, p99Ms }) => [
      opsPerSecond.toFixed(0),
      p50Ms.toFixed(2),
      p99Ms.toFixed(2),
    ]),
  ])
  return showTable(titles, rows, titles.slice(1)).join('\n')
}
