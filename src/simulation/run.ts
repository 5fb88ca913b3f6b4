/**
 * One seed, from nothing to a verdict: a safety phase in which things break, then a liveness phase in which nothing does.
 *
 * While faults strike, no acknowledged write may be lost and no causality be bent, but nobody can demand that copies be
 * equal. So then everything is healed and every peer started, and within bounded virtual time they must be (P3).
 */
import { Calm } from './calm.ts'
import {
  convergenceGaps,
  crowds,
  doubleMints,
  endless,
  falseReads,
  falseRefusals,
  falseSiblings,
  forgottenOwn,
  lostWrites,
  prematureReads,
  refusedWrites,
  staleStrictReads,
} from './checker.ts'
import { Cluster } from './cluster.ts'
import { Custody } from './custody.ts'
import { type FaultKind, Faults } from './faults.ts'
import { inspect, notWhole, staleCopies, unreaped, unshortened } from './inspection.ts'
import { checkListings } from './listings.ts'
import type { View } from '../protocol/membership.ts'
import type { Operation } from './history.ts'
import type { Mutant } from './mutants/mutant.ts'
import { Operator } from './operator.ts'
import { excuses, falseOverloads, heldPlaces } from './overload.ts'
import { seededRandom } from './random.ts'
import { checkReceipts } from './receipts.ts'
import { bounded } from './storm.ts'
import { tellStory } from './story.ts'
import { drawSwarm, type Swarm } from './swarm.ts'
import type { LeftOut, Scene } from './scene.ts'
import { crowdedOf, deliverable, forgiveCrowded, hearRefusals } from './undelivered.ts'
import type { Promised, Violation } from './violation.ts'
import { watchDurable } from './undurable.ts'
import { longestTailMs } from './weather.ts'
import { Workload } from './workload.ts'

export interface SimulationOptions {
  readonly mutant?: Mutant
  /** Only these kinds of faults, instead of the seed's choice. */
  readonly faults?: readonly FaultKind[]
  /** Instead of what the seed draws. */
  readonly swarm?: Partial<Swarm>
  /** Whether the seed may bring a crowd; to a broken build only if that asks for one, as it hides what others break. */
  readonly crowds?: boolean
  /** Tell the story also when nothing broke. */
  readonly story?: boolean
  /** Leave nothing out of the story. */
  readonly whole?: boolean
  /** What is left out: faults and turns, by the names under which `happened` lists them. */
  readonly without?: LeftOut
  /** Stop as soon as one of these is seen to be broken. */
  readonly stopAt?: readonly Promised[]
  /** How long things break, instead of until enough has. */
  readonly safetyMs?: number
}

export interface SimulationResult {
  readonly seed: number
  /** Over every message, write and event: equal for two runs of one seed. */
  readonly fingerprint: string
  /** Operations by their outcome. */
  readonly operations: Readonly<Record<'done' | 'refused' | 'unknown', number>>
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly virtualMs: number
  readonly events: number
  /** How many records were longer than a message may be. */
  readonly oversized: number
  /** How many pieces of messages came, and how often somebody was turned away by a member that was full. */
  readonly pieces: number
  readonly turnedAway: number
  /** How often a read was asked of one owner more. */
  readonly hedged: number
  /** How many deleted keys were forgotten, and what came back of them too late, or from a disk of the past. */
  readonly reaped: number
  readonly late: number
  /** How often a member had no room for what it was to keep for others. */
  readonly roomless: number
  /** How many of these had expired, and how many reads showed a value to have. */
  readonly expired: number
  /** How often a member let go of dead entries of a long vector. */
  readonly shortened: number
  /** How often a member wrote for a tab where too many had written already. */
  readonly handedOver: number
  readonly shownOver: number
  /** How long after the last fault the owners of every key were equal. */
  readonly convergedAfterMs: number
  readonly violations: readonly Violation[]
  /** The faults and the clients' turns, each by a name. */
  readonly happened: readonly string[]
  readonly safetyMs: number
  /** Empty when nothing broke, unless it was asked for. */
  readonly story: string
}

const safetyMs = 60_000
/** Those whom an operator trusts tell the others, partition by partition. */
const trustedMs = 20_000
/** A phase that is too quiet goes on for so much longer. */
const longestQuietMs = 240_000
const fewestOperations = 300
const fewestFaults = 8
/** How long things still break after a night. */
const morningMs = 20_000
/** A run that is to stop at a false read looks for one every so many operations. */
const looksEvery = 20
/** Members must know each other before the first write. */
const startMs = 20_000
/** What keeps a tab from delivering is looked for so often, once everything is healed. */
const crowdsEveryMs = 20_000
/** So often it may be found in the middle of letting something go. */
const mostRelapses = 2
/** Twelve mean pauses of anti-entropy. */
const convergenceMs = 120_000

