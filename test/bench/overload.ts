/**
 * `npm run bench -- overload`: what a ring does when ten times as much is asked of it as it can do.
 *
 * Whoever queues what comes in answers everything too late; whoever refuses early goes on answering what it can. So the
 * rate is raised until the goodput grows no more, and what it is there is measured by turns with what it is at ten times
 * that peak: a machine does now more and now less, and a share of what it did a minute ago says nothing. Then the load
 * goes, and everything must be as before. Good is a request that was done within two seconds of its moment.
 *
 * Three peers with disks of their own, half puts (W = 2, 256 bytes, each of a new key), half gets (R = 2). On Linux the
 * ring has the first core and the generator the second, so that neither takes what the other needs.
 */
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { RingStatus } from '../../node/control-status.ts'
import { showTable } from '../../node/cli/table.ts'
import { createRingFile, newRingIdentity } from '../../node/ring-file.ts'
import { canPin, freePorts, processorOf, residentOf, startPinned } from './processes.ts'
import type { Figures, Order, Second, Yield } from './generator.ts'

export interface Phase extends Yield {
  readonly name: string
  readonly offeredPerSecond: number
  readonly goodPerSecond: number
  /** The largest that a peer's memory was. */
  readonly residentMegabytes: number
  /** What the peers computed, together. */
  readonly processorSeconds: number
  /** At its end, the least share of their time that any of them left to its background work. */
  readonly background: number
}

/** One peer of the ring. */
interface RingPeer {
  readonly process: ChildProcess
  readonly control: number
}

export interface Overload {
  readonly peakPerSecond: number
  /** What was done under ten times the peak, as a share of the peak: by the medians of all turns, and turn by turn. */
  readonly kept: number
  readonly keptByTurn: readonly number[]
  /**
   * The same for each second that the peers computed, all turns together: what others take of this machine changes how
   * long that is, and not what is done in it.
   */
  readonly keptOfProcessor: number
  readonly refusals: Figures
  /**
   * Seconds after the load went until nothing was refused, and the 99th percentile at most twice that of before, for three
   * seconds.
   */
  readonly recoveredAfterSeconds: number | undefined
  readonly residentMegabytes: number
  readonly pinned: boolean
  readonly phases: readonly Phase[]
}

const peers = 3
const program = join(import.meta.dirname, '..', '..', 'node', 'main.ts')
const generator = join(import.meta.dirname, 'generator.ts')
/** Each step of the search offers so much more than the one before. */
const growth = 1.4
const firstPerSecond = 500
const stepSeconds = 2
/** A step that yields no more than this above the best so far ends the search at its second. */
const worthwhile = 1.03
const times = 10
/** The peak and ten times the peak, so often. */
const turns = 5
/** What the one has left behind is not to be counted to the other. */
const restMs = 1000
/** A machine that does other things too has a bad second now and then, under no load at all. */
const steadySeconds = 3

export async function measureOverload(folder: string, seconds: number): Promise<Overload> {
  const pinned = canPin()
  const started: ChildProcess[] = []
  const start = async (core: number, args: readonly string[]): Promise<ChildProcess> => {
    const child = await startPinned(pinned ? core : undefined, args)
    started.push(child)
    return child
  }
  try {
    const { path, addresses, ring } = await startPeers(folder, (args) => start(0, args))
    const source = await start(1, [generator, path, ...addresses])
    const measure = (name: string, order: Order): Promise<Phase> =>
      watched(name, order, source, ring)
    return await measureAll(measure, seconds, pinned)
  } finally {
    for (const child of started) child.disconnect()
  }
}

