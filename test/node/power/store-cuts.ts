/**
 * Power cuts under a bare store: load it, pull the plug, and see what is left.
 *
 * One store lives through many cuts, because recovery is where stores go wrong: the next process begins on what the last
 * cut has left, and may be cut off while it recovers. What is left is judged on a copy, so that judging mends nothing.
 * Now and then a new store is begun, and cut off while it is being made.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openDisk } from '../../../node/disk.ts'
import { type SeededRandom, seededRandom } from '../../../src/simulation/random.ts'
import type { Fault } from './disk-process.ts'
import type { FaultNews, PluggedDisk } from './plugged-disk.ts'
import { broken, counterKey, numberOf, shown, writers } from './store-load.ts'
import { StoreProcess } from './store-run.ts'

export interface CutSum {
  cuts: number
  /** How many came when something had been acknowledged. */
  cutsUnderLoad: number
  /** How many cuts took something that was acknowledged. */
  cutsWithLoss: number
  acknowledged: number
  lost: number
  /** Buffered updates that were acknowledged, and that a cut has rightly taken back. */
  takenBack: number
  /** What was under way when the power went: `write store.db-wal` → how often. */
  readonly during: Record<string, number>
  /** What was lost, and whatever else was not as it must be. */
  readonly complaints: string[]
}

export interface CutWishes {
  readonly disk: PluggedDisk
  /** An empty folder. */
  readonly place: string
  readonly seed: string
  readonly cuts: number
  /** The sources to run: a copy that was broken on purpose. */
  readonly sources?: string
  /** The writers ask for no sync; what they had before the last one that somebody else asked for must be there. */
  readonly buffered?: boolean
}

const calm = { keeps: 1, sectorBytes: 4096, inOrder: true }

/** What a writer is known to have on the disk. */
type Shown = Record<string, number>

export async function cutStore(wishes: CutWishes): Promise<CutSum> {
  const { disk, place, seed, cuts, sources, buffered = false } = wishes
  const sum = emptySum()
  const random = seededRandom(seed)
  let known: Shown | undefined
  for (; sum.cuts < cuts; sum.cuts++) {
    const cutRandom = random.fork(sum.cuts)
    // What a store without syncs leaves is hardly ever one to begin on.
    if (sources !== undefined || cutRandom.chance(1 / 6)) known = undefined
    const { live, look } = { live: join(place, 'live'), look: join(place, 'look') }
    await disk.mount(live, known === undefined ? 'blank' : 'left')
    const cut =
      sources === undefined ? randomCut(cutRandom, known === undefined) : lateCut(cutRandom)
    await disk.arm(cut)
    const run = new StoreProcess(join(live, 'store'), sources, { buffered })
    const at = await Promise.race([disk.struck, run.ended])
    // A store that was damaged by a cut before may end by itself.
    if (typeof at === 'string') await disk.cut({ ...calm, seed: '' })
    await run.kill(() => disk.unmount(live))
    const left = await disk.look(look, () => judge(join(look, 'store'), run, known ?? {}, buffered))
    account(sum, at, run, left)
    known = left.shown
  }
  return sum
}

export function emptySum(): CutSum {
  return {
    cuts: 0,
    cutsUnderLoad: 0,
    cutsWithLoss: 0,
    acknowledged: 0,
    lost: 0,
    takenBack: 0,
    during: {},
    complaints: [],
  }
}

/** Any moment of the load; often one when something is being synced, or when the store is being made. */
function randomCut(random: SeededRandom, isNew: boolean): Fault {
  const { of, most } = random.pick([
    { of: 'deeds', most: 4000 } as const,
    { of: 'deeds', most: isNew ? 200 : 4000 } as const,
    { of: 'syncs', most: 50 } as const,
  ])
  const keeps = random.pick([0, random.fraction(), random.fraction()])
  return cutAt(random, { of, at: 1 + random.whole(most) }, keeps)
}

/** One that a store without syncs cannot outlive: when it has long acknowledged, on a disk that keeps not nearly all. */
function lateCut(random: SeededRandom): Fault {
  return cutAt(random, { of: 'deeds', at: 1500 + random.whole(3000) }, random.fraction() * 0.9)
}

