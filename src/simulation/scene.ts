/** What a fault has to work with, and what it is. Types only. */
import type { Calm } from './calm.ts'
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import type { Custody } from './custody.ts'
import type { SeededRandom } from './random.ts'
import type { Stakes } from './stakes.ts'

export interface Scene {
  readonly cluster: Cluster
  readonly calm: Calm
  readonly custody: Custody
  readonly stakes: Stakes
}

/** Faults and turns that are left out of a run, by their names. */
export type LeftOut = Pick<ReadonlySet<string>, 'has'>

/** Begins a fault, mostly of one machine; undefined where it has nothing to strike. */
export type Inflict = (
  scene: Scene,
  machine: Machine,
  random: SeededRandom,
  lastsMs: number,
) => End | undefined

/** Ends a fault; whether it struck anything. */
export type End = () => boolean
