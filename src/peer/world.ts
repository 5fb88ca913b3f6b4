/**
 * What every part of a peer shares: the five ports, the limits and rules it runs by, and who it is. Made once, by the
 * file that puts the peer together.
 */
import type { Identity } from '../data/identity.ts'
import type { Key } from '../data/key.ts'
import type { Say } from '../protocol/event.ts'
import { limits as defaultLimits, type Limits } from '../protocol/limits.ts'
import type { PeerId, View } from '../protocol/membership.ts'
import type { Request } from '../protocol/message.ts'
import { type DeviceRules, deviceRules } from '../protocol/device-rules.ts'
import type { BufferingRules } from '../protocol/buffering.ts'
import type { ChangingRules } from '../protocol/changing-rules.ts'
import type { ReapingRules } from '../protocol/reaping.ts'
import type { Rules } from '../protocol/rules.ts'
import type { Clock, Random, Storage, Transport } from '../ports.ts'
import type { Buffers } from './buffers.ts'
import type { Hedging } from './hedging.ts'
import { Links } from './links.ts'
import type { Pace } from './pace.ts'
import { Tasks } from './tasks.ts'
import { Troubles } from './troubles.ts'

export interface World {
  readonly self: PeerId
  readonly transport: Transport
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly limits: Limits
  readonly rules: DeviceRules
  readonly tasks: Tasks
  readonly links: Links
  readonly say: Say
  readonly troubles: Troubles
  /** Says on a member's request in which session it is sent. */
  readonly stamp?: (request: Request) => Request
  /** The present view: taken once at the start of a request, and kept. */
  view(): View
}

/** With all decisions that a peer takes about the ring. */
export interface RingWorld extends World {
  readonly rules: Rules
}

/** What the parts of a member share beyond that. */
export interface MemberWorld extends RingWorld {
  readonly hedging: Hedging
  readonly pace: Pace
  readonly reaping: ReapingRules
  readonly changing: ChangingRules
  readonly buffering: BufferingRules
  readonly buffers: Buffers
  readonly stamp: (request: Request) => Request
  /** Exchanges membership tables with this peer; resolves when that is over, whatever came of it. */
  compareTables(peer: PeerId): Promise<unknown>
  /** Whether this peer was told of others, and has reached none. */
  isAlone(): boolean
  /** Whether nothing that others still have is missing here: then that it has nothing of a key means something. */
  holdsAll(key: Key): boolean
}

/** What a member and an edge are both given. */
export interface WorldOptions {
  readonly identity: Identity
  readonly transport: Transport
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly limits?: Limits
  readonly rules?: Rules
  /** Where what fails in the background stands, if somebody has begun to note it. */
  readonly troubles?: Troubles
}

/** `trusted` is called when a peer that was suspect answers again. */
export function makeWorld(
  options: WorldOptions,
  say: Say,
  view: () => View,
  trusted: (peer: PeerId) => void,
): World {
  const { identity, transport, storage, clock, random } = options
  const failed = (label: string, error: unknown): void =>
    say({ type: 'task-failed', detail: `${label}: ${String(error)}` })
  return {
    self: identity.peer,
    transport,
    storage,
    clock,
    random,
    say,
    view,

    limits: options.limits ?? defaultLimits,
    rules: options.rules ?? deviceRules,
    troubles: options.troubles ?? new Troubles(),
    tasks: new Tasks(failed),
    links: new Links(clock, say, trusted),
  }
}