function cutAt(random: SeededRandom, when: Pick<Fault, 'of' | 'at'>, keeps: number): Fault {
  return {
    verdict: random.pick(['cut-before', 'cut-after']),
    ...when,
    path: '',
    forGood: false,
    luck: {
      seed: `luck ${random.whole(2 ** 32)}`,
      keeps,
      sectorBytes: random.pick([512, 4096]),
      inOrder: random.chance(0.5),
    },
  }
}

interface Left {
  /** Undefined if the store cannot be used any more. */
  readonly shown: Shown | undefined
  readonly lost: number
  readonly takenBack: number
  readonly complaints: readonly string[]
}

/** Of a writer: the least that must be there, and what was acknowledged. */
interface Expected {
  readonly least: number
  readonly done: number
}

/** Holds what the disk has against what was acknowledged, in this run and before. */
export async function judge(
  folder: string,
  run: StoreProcess,
  known: Shown,
  buffered = false,
): Promise<Left> {
  const complaints: string[] = []
  if (run.key !== undefined && run.key !== keyIn(folder)) complaints.push('its key is lost')
  for (const [name, n] of run.held) {
    if (n !== (known[name] ?? 0)) complaints.push(`${name} was ${known[name]} and then ${n}`)
  }
  const expected = (name: string): Expected => {
    const before = known[name] ?? 0
    const done = Math.max(before, run.done(name))
    return { done, least: buffered ? Math.max(before, run.synced(name)) : done }
  }
  try {
    const left = await lookInto(folder, expected)
    return { ...left, complaints: [...complaints, ...left.complaints] }
  } catch (error) {
    const names = [...writers.map(({ name }) => name), 'counter']
    const lost = names.reduce((sum, name) => sum + expected(name).least, 0)
    return {
      shown: undefined,
      lost,
      takenBack: 0,
      complaints: [...complaints, `${error as Error}`],
    }
  }
}

/** Rejects if the store cannot be used any more. */
async function lookInto(folder: string, expected: (writer: string) => Expected): Promise<Left> {
  const complaints: string[] = []
  const storage = await openDisk(folder)
  try {
    const found: Shown = { counter: numberOf(await storage.get(counterKey)) }
    let lost = Math.max(0, expected('counter').least - found['counter']!)
    let takenBack = 0
    for (const writer of writers) {
      const { name } = writer
      const n = (found[name] = await shown(storage, writer))
      const { least, done } = expected(name)
      lost += Math.max(0, least - n)
      takenBack += Math.max(0, done - Math.max(least, n))
      if (n > done + 1) complaints.push(`${name} shows ${n} after ${done}`)
      const wrong = await broken(storage, writer, n)
      if (wrong.length > 0) complaints.push(`${wrong.length} keys at ${name} ${n}: ${wrong[0]}`)
    }
    return { shown: found, lost, takenBack, complaints }
  } finally {
    await storage.close()
  }
}

function keyIn(folder: string): string | undefined {
  const path = join(folder, 'identity.key')
  return existsSync(path) ? readFileSync(path, 'hex') : undefined
}

function account(sum: CutSum, at: FaultNews | string, run: StoreProcess, left: Left): void {
  const during =
    typeof at === 'string'
      ? 'nothing'
      : `${at.fault.operation} ${at.fault.path.split('/').pop() || 'the root'}`
  if (typeof at === 'string') {
    const why = [...run.failed.keys()].join(', ')
    sum.complaints.push(`cut ${sum.cuts}: the store's process ended by itself: ${why} ${at}`)
  }
  sum.during[during] = (sum.during[during] ?? 0) + 1
  sum.acknowledged += run.acknowledged
  if (run.acknowledged > 0) sum.cutsUnderLoad++
  sum.lost += left.lost
  sum.takenBack += left.takenBack
  if (left.lost > 0 || left.complaints.length > 0) sum.cutsWithLoss++
  if (left.lost > 0) sum.complaints.push(`cut ${sum.cuts}, ${during}: ${left.lost} lost`)
  for (const complaint of left.complaints) {
    sum.complaints.push(`cut ${sum.cuts}, ${during}: ${complaint}`)
  }
}
