/**
 * Power cuts under a whole ring: three real peers and their launcher, all on one disk that loses its power.
 *
 * All three machines go dark at one moment, the worst that the promise covers: a put that W peers acknowledged must stand
 * on W disks afterwards. Then the ring is started again on what is left, as a person would, and loaded again; it must come
 * up with the same keys and the same identity, and everything ever acknowledged must still be there.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { type SeededRandom, seededRandom } from '../../../src/simulation/random.ts'
import { isRunning, TestRing, until } from '../dev-ring.ts'
import { Load } from '../load.ts'
import type { FaultNews, PluggedDisk } from './plugged-disk.ts'
import { folderOf, numbersIn, type Numbers, tooFew } from './ring-copies.ts'
import { type CutSum, emptySum } from './store-cuts.ts'

const peers = [1, 2, 3] as const
/** W of a development ring. */
const copies = 2
const writers = 64

export interface RingWishes {
  readonly disk: PluggedDisk
  /** An empty folder. */
  readonly place: string
  readonly seed: string
  readonly cuts: number
  /** The disk answers every sync, and does nothing: the control. */
  readonly lies?: boolean
}

export async function cutRing({
  disk,
  place,
  seed,
  cuts,
  lies = false,
}: RingWishes): Promise<CutSum> {
  const sum = emptySum()
  const random = seededRandom(seed)
  const known = new Map<string, number>()
  const [live, look] = [join(place, 'live'), join(place, 'look')]
  for (; sum.cuts < cuts; sum.cuts++) {
    // Of a disk that lies nothing may be left to start.
    const isNew = sum.cuts === 0 || lies
    if (isNew) known.clear()
    await disk.mount(live, isNew ? 'blank' : 'left', { lies })
    const ring = await TestRing.start(live, isNew ? ['--port', '0'] : [])
    const load = new Load(
      ring.ports.peers.map(({ control }) => control),
      `cut-${sum.cuts}-`,
    )
    const pids = [...(await ring.pids()), ring.process.pid!]
    const at = await cutUnder(load, disk, random.fork(sum.cuts))
    await goDark(ring, pids, () => disk.unmount(live))
    await load.stop()
    load.close()
    for (const [key, n] of load.acknowledged) known.set(key, n)
    const left = await disk.look(look, () => lostIn(look, known))
    account(sum, at, { ...left, acknowledged: load.sums.acknowledged })
    // Whoever was just reading when it went dark could not; that is no news.
    const wrong = load.violations.filter((violation) => !violation.endsWith('could not be read'))
    sum.complaints.push(...wrong)
  }
  return sum
}

async function cutUnder(load: Load, disk: PluggedDisk, random: SeededRandom): Promise<FaultNews> {
  await disk.arm({
    verdict: random.pick(['cut-before', 'cut-after']),
    of: 'deeds',
    at: 300 + random.whole(4000),
    path: '',
    forGood: false,
    luck: {
      seed: `luck ${random.whole(2 ** 32)}`,
      keeps: random.pick([0, random.fraction()]),
      sectorBytes: random.pick([512, 4096]),
      inOrder: random.chance(0.5),
    },
  })
  load.start(writers)
  return disk.struck
}

/** Every process of the ring dies before its disk answers again. From here on nobody may look into the ring's folder. */
async function goDark(
  ring: TestRing,
  pids: readonly number[],
  letGo: () => Promise<void>,
): Promise<void> {
  const gone = once(ring.process, 'close')
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await letGo()
  await gone
  await until('every peer to be gone', () => !pids.some(isRunning))
}

interface Left {
  readonly lost: readonly string[]
  readonly complaints: readonly string[]
}

async function lostIn(place: string, known: Numbers): Promise<Left> {
  const stores: Numbers[] = []
  const complaints: string[] = []
  for (const peer of peers) {
    try {
      stores.push(await numbersIn(folderOf(place, peer)))
    } catch (error) {
      complaints.push(`peer ${peer}: ${error as Error}`)
    }
  }
  return { lost: tooFew(known, stores, copies), complaints }
}

function account(
  sum: CutSum,
  at: FaultNews,
  { lost, complaints, acknowledged }: Left & { readonly acknowledged: number },
): void {
  const during = `${at.fault.operation} ${at.fault.path.split('/').slice(-2).join('/')}`
  sum.during[during] = (sum.during[during] ?? 0) + 1
  sum.acknowledged += acknowledged
  if (acknowledged > 0) sum.cutsUnderLoad++
  sum.lost += lost.length
  if (lost.length > 0 || complaints.length > 0) sum.cutsWithLoss++
  const told = lost.length > 0 ? [`${lost.length} lost, as ${lost[0]}`, ...complaints] : complaints
  for (const complaint of told) sum.complaints.push(`cut ${sum.cuts}, ${during}: ${complaint}`)
}
