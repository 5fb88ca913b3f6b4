/**
 * Syncs that fail (`EIO`) under a bare store.
 *
 * After a failed sync the kernel takes the pages for clean: it goes on showing them, and a second sync succeeds without
 * writing them. A store that tries again may then acknowledge what the disk never got. (SQLite happens to write most of it
 * anew, and the controls that try again lost nothing; but it promises nothing of the kind.) So one failed sync must end the
 * store, with `store-lost` for whoever waits; what was acknowledged before must be on the medium; and the next start, at
 * once or after a cut, must begin with an empty store, whose acknowledgements hold again.
 *
 * One sync is nobody's business: that of the folder which SQLite adds to the first sync of its log, and whose failure it
 * keeps to itself. The names of the store last before; so that one may fail as it likes, and must cost nothing.
 */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { type SeededRandom, seededRandom } from '../../../src/simulation/random.ts'
import type { Fault, LuckWishes } from './disk-process.ts'
import type { PluggedDisk } from './plugged-disk.ts'
import { judge } from './store-cuts.ts'
import { StoreProcess } from './store-run.ts'

export interface SyncSum {
  failed: number
  /** How many of them ended the store, or kept it from opening. */
  ended: number
  /** How many were the one that SQLite adds. */
  needless: number
  acknowledged: number
  lost: number
  readonly during: Record<string, number>
  readonly complaints: string[]
}

export interface SyncWishes {
  readonly disk: PluggedDisk
  /** An empty folder. */
  readonly place: string
  readonly cases: readonly Case[]
  readonly sources?: string
}

export interface Case {
  readonly at: number
  readonly path: string
  /** The disk is dead from there on: even the note that it is lost cannot be synced. */
  readonly forGood?: boolean
  /** The process starts again at once, on a kernel that goes on showing what the disk never got; else after a cut. */
  readonly atOnce?: boolean
}

/** Behind those of the opening, and of the key's file. */
const sqlitesOwn: Case = { at: 5, path: '^/store$' }
/** Acknowledgements after which a store that was to end goes on; those on their way are far fewer. */
const goesOn = 1500
/** Acknowledgements before which the sync that is to fail must have come. */
const patience = 20_000
/** The worst that a cut can do. */
const nothingStays: LuckWishes = { seed: '', keeps: 0, sectorBytes: 512, inOrder: true }

export async function failSyncs(wishes: SyncWishes): Promise<SyncSum> {
  const sum: SyncSum = {
    failed: 0,
    ended: 0,
    needless: 0,
    acknowledged: 0,
    lost: 0,
    during: {},
    complaints: [],
  }
  for (const each of wishes.cases) await failOne(wishes, each, sum)
  return sum
}

export const checkpoints: readonly Case[] = [1, 2, 3].map((at) => ({ at, path: '/store.db$' }))

export function commits(random: SeededRandom): Case[] {
  // The first sync of the log belongs to the opening: it syncs what an earlier process may have left.
  const within = [2, 3, 5, 10, 20, 30]
  return within.map((at, i) => ({
    at: at + random.whole(at),
    path: '/store.db-wal$',
    atOnce: i % 2 === 0,
  }))
}

/** Twenty, shuffled: every sync of an opening, some of commits, some of checkpoints. */
export function allCases(seed: string): Case[] {
  const random = seededRandom(seed)
  const opening = [1, 2, 3, 4, 5, 6, 7, 8].map((at) => ({ at, path: '', atOnce: true }))
  const dead = [3 + random.whole(20), 3 + random.whole(20)].map((at) => ({
    at,
    path: '/store.db',
    forGood: true,
  }))
  return random.shuffled([...opening, ...commits(random), ...checkpoints, ...dead, sqlitesOwn])
}

async function failOne(
  { disk, place, sources }: SyncWishes,
  { at, path, forGood = false, atOnce = false }: Case,
  sum: SyncSum,
): Promise<void> {
  const [live, look] = [join(place, 'live'), join(place, 'look')]
  await disk.mount(live, 'blank')
  const luck = { ...nothingStays, seed: `${sum.failed}` }
  await disk.arm({ verdict: 'fail', of: 'syncs', at, path, forGood, luck } satisfies Fault)
  const run = new StoreProcess(join(live, 'store'), sources)
  const tooLate = run.hasDone(patience).then(() => `it has acknowledged ${patience} updates`)
  const struck = await Promise.race([disk.struck, run.ended, tooLate])
  if (typeof struck === 'string') throw new Error(`sync ${at} of ${path} never came: ${struck}`)
  const during = `${run.opened ? 'load' : 'opening'} ${struck.fault.path.split('/').pop() || 'the root'}`
  const complain = (what: string): void =>
    void sum.complaints.push(`failure ${sum.failed}, ${during} ${at}: ${what}`)
  const hasEnded = await endOf(run)
  if (hasEnded) sum.ended++
  else if (at === sqlitesOwn.at && path === sqlitesOwn.path) sum.needless++
  else complain('the store goes on')
  for (const how of run.failed.keys()) if (how !== 'store-lost unknown') complain(how)
  if (run.failed.size === 0 && hasEnded && run.refused !== 'store-lost') complain(`${run.refused}`)

  if (atOnce) {
    await run.kill()
  } else {
    await disk.cut(nothingStays)
    await run.kill(() => disk.unmount(live))
    const left = await disk.look(look, () => {
      // What was acknowledged before is looked for in the store that would be put aside.
      rmSync(join(look, 'store', 'store.lost'), { force: true })
      return judge(join(look, 'store'), run, {})
    })
    sum.lost += left.lost
    for (const complaint of left.complaints) complain(complaint)
    await disk.mount(live, 'left')
  }

  await disk.arm(undefined)
  const next = new StoreProcess(join(live, 'store'), sources)
  await next.hasDone(100)
  const held = Math.max(...next.held.values())
  if (held > 0 && hasEnded && !forGood) complain(`the next start found ${held}`)
  await disk.cut(nothingStays)
  await next.kill(() => disk.unmount(live))
  const known = Object.fromEntries(next.held)
  const left = await disk.look(look, () => judge(join(look, 'store'), next, known))
  sum.lost += left.lost
  for (const complaint of left.complaints) complain(`after the next start: ${complaint}`)

  sum.during[during] = (sum.during[during] ?? 0) + 1
  sum.acknowledged += run.acknowledged + next.acknowledged
  sum.failed++
}

/** Whether the process ends by itself, rather than acknowledge more and more. */
async function endOf(run: StoreProcess): Promise<boolean> {
  const hasEnded = run.ended.then(() => true)
  return Promise.race([hasEnded, run.hasDone(run.acknowledged + goesOn).then(() => false)])
}
