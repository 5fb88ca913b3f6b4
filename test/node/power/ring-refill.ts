/**
 * A failed sync under one peer of a whole ring.
 *
 * The peer must stop, and say why; the other two take the writes meanwhile. Started again, it must begin with an empty store
 * of another generation under its old identity, and get back from the others all that was ever acknowledged.
 */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { TestRing, until } from '../dev-ring.ts'
import { Load } from '../load.ts'
import type { PluggedDisk } from './plugged-disk.ts'
import { folderOf, missingBeside, type Numbers, seedBeside } from './ring-copies.ts'

export interface RefillSum {
  acknowledged: number
  /** How many keys the peer got back. */
  refilled: number
  /** What the launcher said of the peer's end. */
  said: string
  readonly complaints: string[]
}

export interface RefillWishes {
  readonly disk: PluggedDisk
  /** An empty folder. */
  readonly place: string
  /** Which sync of the first peer's store fails, counted from the beginning of the load. */
  readonly at: number
  /** `/store.db-wal$`: a commit; `/store.db$`: a checkpoint. */
  readonly path: string
}

const writers = 32
/** For a busy machine. */
const patienceMs = 120_000

export async function refill({ disk, place, at, path }: RefillWishes): Promise<RefillSum> {
  const live = join(place, 'live')
  await disk.mount(live, 'blank')
  await using ring = await TestRing.start(live, ['--port', '0'])
  const folder = folderOf(live, 1)
  const before = { id: ring.ports.peers[0]!.id, seed: seedBeside(folder) }
  const load = new Load(ring.ports.peers.map(({ control }) => control))
  await disk.arm({
    verdict: 'fail',
    of: 'syncs',
    at,
    path: `/peer-1${path}`,
    forGood: false,
    luck: { seed: '', keeps: 0.5, sectorBytes: 4096, inOrder: true },
  })
  load.start(writers)
  await disk.struck
  await until('the peer to stop', async () => (await ring.processOf(1)) === undefined, patienceMs)
  await ring.says('peer-1 is down')
  const said = /peer-1 is down \((.*)\)/.exec(ring.out)?.[1] ?? ''
  const without = load.sums.acknowledged
  await until('writes without it', () => load.sums.acknowledged > without + 100, patienceMs)
  await load.stop()

  await ring.run('start', '1')
  const started = performance.now()
  let missing: Numbers = load.acknowledged
  while (missing.size > 0 && performance.now() - started < patienceMs) {
    await wait(300)
    if (existsSync(join(folder, 'store.db'))) missing = missingBeside(folder, missing)
  }
  const keys = await load.readBack(writers)
  load.close()
  const complaints = [...load.violations]
  if (missing.size > 0) complaints.push(`${missing.size} keys did not come back`)
  const after = { id: ring.ports.peers[0]!.id, seed: seedBeside(folder) }
  if (after.id !== before.id) complaints.push('the peer has another identity')
  if (after.seed === before.seed) complaints.push('the store has its old generation')
  if (!existsSync(join(folder, 'lost-store.db'))) complaints.push('the lost store is gone')
  if (!said.includes('the disk failed')) complaints.push(`the launcher said: ${said}`)
  return { acknowledged: load.sums.acknowledged, refilled: keys, said, complaints }
}
