/**
 * `npm run bench -- tails`: what readers feel of a peer that pauses, as processes do when they collect garbage or their disk
 * is busy, with hedging (`src/peer/hedging.ts`) and without.
 *
 * One of the two other peers is stopped for a fifth of each second, by turns. Gets (R = 2) leave when they are due, so that
 * a pause is felt by all whose moment comes within it, and not only by those that happen to be under way.
 */
import { setTimeout as wait } from 'node:timers/promises'
import { showTable } from '../../node/cli/table.ts'
import { readKeys, warmUp } from './measure.ts'
import { goFirst } from './processes.ts'
import { type BenchRing, startRing } from './ring.ts'

export interface Tail {
  readonly name: string
  readonly p50Ms: number
  readonly p99Ms: number
  readonly longestMs: number
  /** How many more owners were asked, for a hundred gets. */
  readonly extraPercent: number
  readonly failed: number
}

const perSecond = 500
const pauseMs = 200
const everyMs = 1000
const rounds = 2

export async function measureTails(folder: string, seconds: number): Promise<readonly Tail[]> {
  const ring = await startRing(folder, crypto.getRandomValues(new Uint8Array(1024)))
  const { hedging } = ring.member.world
  const take = hedging.take.bind(hedging)
  for (const each of [process.pid, ...ring.others]) goFirst(each)
  await warmUp(ring)
  await read(ring, 3)
  const tails = [await tailOf('no pauses', ring, seconds)]
  const pauses = pauseByTurns(ring.others)
  // By turns, as a machine's speed drifts.
  for (let round = 0; round < rounds; round++) {
    hedging.take = () => false
    tails.push(await tailOf('pauses, not hedged', ring, seconds))
    hedging.take = take
    tails.push(await tailOf('pauses, hedged', ring, seconds))
  }
  await pauses.stop()
  await ring.close()
  return tails
}

async function tailOf(name: string, ring: BenchRing, seconds: number): Promise<Tail> {
  const { hedging } = ring.member.world
  const before = hedging.extra
  const { times, failed } = await read(ring, seconds)
  times.sort((a, b) => a - b)
  const at = (share: number): number => times[Math.floor(times.length * share)] ?? Number.NaN
  const extraPercent = (100 * (hedging.extra - before)) / times.length
  return { name, p50Ms: at(0.5), p99Ms: at(0.99), longestMs: times.at(-1)!, extraPercent, failed }
}

/** How long each took from its moment on. */
async function read(ring: BenchRing, seconds: number) {
  const times: number[] = []
  let failed = 0
  const startMs = performance.now()
  const all = perSecond * seconds
  const under: Promise<void>[] = []
  for (let sent = 0; sent < all; await wait(1)) {
    const due = Math.floor(((performance.now() - startMs) / 1000) * perSecond)
    for (; sent < Math.min(all, due); sent++) {
      const dueMs = startMs + (sent / perSecond) * 1000
      const done = ring.get(sent % readKeys).then(
        () => void times.push(performance.now() - dueMs),
        () => void failed++,
      )
      under.push(done)
    }
  }
  await Promise.all(under)
  return { times, failed }
}

function pauseByTurns(others: readonly number[]): { stop(): Promise<void> } {
  let going = true
  const loop = async (): Promise<void> => {
    for (let turn = 0; going; turn++) {
      const other = others[turn % others.length]!
      process.kill(other, 'SIGSTOP')
      await wait(pauseMs)
      process.kill(other, 'SIGCONT')
      await wait(everyMs - pauseMs)
    }
  }
  const stopped = loop()
  return {
    stop: () => {
      going = false
      return stopped
    },
  }
}

export function showTails(tails: readonly Tail[]): string {
  const titles = ['', 'p50 ms', 'p99 ms', 'longest ms', 'extra %', 'failed']
  const rows = tails.map(({ name, failed, ...numbers }) => {
    const { p50Ms, p99Ms, longestMs, extraPercent } = numbers
    const texts = [p50Ms, p99Ms, longestMs, extraPercent].map((number) => number.toFixed(1))
    return [name, ...texts, String(failed)]
  })
  return [
    ...showTable(titles, rows, titles.slice(1)),
    '',
    `${perSecond} gets a second (R = 2); one of the two other peers is stopped for ${pauseMs} ms of each second.`,
  ].join('\n')
}
