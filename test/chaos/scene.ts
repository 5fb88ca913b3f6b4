/** What a fault is given, and what it gives back. Types only. */
import type { Custody } from '../../src/simulation/custody.ts'
import type { SeededRandom } from '../../src/simulation/random.ts'
import type { Cuts, End } from './cuts.ts'
import type { Field } from './field.ts'
import type { Machine } from './machine.ts'

export interface Scene {
  readonly field: Field
  readonly custody: Custody
  readonly cuts: Cuts
  readonly random: SeededRandom
  /** A machine that nothing else is being done to, of these; undefined if enough are unwell already. */
  readonly take: (of: readonly Machine[]) => Machine | undefined
  /** Any such machine, however many are unwell. */
  readonly takeAnother: () => Machine | undefined
  readonly release: (machine: Machine) => void
  /** Makes a peer serve, whatever keeps it from it; resolves once it does. */
  readonly revive: (machine: Machine) => Promise<void>
  /** Looks at all disks and logs. */
  readonly look: () => void
  /** A store was damaged, and its peer had not met the damage yet. */
  readonly foundUnsound: () => void
}

/** Begins a fault; undefined where it cannot strike now. */
export type Strike = (scene: Scene) => End | undefined | Promise<End | undefined>
