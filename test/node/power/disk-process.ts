/**
 * The process that is the disk: it mounts forgetful disks for a test, and pulls the plug or fails a sync when told to.
 *
 * A process of its own, because whoever uses a mounted file waits for the answer with its thread: a test that looked into
 * a file of its own disk would wait for itself. What a cut has left is kept, to be mounted again, as often as wanted.
 */
import { seededRandom } from '../../../src/simulation/random.ts'
import type { Deed, Judge, Judgement, Verdict } from './deed.ts'
import { ForgetfulDisk } from './forgetful-disk.ts'
import type { Luck } from './forgetful-file.ts'
import { Mount } from './mount.ts'

/** How a cut's luck is drawn. */
export interface LuckWishes {
  readonly seed: string
  /** How likely it is that what was not synced has come to the medium all the same. */
  readonly keeps: number
  readonly sectorBytes: number
  readonly inOrder: boolean
}

/** What goes wrong, at the `at`-th deed (or sync) from now on of a path that matches. */
export interface Fault {
  readonly verdict: Exclude<Verdict, 'do' | 'lie'>
  readonly at: number
  readonly of: 'deeds' | 'syncs'
  /** A regular expression: `^/store/store.db$`. */
  readonly path: string
  readonly luck: LuckWishes
  /** From there on all of them, not this one alone. */
  readonly forGood: boolean
}

export type Order =
  /** A blank disk, or what the last cut has left. Only the live one meets faults. */
  | {
      readonly order: 'mount'
      readonly path: string
      readonly of: 'blank' | 'left'
      readonly live: boolean
      /** It answers every sync, and does nothing. */
      readonly lies: boolean
    }
  | { readonly order: 'arm'; readonly fault: Fault | undefined }
  /** The power goes now. */
  | { readonly order: 'cut'; readonly luck: LuckWishes }
  | { readonly order: 'unmount'; readonly path: string }

export type News =
  | { readonly number: number; readonly error?: string }
  /** It has happened, `deeds` after the fault was armed. */
  | { readonly fault: Deed; readonly verdict: Verdict; readonly deeds: number }

const mounts = new Map<string, Mount>()
let live: Mount | undefined
let left = new ForgetfulDisk()
let fault: Fault | undefined
/** The luck of what it fails. */
let failing: Luck | undefined
let [deeds, met] = [0, 0]

process.on('message', ({ number, ...order }: Order & { readonly number: number }) => {
  obey(order).then(
    () => tell({ number }),
    (error: Error) => tell({ number, error: `${error}` }),
  )
})
// An exit in order would wait for a thread that reads from the kernel.
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))

async function obey(order: Order): Promise<void> {
  switch (order.order) {
    case 'mount': {
      const { path, of, live: isLive, lies } = order
      const disk = of === 'blank' ? new ForgetfulDisk() : left.afterCut(keepAll)
      const mount = await Mount.open(path, disk, isLive ? judgement(lies) : () => calm)
      mounts.set(path, mount)
      if (isLive) live = mount
      return
    }
    case 'arm':
      fault = order.fault
      failing = fault && drawn(fault.luck)
      ;[deeds, met] = [0, 0]
      return
    case 'cut':
      return cut(order.luck)
    case 'unmount':
      await mounts.get(order.path)?.close()
      mounts.delete(order.path)
  }
}

function judgement(lies: boolean): () => Judgement {
  const lying: Judge = (deed) => {
    const verdict = judge(deed)
    return verdict === 'do' && deed.operation === 'sync' ? 'lie' : verdict
  }
  return () => ({
    judge: lies ? lying : judge,
    luck: failing ?? keepAll,
  })
}

function judge(deed: Deed): Verdict {
  deeds++
  if (fault === undefined || !new RegExp(fault.path).test(deed.path)) return 'do'
  if (fault.of === 'syncs' && deed.operation !== 'sync') return 'do'
  met++
  if (fault.forGood ? met < fault.at : met !== fault.at) return 'do'
  const { verdict, luck } = fault
  if (met === fault.at) tell({ fault: deed, verdict, deeds })
  // With the deed done: once it is, and before anybody hears of it.
  if (verdict === 'cut-after') queueMicrotask(() => cut(luck))
  if (verdict === 'cut-before') cut(luck)
  return verdict
}

function cut(luck: LuckWishes): void {
  if (live === undefined) throw new Error('no disk is plugged in')
  live.cut()
  left = live.disk.afterCut(drawn(luck))
  live = undefined
  fault = undefined
}

function drawn({ seed, keeps, sectorBytes, inOrder }: LuckWishes): Luck {
  const random = seededRandom(seed)
  return { stays: () => random.chance(keeps), sectorBytes, inOrder }
}

const keepAll: Luck = { stays: () => true, sectorBytes: 4096, inOrder: true }
const calm: Judgement = { judge: () => 'do', luck: keepAll }

function tell(news: News): void {
  process.send?.(news)
}
