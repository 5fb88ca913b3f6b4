/**
 * What members say about the ring's changes, each in bytes of its own with a signature.
 *
 * A *course* is a member's word about itself: how often it has joined, whether it comes, stays or goes, and how it votes on
 * the changes that are open. A *change* proposes other seats, from one roster that it names. A *step* says that a change was
 * completed, by somebody who saw enough votes. An *order* says that a member is to go whether it answers or not; a
 * *removal*, that one has gone: a small fact that stays, and keeps its records from circling back.
 *
 * The bytes that were signed travel on unchanged. Each kind is signed under a name of its own, so that no statement
 * can be shown as one of another kind, or of another ring.
 */
import { type Bytes, concat, MalformedError, toHex, utf8 } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import { type Identity, publicKeyOf, signatureLength, verifySignature } from '../data/identity.ts'
import {
  boolean,
  bytes,
  type Codec,
  decode,
  encode,
  fixed,
  list,
  mapped,
  oneOf,
  optional,
  struct,
  text,
  varint,
} from './codec.ts'
import { type Alteration, isSoundSeat, type RosterId, type Seat } from './seats.ts'
import { type PeerId, ringHash, type RingIdentity } from './view.ts'

/** The digest of a change's signed bytes, in hexadecimal digits. */
export type ChangeId = string

/**
 * How a member votes on a change. `open`: not yet. `confirmed`: it has seen all filled that gain something, and will never
 * reject it. `rejected`: it will never confirm it. `abstained`: it may have voted before it lost its disk, and does not
 * know how.
 */
export type Ballot = 'open' | 'confirmed' | 'rejected' | 'abstained'

export interface Vote {
  readonly change: ChangeId
  /** Whether it writes and reads by both rings: from when it took the change up until that is completed or withdrawn. */
  readonly joint: boolean
  readonly ballot: Ballot
  /** Of who would own more: the generation of the store that holds all of it. */
  readonly filled: string | undefined
}

export interface Course {
  readonly peer: PeerId
  readonly join: number
  readonly version: number
  readonly status: 'joining' | 'up' | 'leaving'
  /** The number of the roster that it stands on. */
  readonly stands: number
  readonly votes: readonly Vote[]
}

export interface Change {
  readonly author: PeerId
  /** The roster that it starts from. */
  readonly base: RosterId
  /** That of the roster it would lead to. */
  readonly number: number
  /** Tells one proposal of the same from another. */
  readonly attempt: number
  readonly alterations: readonly Alteration[]
}

export interface Step {
  readonly by: PeerId
  readonly change: ChangeId
  readonly base: RosterId
  readonly number: number
  readonly alterations: readonly Alteration[]
  /** The roster that it led to. */
  readonly roster: RosterId
}

/** A member is to go, or has gone: this joining of it, and all before. */
export interface Departure {
  readonly by: PeerId
  readonly peer: PeerId
  readonly join: number
  readonly why: 'left' | 'evicted'
}

/** What was said, the very bytes, and the signature under them. */
export interface Signed<T> {
  readonly said: T
  readonly signed: Bytes
  readonly signature: Bytes
}

export interface Kind<T> {
  readonly name: string
  readonly codec: Codec<T>
  signerOf(said: T): PeerId
}

const seat: Codec<Seat> = mapped(
  struct({
    peer: text,
    join: varint,
    class: oneOf('durable', 'transient'),
    host: text,
    zone: text,
    weight: varint,
  }),
  (each: Seat) => each,
  (each) => {
    publicKeyOf(each.peer)
    if (!isSoundSeat(each)) throw new MalformedError('a seat out of bounds')
    return each
  },
)

export const seats = list(seat)
const alterations = list(struct({ before: optional(seat), after: optional(seat) }))

export const courseKind: Kind<Course> = {
  name: 'course',
  codec: struct({
    peer: text,
    join: varint,
    version: varint,
    status: oneOf('joining', 'up', 'leaving'),
    stands: varint,
    votes: list(
      struct({
        change: text,
        joint: boolean,
        ballot: oneOf('open', 'confirmed', 'rejected', 'abstained'),
        filled: optional(text),
      }),
    ),
  }),
  signerOf: ({ peer }) => peer,
}

export const changeKind: Kind<Change> = {
  name: 'change',
  codec: struct({ author: text, base: text, number: varint, attempt: varint, alterations }),
  signerOf: ({ author }) => author,
}

export const stepKind: Kind<Step> = {
  name: 'step',
  codec: struct({
    by: text,
    change: text,
    base: text,
    number: varint,
    alterations,
    roster: text,
  }),
  signerOf: ({ by }) => by,
}

const departure = struct({ by: text, peer: text, join: varint, why: oneOf('left', 'evicted') })

export const orderKind: Kind<Departure> = {
  name: 'order',
  codec: departure,
  signerOf: ({ by }) => by,
}

export const removalKind: Kind<Departure> = {
  name: 'removal',
  codec: departure,
  signerOf: ({ by }) => by,
}

export function sign<T>(
  identity: Identity,
  ring: RingIdentity,
  { name, codec }: Kind<T>,
  said: T,
): Signed<T> {
  const signed = encode(codec, said)
  return { said, signed, signature: identity.sign(framed(ring, name, signed)) }
}

/** Whether it is the word of whom it says, for this ring. */
export function isSignedBy<T>(
  ring: RingIdentity,
  { name, signerOf }: Kind<T>,
  { said, signed, signature }: Signed<T>,
): boolean {
  return verifySignature(signerOf(said), framed(ring, name, signed), signature)
}

const envelope = struct({ signed: bytes, signature: fixed(signatureLength) })

/** As it travels. Whether the signature holds is asked apart. */
export function signedCodec<T>({ codec }: Kind<T>): Codec<Signed<T>> {
  return mapped(
    envelope,
    (each: Signed<T>) => each,
    ({ signed, signature }) => {
      return { said: decode(codec, signed), signed: signed.slice(), signature: signature.slice() }
    },
  )
}

const namesOf = new WeakMap<Signed<Change>, ChangeId>()

export function changeId(change: Signed<Change>): ChangeId {
  let id = namesOf.get(change)
  if (id === undefined) {
    id = toHex(digestOf(change.signed))
    namesOf.set(change, id)
  }
  return id
}

function framed(ring: RingIdentity, name: string, signed: Bytes): Bytes {
  return concat(utf8(`ringlet ${name} 1 ${ringHash(ring)} `), signed)
}