async function measureAll(
  measure: (name: string, order: Order) => Promise<Phase>,
  seconds: number,
  pinned: boolean,
): Promise<Overload> {
  await measure('warm-up', { perSecond: firstPerSecond, seconds: 4 })
  const steps: Phase[] = []
  let best = 0
  for (let perSecond = firstPerSecond, vain = 0; vain < 2; perSecond *= growth) {
    const step = await measure('search', { perSecond, seconds: stepSeconds })
    steps.push(step)
    vain = step.goodPerSecond > best * worthwhile ? 0 : vain + 1
    best = Math.max(best, step.goodPerSecond)
    // Where more is refused than done, it is a crowd already and no peak.
    if (step.goodPerSecond < perSecond / 2) break
  }
  // The best of many short steps is the luckiest: what is compared is measured for the same time.
  const { offeredPerSecond } = steps.find(({ goodPerSecond }) => goodPerSecond === best)!
  await wait(restMs)
  const before = await measure('before', { perSecond: best / 2, seconds })
  const peaks: Phase[] = []
  const crowds: Phase[] = []
  for (let turn = 0; turn < turns; turn++) {
    await wait(restMs)
    const most = { perSecond: offeredPerSecond, seconds: seconds / 2 }
    peaks.push(await measure('peak', most))
    await wait(restMs)
    const crowd = { perSecond: best * times, seconds: seconds / 2 }
    crowds.push(await measure('overload', crowd))
  }
  const after = await measure('after', { perSecond: best / 2, seconds: 12 })
  const phases = [...steps, before, ...peaks.flatMap((peak, i) => [peak, crowds[i]!]), after]
  const peakPerSecond = medianOf(peaks)
  return {
    peakPerSecond,
    kept: medianOf(crowds) / peakPerSecond,
    keptByTurn: crowds.map(({ goodPerSecond }, i) => goodPerSecond / peaks[i]!.goodPerSecond),
    keptOfProcessor: perProcessorSecond(crowds) / perProcessorSecond(peaks),
    refusals: worstOf(crowds.map(({ refused }) => refused)),
    recoveredAfterSeconds: recoveryOf(after.seconds, before.good.p99Ms),
    residentMegabytes: Math.max(...phases.map(({ residentMegabytes }) => residentMegabytes)),
    pinned,
    phases,
  }
}

function medianOf(phases: readonly Phase[]): number {
  const sorted = phases.map(({ goodPerSecond }) => goodPerSecond).sort((a, b) => a - b)
  return sorted[sorted.length >> 1]!
}

function perProcessorSecond(phases: readonly Phase[]): number {
  const done = phases.reduce((sum, { good }) => sum + good.count, 0)
  return done / phases.reduce((sum, { processorSeconds }) => sum + processorSeconds, 0)
}

/** Of several turns: how many in all, and how long in the worst. */
function worstOf(figures: readonly Figures[]): Figures {
  return {
    count: figures.reduce((sum, { count }) => sum + count, 0),
    p50Ms: Math.max(...figures.map(({ p50Ms }) => p50Ms)),
    p99Ms: Math.max(...figures.map(({ p99Ms }) => p99Ms)),
  }
}

/** The second from which on all is as before, for as long as that can be no accident. */
function recoveryOf(seconds: readonly Second[], p99Ms: number): number | undefined {
  const isWell = ({ refused, failed, p99Ms: now }: Second): boolean =>
    refused + failed === 0 && now <= 2 * p99Ms
  const first = seconds.findIndex((_, i) => {
    const following = seconds.slice(i, i + steadySeconds)
    return following.length === steadySeconds && following.every(isWell)
  })
  return first < 0 ? undefined : first
}

