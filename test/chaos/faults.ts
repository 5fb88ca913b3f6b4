/**
 * The faults of a run, drawn from its seed like cards: every kind comes up before any comes up again.
 *
 * Several stand at one time, and each lasts some seconds, now and then a minute. But for the moments in which all are
 * killed at once, not more than two of the five peers are unwell by processes or disks, or nothing would ever get done;
 * the network may be cut in any way besides.
 */
import type { Custody } from '../../src/simulation/custody.ts'
import type { SeededRandom } from '../../src/simulation/random.ts'
import { Cuts, type End } from './cuts.ts'
import { diskFaults } from './disk-faults.ts'
import type { Field } from './field.ts'
import type { Machine } from './machine.ts'
import { machineFaults } from './machine-faults.ts'
import { networkFaults } from './network-faults.ts'
import type { Operator } from './operator.ts'
import type { Scene, Strike } from './scene.ts'

const strikes = { ...networkFaults, ...machineFaults, ...diskFaults } satisfies Record<
  string,
  Strike
>
export type FaultKind = keyof typeof strikes
export const faultKinds = Object.keys(strikes) as readonly FaultKind[]

const betweenMs = 1600
const lastsMs = 7000
const lastsOtherwiseMs: Partial<Record<FaultKind, number>> = {
  'paused peer': 20_000,
  'full disk': 12_000,
  'all killed at once': 1000,
}
const longestMs = 60_000
const unwellAtOnce = 2

export class Faults {
  /** How often each kind has struck. */
  readonly counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Record<
    FaultKind,
    number
  >
  readonly #field: Field
  readonly #random: SeededRandom
  readonly #scene: Omit<Scene, 'random'>
  readonly #unwell = new Set<Machine>()
  readonly #standing = new Set<() => Promise<void>>()
  #deck: FaultKind[] = []
  #drawn = 0
  #open = true
  #wake = (): void => {}

  constructor(field: Field, random: SeededRandom, custody: Custody, operator: Operator) {
    this.#field = field
    this.#random = random
    const take = (of: readonly Machine[]): Machine | undefined =>
      this.#unwell.size < unwellAtOnce ? this.#take(of) : undefined
    const takeAnother = (): Machine | undefined => this.#take(field.members)
    const release = (machine: Machine): void => void this.#unwell.delete(machine)
    const revive = (machine: Machine): Promise<void> => operator.revive(machine)
    const look = (): void => operator.look()
    const foundUnsound = (): void => void operator.noticed.foundUnsound++
    const cuts = new Cuts(field.network)
    this.#scene = { field, custody, cuts, take, takeAnother, release, revive, look, foundUnsound }
  }

  /** Lets faults strike for so long. */
  async strikeFor(ms: number): Promise<void> {
    const untilMs = this.#field.story.nowMs + ms
    for (;;) {
      const leftMs = untilMs - this.#field.story.nowMs
      const pauseMs = this.#random.exponential(betweenMs)
      await this.#pause(Math.min(pauseMs, Math.max(0, leftMs)))
      if (pauseMs > leftMs || !this.#open) return
      void this.#begin(this.#draw())
    }
  }

  /** Ends every fault, and lets no new one begin; resolves once all are over. */
  async heal(): Promise<void> {
    this.#open = false
    this.#wake()
    await Promise.all([...this.#standing].map((end) => end()))
  }

  #draw(): FaultKind {
    if (this.#deck.length === 0) this.#deck = this.#random.shuffled(faultKinds)
    return this.#deck.pop()!
  }

  async #begin(kind: FaultKind): Promise<void> {
    const random = this.#random.fork(++this.#drawn)
    const length = Math.min(longestMs, 1000 + random.exponential(lastsOtherwiseMs[kind] ?? lastsMs))
    // Registered from its first moment: what is healed while it strikes has to end too.
    const struck = Promise.resolve(strikes[kind]({ ...this.#scene, random }))
    let ending: Promise<void> | undefined
    const end = (): Promise<void> =>
      (ending ??= struck
        .then((over: End | undefined) => over?.())
        .finally(() => {
          clearTimeout(timer)
          this.#standing.delete(end)
        }))
    const timer = setTimeout(() => void end(), length)
    this.#standing.add(end)
    if ((await struck) !== undefined) this.counts[kind]++
    // Its turn comes again before all others have had another.
    else this.#deck.unshift(kind)
  }

  #take(of: readonly Machine[]): Machine | undefined {
    const well = of.filter((machine) => !this.#unwell.has(machine) && machine.serves)
    if (well.length === 0) return undefined
    const machine = this.#random.pick(well)
    this.#unwell.add(machine)
    return machine
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve
      setTimeout(resolve, ms)
    })
  }
}
