/** What the transport contract is run against: a way to open peers that can reach each other, and their limits. */
import type { Limits } from '../protocol/limits.ts'
import type { Transport } from '../ports.ts'

export interface TransportSubject {
  /** What the transports were opened with; short heartbeats make a short run. */
  readonly limits: Limits
  /** A peer of its own, that the others can dial at its `addresses`. */
  open(): Promise<Transport>
  /** A peer of another ring at the same place; without it the case on rings is left out. */
  openElsewhere?(): Promise<Transport>
}
