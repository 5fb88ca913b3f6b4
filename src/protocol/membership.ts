/**
 * The membership table: who is in the ring, by their own signed word.
 */

/** A libp2p peer id of an Ed25519 key, in base58: `12D3KooW…`. */
export type PeerId = string & { readonly brand?: 'peer' }

export type PeerClass = 'durable' | 'transient'

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
}

/** The ring's identity: made once, public, the same at every peer. `id` is 128 random bits in base64url. */
export interface RingIdentity {
  readonly name: string
  readonly id: string
  readonly n: number
  readonly q: number
  readonly durableOwners: number
}
