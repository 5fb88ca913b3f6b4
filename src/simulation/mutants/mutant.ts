/**
 * A deliberately broken build: the clause that it breaks, the promise that goes with it, and a seed that shows it.
 *
 * A checker that never cries may be blind. So for each clause that a promise rests on there is a build without it, and
 * a seed in which the checker sees the difference.
 */
import type { BrokenBuild } from '../broken-build.ts'
import type { FaultKind } from '../faults.ts'
import type { Swarm } from '../swarm.ts'
import type { Promised } from '../violation.ts'

export interface Mutant extends BrokenBuild {
  readonly name: string
  /** The clause of the protocol that it breaks. */
  readonly clause: string
  /** The promises that it breaks: the checker must report one of these. */
  readonly breaks: readonly Promised[]
  /** The faults that bring it out; by default each seed's own choice. */
  readonly faults?: readonly FaultKind[]
  /** The ring that brings it out; by default each seed's own. */
  readonly swarm?: Partial<Swarm>
}