export async function runSeed(
  seed: number,
  options: SimulationOptions = {},
): Promise<SimulationResult> {
  const run = new Run(seed, options)
  try {
    await run.start()
    await run.breakThings()
    if (!run.isSeen()) await run.heal()
  } catch (error) {
    run.violations.push({
      promise: 'P9',
      key: '',
      text: `the run stopped: ${String((error as Error).stack)}`,
    })
  }
  return run.result()
}

class Run {
  readonly violations: Violation[] = []
  readonly #seed: number
  readonly #cluster: Cluster
  readonly #scene: Scene
  readonly #custody: Custody
  readonly #faults: Faults
  readonly #workload: Workload
  readonly #operator: Operator
  readonly #story: boolean
  readonly #stopAt: readonly Promised[]
  readonly #whole: boolean
  #safetyMs: number | undefined
  #lookedAt = 0
  #convergedAfterMs = 0

  constructor(seed: number, options: SimulationOptions) {
    this.#seed = seed
    this.#story = options.story ?? false
    this.#stopAt = options.stopAt ?? []
    this.#whole = options.whole ?? false
    const { mutant } = options
    const crowds = options.crowds ?? mutant === undefined
    const drawn = drawSwarm(seededRandom(seed).fork('swarm'), crowds)
    // Broken builds are looked for among synced buckets, unless they say otherwise.
    const buffering = mutant === undefined ? drawn.buffering : 0
    const settings = {
      ...drawn,
      buffering,
      ...mutant?.swarm,
      ...options.swarm,
      broken: mutant ?? {},
    }
    const cluster = new Cluster(seed, settings)
    this.#cluster = cluster
    const { stakes } = cluster.witness
    this.#custody = new Custody(cluster)
    cluster.wholeness.onWhole = (machine) => this.#custody.isWhole(machine)
    this.#scene = { cluster, calm: new Calm(cluster), custody: this.#custody, stakes }
    this.#faults = new Faults(this.#scene, options.faults ?? mutant?.faults, options.without)
    cluster.takesBuffers = (machine) => this.#custody.cutPower(machine)
    this.#workload = new Workload(cluster, options.without)
    this.#workload.onBuffered = (operation) =>
      watchDurable(this.#scene, operation, (violation) => this.#workload.violations.push(violation))
    this.#operator = new Operator(cluster)
    this.#safetyMs = options.safetyMs
  }

  async start(): Promise<void> {
    const { scheduler, machines } = this.#cluster
    for (const machine of machines) this.#cluster.start(machine)
    const known = (): boolean => this.#allKnown()
    await scheduler.run(startMs, bounded(scheduler, known))
    if (!this.#allKnown())
      this.#fail('P3', `the members do not know each other after ${startMs} ms`)
    // Long enough for every link and latency to be known.
    await scheduler.run(scheduler.nowMs + 2000)
  }

  async breakThings(): Promise<void> {
    const { scheduler, history } = this.#cluster
    const fromMs = scheduler.nowMs
    this.#workload.start()
    this.#faults.start()
    this.#operator.start()
    const seen = bounded(scheduler, () => this.isSeen())
    if (this.#safetyMs !== undefined) {
      await scheduler.run(fromMs + this.#safetyMs, seen)
      this.#safetyMs = Math.min(this.#safetyMs, scheduler.nowMs - fromMs)
      return
    }
    await scheduler.run(fromMs + safetyMs, seen)
    const busy = (): boolean =>
      seen() ||
      (history.operations.length >= fewestOperations && this.#faults.total >= fewestFaults)
    // A night is slept through, and the morning after it is part of the story.
    const { wakesAtMs } = this.#cluster
    if (wakesAtMs > 0) await scheduler.run(Math.max(scheduler.nowMs, wakesAtMs + morningMs), seen)
    if (!busy()) await scheduler.run(scheduler.nowMs + longestQuietMs, busy)
    this.#safetyMs = scheduler.nowMs - fromMs
  }

  /** Whether what the run was to stop at has been seen already; then the checker need not wait for the end. */
  isSeen(): boolean {
    if (this.#stopAt.length === 0) return false
    const { witness, doors } = this.#cluster
    const looks = this.#stopAt.includes('P2') || this.#stopAt.includes('P4')
    const reads = looks ? this.#falseReads() : []
    const { reapings, expiries } = this.#cluster
    const seen = [
      ...this.#workload.violations,
      ...witness.violations,
      ...reapings.violations,
      ...this.#cluster.foreign.violations,
      ...expiries.violations,
      ...doors.violations,
      ...reads,
    ]
    if (seen.length === 0) return false
    const found = seen.filter(({ promise }) => this.#stopAt.includes(promise))
    if (found.length > 0 && this.violations.length === 0) this.violations.push(...found)
    return found.length > 0
  }

  /** Of a build whose states grow without end, the end would never come: so reads are looked at now and then. */
  #falseReads(): Violation[] {
    const { history, witness } = this.#cluster
    if (history.operations.length < this.#lookedAt + looksEvery) return []
    this.#lookedAt = history.operations.length
    return [...falseReads(history, witness, this.#isLate), ...this.#staleReads()]
  }

  #staleReads(): Violation[] {
    const { history } = this.#cluster
    const isExcused = (put: Operation, get: Operation): boolean =>
      this.#wereOwnersMoved(get) || this.#mayMiss(put, get, get.startMs)
    const gone = (key: string): number[] => [...this.#forgotten(key), ...this.#unnamed(key)]
    return staleStrictReads(history, isExcused, gone)
  }

  /** Deletes whose names a disk gave out again that was set back: what stands under them now is another write. */
  #unnamed(key: string): number[] {
    const { history, witness } = this.#cluster
    return history.operations.flatMap(({ kind, key: of, write }) => {
      if (kind !== 'delete' || of !== key) return []
      return witness.namesOf(write).some(({ actor }) => witness.wasAbandoned(actor)) ? [write] : []
    })
  }

  /**
   * P4 is not promised yet from the first change of owners on. Who has become an owner says that it is ready, and is, of all
   * that it ever acknowledged: of what those had before it knows nothing until they hand it over. That takes requests which
   * count by the owners of both rings for as long as that lasts.
   */
  #wereOwnersMoved({ endMs }: Operation): boolean {
    return endMs >= this.#cluster.rings.movedMs
  }

  /** Whether those who answered from this moment on may have missed the write: their disks know of no loss, or somebody said so. */
  #mayMiss({ write, quorumMs, key }: Operation, { endMs }: Operation, fromMs: number): boolean {
    const { history, witness } = this.#cluster
    if (this.#operator.hasVoided(this.#workload.keyNamed(key), quorumMs, endMs)) return true
    if (witness.excused.has(write) || history.get(write).forfeited) return true
    return this.#custody.wasSetBack(write, fromMs, endMs)
  }

  async heal(): Promise<void> {
    const { scheduler, chronicle, machines, history } = this.#cluster
    this.#workload.stop()
    this.#faults.heal()
    chronicle.tell('', 'everything is healed')
    const healedMs = scheduler.nowMs
    let relapses = 0
    for (let atMs = healedMs; atMs < healedMs + convergenceMs; atMs += 1000) {
      await scheduler.run(atMs + 1000, bounded(scheduler))
      for (const machine of machines)
        if (machine.process === undefined) this.#cluster.start(machine)
      const elapsedMs = atMs - healedMs
      if (elapsedMs > 0 && elapsedMs % crowdsEveryMs === 0) this.#workload.mergeCrowds()
      const isOver = history.operations.every(({ outcome }) => outcome !== 'pending')
      const quiet = isOver && this.#workload.thinking === 0
      if (!quiet || this.#gaps(true).length > 0) continue
      this.#convergedAfterMs = scheduler.nowMs - healedMs
      // What has converged stays so, once the last message from the time of the faults has come; but for a moment, when
      // something is let go of just then: that is not at the same time everywhere.
      const isLate = scheduler.nowMs > healedMs + longestTailMs
      await scheduler.run(scheduler.nowMs + 3000, bounded(scheduler))
      if (this.#gaps(true).length === 0 || (isLate && ++relapses > mostRelapses)) break
    }
    hearRefusals(this.#cluster)
    forgiveCrowded(this.#cluster)
    this.violations.push(...(await heldPlaces(this.#cluster)))
    this.#check()
    this.violations.push(...(await checkListings(this.#cluster, this.#workload.keys)))
    const isSound = this.violations.length === 0
    this.violations.push(...(await checkReceipts(this.#cluster, isSound)))
  }

  result(): SimulationResult {
    const { history, scheduler, chronicle, doors } = this.#cluster
    const operations = { done: 0, refused: 0, unknown: 0 }
    for (const { outcome } of history.operations) if (outcome !== 'pending') operations[outcome]++
    const told = this.violations.length > 0 || this.#story
    return {
      seed: this.#seed,
      fingerprint: chronicle.fingerprint,
      operations,
      faults: this.#faults.counts,
      virtualMs: scheduler.nowMs,
      events: scheduler.events,
      oversized: this.#cluster.oversized,
      pieces: doors.pieces,
      turnedAway: doors.turned.length,
      hedged: [...doors.slow.values()].reduce((sum, count) => sum + count, 0),
      reaped: this.#cluster.reapings.count,
      late: this.#cluster.reapings.excused,
      roomless: this.#cluster.foreign.count,
      expired: this.#cluster.reapings.expired,
      shortened: this.#cluster.reapings.shortened,
      handedOver: this.#workload.handedOver,
      shownOver: this.#cluster.expiries.shownOver,
      convergedAfterMs: Math.round(this.#convergedAfterMs),
      violations: this.violations,
      happened: [...this.#faults.begun, ...this.#workload.turns],
      safetyMs: this.#safetyMs ?? 0,
      story: told ? tellStory(this.#seed, chronicle.lines, this.violations, this.#whole) : '',
    }
  }

  #check(): void {
    const { history, witness, network, settings, members } = this.#cluster
    const { calm } = this.#scene
    const wereWell = (operation: Operation): boolean => calm.mustSucceed(operation, settings.w)
    const holdings = inspect(this.#cluster)
    const isMember = (name: string): boolean => members.some((member) => member.name === name)
    const minters = settings.members + this.#faults.counts['member joins']
    const crowd = settings.limits.siblings * minters
    this.violations.push(
      ...this.#workload.violations,
      ...lostWrites(history, holdings, witness.forgiven(), this.#forgotten),
      ...falseSiblings(history, witness, holdings),
      ...falseReads(history, witness, this.#isLate),
      ...this.#staleReads(),
      ...doubleMints(history, witness, isMember),
      ...falseRefusals(history, witness),
      ...forgottenOwn(history, (put, get) => this.#mayMiss(put, get, 0), this.#forgotten),
      ...crowds(holdings, crowd),
      ...this.#gaps(false).map((gap) => ({ promise: 'P3' as const, ...gap })),
      ...refusedWrites(history, (each) => wereWell(each) && !excuses(this.#cluster, each)),
      ...falseOverloads(this.#cluster, wereWell),
      ...this.#cluster.doors.violations,
      ...prematureReads(history),
      ...witness.violations,
      ...this.#cluster.reapings.violations,
      ...this.#cluster.foreign.violations,
      ...this.#cluster.expiries.violations,
      ...endless(history),
      ...network.offences.map((text) => ({ promise: 'P10' as const, key: '', text })),
    )
  }

  #fail(promise: Violation['promise'], text: string): void {
    this.violations.push({ promise, key: '', text })
  }

  /** What still stands between the ring and P3, in words; with what is in doubt, if it is to be waited for. */
  #gaps(withDoubts: boolean): { key: string; text: string }[] {
    const gaps = convergenceGaps(inspect(this.#cluster))
    if (!this.#allKnown()) gaps.push({ key: '', text: 'the peers do not all know each other' })
    gaps.push(...deliverable(this.#cluster))
    const crowded = crowdedOf(this.#cluster)
    for (const { write, key } of this.#workload.unsettled()) {
      if (crowded.has(key) || this.#cluster.reapings.isLetGo(key, write)) continue
      gaps.push({ key, text: `the receipt of w${write} does not say that it is everywhere` })
    }
    gaps.push(...staleCopies(this.#cluster, this.#workload.keys))
    // After a word of the operator the others may be told what they lack, and not before.
    const isWaiting = this.#cluster.scheduler.nowMs - this.#operator.lastWordMs < trustedMs
    if (!isWaiting) gaps.push(...notWhole(this.#cluster))
    gaps.push(...unreaped(this.#cluster), ...unshortened(this.#cluster, withDoubts))
    return gaps
  }

  /** A tab that was away for so long that its own write was let go of does not know that it is superseded. */
  readonly #isLate = ({ via, key }: Operation, write: number): boolean => {
    const { edges, history, reapings } = this.#cluster
    const isOwn = history.get(write).via === via && edges.some(({ name }) => name === via)
    return isOwn && reapings.isLetGo(key, write)
  }

  readonly #forgotten = (key: string): Iterable<number> => this.#cluster.reapings.tombstonesOf(key)

  /** Whether every peer serves and has the same view of all members. A tab is told of members, and not of their seats. */
  #allKnown(): boolean {
    const { edges, members } = this.#cluster
    const areAlike = (views: readonly (View | undefined)[]): boolean =>
      views.every((view) => {
        return view?.members.length === members.length && view.digest === views[0]!.digest
      })
    const views = members.map(({ process }) => process?.member?.view)
    return areAlike(views) && areAlike(edges.map(({ process }) => process?.edge?.view))
  }
}