async function watched(
  name: string,
  order: Order,
  source: ChildProcess,
  ring: readonly RingPeer[],
): Promise<Phase> {
  let residentMegabytes = 0
  const look = (): void => {
    const sizes = ring.map(({ process }) => residentOf(process.pid!))
    residentMegabytes = Math.max(residentMegabytes, ...sizes)
  }
  const timer = setInterval(look, 100)
  const startMs = performance.now()
  const computed = (): number =>
    ring.reduce((sum, { process }) => sum + processorOf(process.pid!), 0)
  const computedBefore = computed()
  const answer = new Promise<Yield>((resolve) => {
    source.once('message', (message) => resolve(message as Yield))
  })
  source.send(order)
  const result = await answer
  clearInterval(timer)
  const took = Math.max(order.seconds, (performance.now() - startMs) / 1000)
  return {
    name,
    offeredPerSecond: result.offered / order.seconds,
    // What is answered behind the end counts, and so does its time.
    goodPerSecond: result.good.count / took,
    residentMegabytes,
    processorSeconds: computed() - computedBefore,
    background: Math.min(...(await Promise.all(ring.map(backgroundOf)))),
    ...result,
  }
}

async function backgroundOf({ control }: RingPeer): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${control}/status`)
  const { load } = (await answer.json()) as RingStatus
  return load.background
}

async function startPeers(folder: string, start: (args: string[]) => Promise<ChildProcess>) {
  const all = await freePorts(2 * peers)
  const [ports, controls] = [all.slice(0, peers), all.slice(peers)]
  const addresses = ports.map((port) => `/ip4/127.0.0.1/tcp/${port}`)
  const path = join(folder, 'ring.json')
  createRingFile(path, { identity: newRingIdentity({ name: 'overload' }), bootstrap: addresses })
  const ring: RingPeer[] = []
  for (const [i, port] of ports.entries()) {
    const own = {
      ring: path,
      data: join(folder, `peer-${i}`),
      host: `host-${i}`,
      tcp: String(port),
    }
    const control = controls[i]!
    const words = Object.entries({ ...own, ws: '0', control: String(control) }).flatMap(
      ([name, value]) => [`--${name}`, value],
    )
    ring.push({ process: await start([program, 'peer', ...words]), control })
  }
  // Until each has heard of the others.
  await wait(3000)
  return { path, addresses, ring }
}

export function showOverload(measured: Overload): string {
  const titles = ['', 'offered/s', 'good/s', 'p50 ms', 'p99 ms', 'refused/s', 'p50 ms', 'p99 ms']
  titles.push('failed', 'MB', 'cores', 'background')
  return [
    ...showTable(titles, measured.phases.map(rowOf), titles.slice(1)),
    '',
    summaryOf(measured),
  ].join('\n')
}

function rowOf(phase: Phase): string[] {
  const { good, refused, seconds, offered } = phase
  const numbers = [
    phase.offeredPerSecond,
    phase.goodPerSecond,
    good.p50Ms,
    good.p99Ms,
    refused.count / seconds.length,
    refused.p50Ms,
    refused.p99Ms,
    offered - good.count - refused.count,
    phase.residentMegabytes,
  ]
  const background = `${(100 * phase.background).toFixed(0)} %`
  const cores = (phase.processorSeconds / seconds.length).toFixed(1)
  return [phase.name, ...numbers.map((number) => number.toFixed(0)), cores, background]
}

function summaryOf(measured: Overload): string {
  const {
    peakPerSecond,
    kept,
    keptByTurn,
    keptOfProcessor,
    refusals,
    recoveredAfterSeconds: recovered,
    pinned,
  } = measured
  const cores = pinned ? ' on one core, the generator on another,' : ', not pinned to any core,'
  const end = recovered === undefined ? 'Not even 12 s' : `At most ${recovered + 1} s`
  return (
    `A ring of three peers${cores} does ${peakPerSecond.toFixed(0)} requests a second at most. Offered ${times} times ` +
    `that, it does ${percent(kept)} of it (by turns ${keptByTurn.map(percent).join(', ')}; ` +
    `of what it does in a second of computing, ${percent(keptOfProcessor)}), and refuses the rest within ${refusals.p50Ms.toFixed(0)} ms ` +
    `(median; 99 %: ${refusals.p99Ms.toFixed(0)} ms), with no peer above ${measured.residentMegabytes.toFixed(0)} MB. ` +
    `${end} after the load has gone all is as before.`
  )
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}
