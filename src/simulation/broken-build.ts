/**
 * What may be broken in a build of the product, so that the checker has something to catch. Types only.
 */
import type { BufferingRules } from '../protocol/buffering.ts'
import type { ChangingRules } from '../protocol/changing-rules.ts'
import type { Limits } from '../protocol/limits.ts'
import type { LoadRules } from '../protocol/load-rules.ts'
import type { MemberRules } from '../protocol/member-rules.ts'
import type { ReapingRules } from '../protocol/reaping.ts'
import type { Rules } from '../protocol/rules.ts'
import type { Random, Storage, Transport } from '../ports.ts'
import type { Edge } from '../peer/edge.ts'
import type { Keyed } from '../peer/keyed.ts'
import type { Disk } from './disk.ts'

/** What of a peer and its ports is replaced by something that is not as promised. */
export interface BrokenBuild {
  readonly rules?: Partial<Rules>
  readonly memberRules?: Partial<MemberRules>
  readonly reaping?: Partial<ReapingRules>
  readonly buffering?: Partial<BufferingRules>
  readonly load?: Partial<LoadRules>
  readonly changing?: Partial<ChangingRules>
  readonly storage?: (storage: Storage, disk: Disk) => Storage
  readonly transport?: (transport: Transport) => Transport
  readonly random?: (random: Random, machine: string) => Random
  /** What applications use of a tab. */
  readonly keyed?: (edge: Edge) => Keyed
  readonly limits?: Partial<Limits>
}
