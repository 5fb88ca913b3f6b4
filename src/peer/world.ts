/**
 * What every part of a peer shares: the five ports, the limits and rules it runs by, and who it is. Types only.
 */
import type { Limits } from '../protocol/limits.ts'
import type { Say } from '../protocol/event.ts'
import type { PeerId, View } from '../protocol/membership.ts'
import type { Rules } from '../protocol/rules.ts'
import type { Clock, Random, Storage, Transport } from '../ports.ts'
import type { Links } from './links.ts'
import type { Tasks } from './tasks.ts'

export interface World {
  readonly self: PeerId
  readonly transport: Transport
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly limits: Limits
  readonly rules: Rules
  readonly tasks: Tasks
  readonly links: Links
  readonly say: Say
  /** The present view: taken once at the start of a request, and kept. */
  view(): View
}
