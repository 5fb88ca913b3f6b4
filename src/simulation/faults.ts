/**
 * What goes wrong, drawn from the seed: a swarm of faults, of which each run allows only some kinds.
 *
 * A run in which everything breaks all the time tests little: nothing gets far enough to go wrong in an interesting way.
 * So each seed picks the kinds it uses and how often each strikes (swarm testing: Groce et al., 2012). A fault counts only
 * once it has struck something: a partition that no message met was none.
 */
import { cloneFaults } from './clone-faults.ts'
import { diskFaults } from './disk-faults.ts'
import { loadFaults } from './load-faults.ts'
import { machineFaults } from './machine-faults.ts'
import { networkFaults } from './network-faults.ts'
import { payingFaults } from './paying-faults.ts'
import { type SeededRandom, steady } from './random.ts'
import { ringFaults } from './ring-faults.ts'
import type { Inflict, LeftOut, Scene } from './scene.ts'
import { memberFaults, seatFaults } from './seat-faults.ts'
import { tabFaults } from './tab-faults.ts'
import { versionFaults } from './version-faults.ts'

/** What a seed takes up by a draw of its own, and suffers beside the others, whose draws it does not move. */
const besides = { ...payingFaults, ...ringFaults, ...seatFaults }

const inflictions = {
  ...machineFaults,
  ...diskFaults,
  ...cloneFaults,
  ...networkFaults,
  ...versionFaults,
  ...tabFaults,
  ...besides,
  ...loadFaults,
} satisfies Record<string, Inflict>

export type FaultKind = keyof typeof inflictions

export const faultKinds = Object.keys(inflictions) as readonly FaultKind[]

/** How often a seed takes up a kind, where that is not like all others: a night costs as much as four days. */
const chances: Partial<Record<FaultKind, number>> = { 'hours alone': 0.15, 'cleared tab': 0.6 }

/** One fault that is under way. */
interface Standing {
  readonly end: () => void
}

export class Faults {
  /** How often each kind has struck. */
  readonly counts: Record<FaultKind, number>
  readonly #scene: Scene
  readonly #random: SeededRandom
  readonly #kinds: readonly FaultKind[]
  readonly #besides: readonly FaultKind[]
  /** The faults that began, in order. */
  readonly begun: string[] = []
  readonly #without: LeftOut
  #number = 0
  readonly #standing = new Set<Standing>()
  readonly #pauseMs: number
  /** Mean: some runs are shaken by short faults, some by long ones. */
  readonly #lastsMs: number
  #open = true

  /**
   * `only`: these kinds, instead of the seed's choice; one named twice strikes twice as often. `without`: those that are
   * left out, by name.
   */
  constructor(scene: Scene, only?: readonly FaultKind[], without: LeftOut = new Set()) {
    this.#without = without
    this.#scene = scene
    this.#random = scene.cluster.random.fork('faults')
    this.counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Faults['counts']
    this.#kinds = only ?? this.#chooseKinds()
    this.#besides = only === undefined ? this.#chooseBesides() : []
    this.#pauseMs = scene.cluster.settings.faultPauseMs
    this.#lastsMs = steady(10 ** this.#random.between(2.7, 4.1))
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  start(): void {
    const kinds = [...new Set([...this.#kinds, ...this.#besides])].join(', ')
    this.#scene.cluster.chronicle.tell('', `the faults of this run: ${kinds}`)
    this.#scheduleNext()
    for (const kind of this.#besides) this.#scheduleBesides(kind, this.#random.fork(kind))
  }

  /** Ends every fault, and lets no new one begin. */
  heal(): void {
    this.#open = false
    for (const { end } of this.#standing) end()
  }

  #chooseKinds(): readonly FaultKind[] {
    const { edges, settings } = this.#scene.cluster
    const kinds = chooseKinds(this.#random, edges.length > 0)
    // Those of a ring that lets in few are drawn beside the others, which are as they would be without.
    return settings.isCrowded ? [...kinds, ...crowded, ...crowded] : kinds
  }

  #chooseBesides(): readonly FaultKind[] {
    const { movesOwners, changesMembers, broken } = this.#scene.cluster.settings
    // Broken builds are looked for in rings whose members stay, unless they name what is to change.
    const mayLeave = !movesOwners && Object.keys(broken).length === 0
    const isChosen = (kind: FaultKind): boolean => {
      if (kind in ringFaults) return movesOwners
      if (kind in memberFaults && !changesMembers) return false
      if (kind in seatFaults) return mayLeave && this.#random.fork(`${kind}?`).chance(0.1)
      return this.#random.fork(`${kind}?`).chance(0.2)
    }
    return faultKinds.filter((kind) => kind in besides && isChosen(kind))
  }

  #scheduleNext(): void {
    const { cluster, custody } = this.#scene
    const pauseMs = this.#random.exponential(this.#pauseMs)
    // At night all takes longer, but no longer than the night.
    const nightMs = Math.max(0, cluster.wakesAtMs - cluster.scheduler.nowMs)
    cluster.scheduler.after(Math.min(cluster.pace * pauseMs, nightMs + pauseMs), () => {
      if (!this.#open) return
      custody.look()
      this.#begin(this.#random.pick(this.#kinds), this.#random)
      this.#scheduleNext()
    })
  }

  #scheduleBesides(kind: FaultKind, random: SeededRandom): void {
    const { cluster } = this.#scene
    cluster.scheduler.after(cluster.pace * random.exponential(2 * this.#pauseMs), () => {
      if (!this.#open) return
      this.#begin(kind, random)
      this.#scheduleBesides(kind, random)
    })
  }

  #begin(kind: FaultKind, from: SeededRandom): void {
    const random = from.fork(from.whole(2 ** 31))
    const name = `fault ${++this.#number}, ${kind}`
    if (this.#without.has(name)) return
    const { cluster } = this.#scene
    const running = cluster.machines.filter(({ process }) => process !== undefined)
    if (running.length === 0) return
    const lastsMs = 300 + random.exponential(this.#lastsMs)
    const end = inflictions[kind](this.#scene, random.pick(running), random, lastsMs)
    if (end === undefined) return
    this.begun.push(name)
    const standing = {
      end: () => {
        if (this.#standing.delete(standing) && end()) this.counts[kind]++
      },
    }
    this.#standing.add(standing)
    cluster.scheduler.after(lastsMs, standing.end)
  }
}

const crowded = Object.keys(loadFaults) as readonly (keyof typeof loadFaults)[]

/** Faults that strike wherever they fall: each run has one of them. */
const surest: readonly FaultKind[] = ['crash', 'partition', 'isolated peer', 'broken links']

function chooseKinds(random: SeededRandom, hasTabs: boolean): FaultKind[] {
  const chosen = faultKinds
    .filter((kind) => !(kind in besides) && !(kind in loadFaults))
    .filter((kind) => random.chance(chances[kind] ?? 0.4))
    .filter((kind) => hasTabs || !(kind in tabFaults))
  return [random.pick(surest), ...chosen].flatMap((kind) =>
    Array.from({ length: 1 + random.whole(3) }, () => kind),
  )
}
