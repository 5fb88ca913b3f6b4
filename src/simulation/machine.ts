/**
 * A machine and the process on it: what a restart finds again, and what it does not.
 *
 * The disk, the wall clock and the key of the peer are the machine's, as a data folder is. All else is the process's, and
 * gone when it dies.
 */
import { utf8 } from '../data/bytes.ts'
import { hash } from '../data/hash.ts'
import { type Identity, identityFromSeed } from '../data/identity.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Edge } from '../peer/edge.ts'
import type { Keyed } from '../peer/keyed.ts'
import type { Member } from '../peer/member.ts'
import type { Disk } from './disk.ts'
import type { Life, WallClock } from './life.ts'
import type { Encounters } from './newer-version.ts'
import type { SimulatedTransport } from './transport.ts'

/** Where a peer lives: what a restart finds again. */
export interface Machine {
  /** The short name that stories use: a, b, c… for members, tab1, tab2… for edges. */
  readonly name: string
  readonly kind: 'member' | 'edge'
  readonly peer: PeerId
  readonly identity: Identity
  readonly host: string
  readonly disk: Disk
  readonly wall: WallClock
  /** What a member states of itself at its next start. */
  weight: number
  zone: string
  incarnation: number
  process: Process | undefined
  /** What a later version of the peer has met, while its processes are of one. */
  newer: Encounters | undefined
  /** Whether its process asks the ring for a seat where it has none: it has left before. */
  joins: boolean
  /** Whether it is on its way out of the ring, or back. */
  leaves: boolean
}

export interface Process {
  readonly life: Life
  readonly transport: SimulatedTransport
  /** What applications use of it; undefined until it serves. */
  keyed: Keyed | undefined
  /** The peer itself: one of the two, once it serves. */
  member: Member | undefined
  edge: Edge | undefined
  /** Resolves when the process has died. */
  readonly ended: Promise<void>
  readonly end: () => void
}

/** A process that does not serve yet. */
export function makeProcess(life: Life, transport: SimulatedTransport): Process {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>()
  return { life, transport, keyed: undefined, member: undefined, edge: undefined, ended, end }
}

const identities = new Map<string, Identity>()

/** Making a key takes a millisecond; every run uses the same few. */
export function identityOf(name: string): Identity {
  let identity = identities.get(name)
  if (identity === undefined) {
    identity = identityFromSeed(hash(utf8(`simulated peer ${name}`)))
    identities.set(name, identity)
  }
  return identity
}
