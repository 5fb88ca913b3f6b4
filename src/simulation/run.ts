/**
 * One seed, from nothing to a verdict: a safety phase in which things break, then a liveness phase in which nothing does.
 *
 * While faults strike, no acknowledged write may be lost and no causality be bent, but nobody can demand that copies be
 * equal. So then everything is healed and every peer started, and within bounded virtual time they must be (P3).
 */
import { Calm } from './calm.ts'
import {
  convergenceGaps,
  endless,
  falseReads,
  falseSiblings,
  lostWrites,
  prematureReads,
  refusedWrites,
} from './checker.ts'
import { Cluster } from './cluster.ts'
import { Custody } from './custody.ts'
import { type FaultKind, Faults } from './faults.ts'
import { inspect } from './inspection.ts'
import { checkListings } from './listings.ts'
import type { Mutant } from './mutants.ts'
import { checkReceipts } from './receipts.ts'
import { tellStory } from './story.ts'
import type { Scene } from './scene.ts'
import type { Violation } from './violation.ts'
import { Workload } from './workload.ts'

export interface SimulationOptions {
  readonly mutant?: Mutant
  /** Only these kinds of faults, instead of the seed's choice. */
  readonly faults?: readonly FaultKind[]
  readonly members?: number
  /** Tabs; by default two for every other seed. */
  readonly edges?: number
  readonly clients?: number
  /** Tell the story also when nothing broke. */
  readonly story?: boolean
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
  /** How long after the last fault the owners of every key were equal. */
  readonly convergedAfterMs: number
  readonly violations: readonly Violation[]
  /** Empty when nothing broke, unless it was asked for. */
  readonly story: string
}

const safetyMs = 60_000
/** A phase that is too quiet goes on for so long. */
const longestSafetyMs = 300_000
const fewestOperations = 300
const fewestFaults = 8
/** Members must know each other before the first write. */
const startMs = 20_000
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
    await run.heal()
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
  readonly #faults: Faults
  readonly #workload: Workload
  readonly #story: boolean
  #convergedAfterMs = 0

  constructor(seed: number, options: SimulationOptions) {
    this.#seed = seed
    this.#story = options.story ?? false
    const { edges = seed % 2 === 0 ? 2 : 0, clients = 10, mutant } = options
    const members = options.members ?? mutant?.members ?? 5
    const sharedHost = mutant?.sharedHost ?? seed % 3 === 0
    const settings = { members, edges, n: 3, q: 16, r: 2, w: 2, sharedHost, broken: mutant ?? {} }
    const cluster = new Cluster(seed, settings)
    this.#cluster = cluster
    this.#scene = { cluster, calm: new Calm(cluster), custody: new Custody(cluster) }
    this.#faults = new Faults(this.#scene, options.faults ?? mutant?.faults)
    const keys = 2 + cluster.random.fork('workload').whole(6)
    this.#workload = new Workload(cluster, { clients, keys, pauseMs: 1300 })
  }

  async start(): Promise<void> {
    const { scheduler, machines } = this.#cluster
    for (const machine of machines) this.#cluster.start(machine)
    await scheduler.run(startMs, () => this.#allKnown())
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
    await scheduler.run(fromMs + safetyMs)
    const busy = (): boolean =>
      history.operations.length >= fewestOperations && this.#faults.total >= fewestFaults
    if (!busy()) await scheduler.run(fromMs + longestSafetyMs, busy)
  }

  async heal(): Promise<void> {
    const { scheduler, chronicle, machines, history } = this.#cluster
    this.#workload.stop()
    this.#faults.heal()
    chronicle.tell('', 'everything is healed')
    const healedMs = scheduler.nowMs
    for (let atMs = healedMs; atMs < healedMs + convergenceMs; atMs += 1000) {
      await scheduler.run(atMs + 1000)
      for (const machine of machines)
        if (machine.process === undefined) this.#cluster.start(machine)
      const quiet = history.operations.every(({ outcome }) => outcome !== 'pending')
      if (!quiet || this.#gaps().length > 0) continue
      this.#convergedAfterMs = scheduler.nowMs - healedMs
      break
    }
    // What has converged stays so.
    await scheduler.run(scheduler.nowMs + 3000)
    this.#check()
    this.violations.push(...(await checkListings(this.#cluster, this.#workload.keys)))
    this.violations.push(...(await checkReceipts(this.#cluster)))
  }

  result(): SimulationResult {
    const { history, scheduler, chronicle } = this.#cluster
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
      convergedAfterMs: Math.round(this.#convergedAfterMs),
      violations: this.violations,
      story: told ? tellStory(this.#seed, chronicle.lines, this.violations) : '',
    }
  }

  #check(): void {
    const { history, witness, network, settings } = this.#cluster
    const { calm } = this.#scene
    const holdings = inspect(this.#cluster)
    this.violations.push(
      ...lostWrites(history, holdings),
      ...falseSiblings(history, witness, holdings),
      ...falseReads(history, witness),
      ...this.#gaps().map((gap) => ({ promise: 'P3' as const, ...gap })),
      ...refusedWrites(history, (operation) => calm.mustSucceed(operation, settings.w)),
      ...prematureReads(history),
      ...witness.violations,
      ...endless(history),
      ...network.offences.map((text) => ({ promise: 'P10' as const, key: '', text })),
    )
  }

  #fail(promise: Violation['promise'], text: string): void {
    this.violations.push({ promise, key: '', text })
  }

  /** What still stands between the ring and P3, in words. */
  #gaps(): { key: string; text: string }[] {
    const gaps = convergenceGaps(inspect(this.#cluster))
    if (!this.#allKnown()) gaps.push({ key: '', text: 'the peers do not all know each other' })
    for (const { name, process } of this.#cluster.edges) {
      const pending = process?.edge?.pendingWrites ?? 0
      if (pending > 0) gaps.push({ key: '', text: `${name} has ${pending} writes to deliver` })
    }
    return gaps
  }

  /** Whether every peer serves and has the same view of all members. */
  #allKnown(): boolean {
    const { machines, members } = this.#cluster
    const views = machines.map(({ process }) => process?.member?.view ?? process?.edge?.view)
    return views.every(
      (view) => view?.members.length === members.length && view.digest === views[0]!.digest,
    )
  }
}
