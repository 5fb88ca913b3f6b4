/**
 * What a peer knows of its ring: what the ring is, and who is in it. How that is learnt stands in `membership.ts`.
 */
import { type Bytes, toHex, utf8 } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import type { Ring } from '../data/ring.ts'

/** A libp2p peer id of an Ed25519 key, in base58: `12D3KooW…`. */
export type PeerId = string & { readonly brand?: 'peer' }

export type PeerClass = 'durable' | 'transient'

/**
 * Whether a member holds all that it ever acknowledged. `new`: its store is new, and nobody is known to remember an
 * earlier one; `refilling`: it lost a disk, or part of it, and has not yet heard from enough others what was on it.
 */
export type Readiness = 'ready' | 'refilling' | 'new'

/** What a member says of itself. `version` grows with each statement; the highest wins. */
export interface MemberRecord {
  readonly peer: PeerId
  readonly version: number
  readonly class: PeerClass
  readonly host: string
  readonly zone: string
  readonly weight: number
  readonly addresses: readonly string[]
  readonly generation: string
  readonly readiness: Readiness
  /** How often this store has found records damaged: what was counted before is not counted with what came after. */
  readonly losses: number
  /** Which life of the peer says it; peers of earlier versions do not tell. */
  readonly life?: MemberLife | undefined
}

/** A life of a peer, from its start to its end, is named by the version of its first statement. */
export interface MemberLife {
  readonly began: number
  /** The life whose statement was the newest that this one had heard: its own, or another's. 0 where it had heard none. */
  readonly after: number
}

/** A record, the very bytes its subject signed, and the signature. */
export interface SignedRecord {
  readonly record: MemberRecord
  readonly signed: Bytes
  readonly signature: Bytes
}

/** The ring's identity: made once, public, the same at every peer. `id` is 128 random bits in base64url. */
export interface RingIdentity {
  readonly name: string
  readonly id: string
  readonly n: number
  readonly q: number
  readonly durableOwners: number
}

/** Immutable: a request takes one view at its start and keeps it. */
export interface View {
  readonly identity: RingIdentity
  /** Ordered by peer id. */
  readonly members: readonly SignedRecord[]
  readonly byPeer: ReadonlyMap<PeerId, SignedRecord>
  readonly ring: Ring
  /** The ring that this peer writes and reads by as well, while a change is under way, and the change's name. */
  readonly next?: { readonly change: string; readonly ring: Ring }
  /** Covers what the ring and the debts depend on, and no addresses. */
  readonly digest: string
}

/** 128 bits over all that makes a ring this ring: two that differ in anything refuse each other. */
export function ringHash(identity: RingIdentity): string {
  const { name, id, n, q, durableOwners } = identity
  return toHex(digestOf(utf8(JSON.stringify([name, id, n, q, durableOwners]))))
}

/** What is known before any member is. */
export function viewOfNobody(identity: RingIdentity): View {
  return {
    identity,
    members: [],
    byPeer: new Map(),
    ring: {
      shape: identity,
      members: [],
      ownersOf: () => [],
      preferenceOf: () => [],
      shareOf: () => 0,
    },
    digest: '',
  }
}
