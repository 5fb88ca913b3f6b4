/**
 * What a store holds: the records of objects, what is owed, who the store is.
 *
 * Record keys start with the key's position, so that a partition is one range. A record closes with the digest of
 * its state: one that does not match what stands before it is quarantined, not believed. What a peer minted of a
 * key stands *in that key's record*: a peer that lost or dropped the record has lost the right to go on counting, or
 * it would mint an old dot again and silently kill an acknowledged write (Riak's kv679).
 */
import {
  afterPrefix,
  type Bytes,
  concat,
  equalBytes,
  MalformedError,
  Reader,
  utf8,
  Writer,
} from '../data/bytes.ts'
import { type Digest, digestLength, digestOf, generationOf } from '../data/hash.ts'
import { type Key, keyFromBytes } from '../data/key.ts'
import { emptyState, type ObjectState, stateDigest } from '../data/siblings.ts'
import type { ActorId } from '../data/vector.ts'
import { added, type Codec, decode, fixed, list, optional, struct, text, varint } from './codec.ts'
import type { PeerId } from './membership.ts'
import { actor, dot, hasValues, state } from './state.ts'

/** The newest format that this build reads and writes. */
export const storeFormat = 1

/**
 * One object at rest. `minter` is the actor that this store mints the key's next write under; how far it has counted
 * is what `state.seen` says of it.
 */
export interface StoredObject {
  readonly state: ObjectState
  readonly minter: ActorId | undefined
  readonly digest: Digest
  /** When what is seen here was last raised by an edge, by this store's awake time: it may deliver that again. */
  readonly risenMs?: number | undefined
}

export const absentObject: StoredObject = {
  state: emptyState,
  minter: undefined,
  digest: new Uint8Array(digestLength),
}

/** Who the store is. The generation is bound to the peer and to 128 random bits drawn when it was made. */
export interface StoreIdentity {
  readonly format: number
  readonly peer: PeerId
  /** The hash of the ring whose data it holds. */
  readonly ring: string
  readonly seed: Bytes
  /** The last epoch that was handed out. */
  readonly epoch: number
  /** What the host says of the medium that this was written to, so that a copy is known as one; '' where it says nothing. */
  readonly medium: string
}

const checkLength = 8

const identityFields = struct({
  format: varint,
  peer: text,
  ring: text,
  seed: fixed(16),
  epoch: varint,
})

const isRingHash = (text: string): boolean => /^[0-9a-f]{32}$/.test(text)

/**
 * It closes with a check over all that stands before it: did a bit of the epoch turn over unnoticed, names would be given
 * out twice. Identities that were stored before there was a check end without one.
 */
export const storeIdentity: Codec<StoreIdentity> = {
  write: (writer, identity) => {
    const body = new Writer()
    identityFields.write(body, identity)
    const sealed = body.text(identity.medium).finish()
    writer.raw(sealed).raw(identityCheck(sealed))
  },
  read: (reader) => {
    const stored = reader.raw(reader.left)
    const fields = new Reader(stored)
    const known = identityFields.read(fields)
    // An early version wrote no check. What a turned bit makes of a later one may end here too, but names no ring.
    if (fields.left === 0 && isRingHash(known.ring)) return { ...known, medium: '' }
    const sealed = stored.subarray(0, -checkLength)
    const isSound = equalBytes(stored.subarray(-checkLength), identityCheck(sealed))
    if (!isSound) throw new MalformedError('a store identity that does not match its check')
    return { ...known, medium: fields.text() }
  },
}

/** A request id that was seen, and what it minted: a retry mints nothing new. */
export const remembered = struct({ dot, at: varint })

/** The owners that still lack what this peer holds of a key; kept sorted. */
export const marker: Codec<readonly PeerId[]> = list(text)

export const storageKeys = {
  identity: utf8('m:identity'),
  members: utf8('m:members'),
  ownRecord: utf8('m:self'),
  /** How long this store has been awake, in all. */
  awake: utf8('m:awake'),
  object: (key: Key): Bytes => placed(letters.object, key),
  marker: (key: Key): Bytes => placed(letters.marker, key),
  /** That what is held of a key may be less than was acknowledged. */
  doubt: (key: Key): Bytes => placed(letters.doubt, key),
  request: (origin: PeerId, id: Bytes): Bytes =>
    concat(letters.request, positionBytes(0), utf8(origin), id),
  /** That a key was forgotten lately: for as long as requests are remembered, in case one of them comes again. */
  forgotten: (key: Key): Bytes =>
    concat(letters.request, positionBytes(0), utf8('forgotten '), digestOf(key.bytes)),
  /** What an edge keeps of a key: its copy, and its own writes. */
  edge: (key: Key): Bytes => placed(letters.edge, key),
} as const

const letters = {
  object: utf8('o'),
  marker: utf8('h'),
  doubt: utf8('d'),
  request: utf8('r'),
  edge: utf8('e'),
}

export type Shelf = keyof typeof letters

/** The range of one shelf; with positions (32 bits), the part of it from one up to another. */
export function shelfRange(shelf: Shelf, from = 0, to = 0x1_0000_0000): { from: Bytes; to: Bytes } {
  const letter = letters[shelf]
  const end = Uint8Array.of(letter[0]! + 1)
  return {
    from: concat(letter, positionBytes(from)),
    to: to > 0xffff_ffff ? end : concat(letter, positionBytes(to)),
  }
}

/** Where the objects are whose keys begin with `prefix`, from the first behind `after`. */
export function prefixRange(prefix: Key, after: Key | undefined): { from: Bytes; to: Bytes } {
  const from = storageKeys.object(prefix)
  const first = after === undefined ? from : concat(storageKeys.object(after), Uint8Array.of(0))
  return { from: first, to: afterPrefix(from) }
}

/** The key under which an object, marker or edge's copy is stored. */
export function keyOfStored(storedKey: Bytes): Key {
  return keyFromBytes(storedKey.slice(5))
}

export function generationOfStore(identity: StoreIdentity): string {
  return generationOf(identity.peer, identity.seed)
}

const objectCodec = struct({ state, minter: optional(actor), risenMs: added(varint, 0) })

/** The body, the state's digest (so that a scan for digests need not decode), and a check over all of it. */
export function encodeObject(object: StoredObject): Bytes {
  const { digest, minter, risenMs = 0 } = object
  const writer = new Writer()
  objectCodec.write(writer, { ...object, risenMs })
  return writer
    .raw(digest)
    .raw(recordCheck(digest, minter, risenMs))
    .finish()
}

/** `MalformedError` when the record is not what was written. */
export function decodeObject(key: Key, stored: Bytes | undefined): StoredObject {
  if (stored === undefined) return absentObject
  const trailer = digestLength + checkLength
  if (stored.length < trailer) throw new MalformedError('a record cut short')
  const { state: object, minter, risenMs } = decode(objectCodec, stored.subarray(0, -trailer))
  const digest = stateDigest(key.bytes, object)
  const check = concat(digest, recordCheck(digest, minter, risenMs))
  if (!equalBytes(check, stored.subarray(-trailer))) {
    throw new MalformedError('a record that does not match its check')
  }
  return { state: object, minter, digest, risenMs }
}

/** Whether a stored record has nothing to show by then, so that the many others need not be decoded; not verified. */
export function isDeadRecord(stored: Bytes, nowMs: number): boolean {
  try {
    return !hasValues(new Reader(stored), nowMs)
  } catch {
    return false
  }
}

/** Of how many actors it has seen writes; not verified. */
export function entriesInRecord(stored: Bytes): number {
  try {
    return new Reader(stored).varint()
  } catch {
    return 0
  }
}

/** The digest of a stored record, not verified: for folds, which only say where to look. */
export function digestOfStored(stored: Bytes): Digest {
  return stored.slice(-digestLength - checkLength, -checkLength)
}

/** The digest of a stored record that is what was written; undefined for one that is not. */
export function verifiedDigest(key: Key, stored: Bytes): Digest | undefined {
  try {
    return decodeObject(key, stored).digest
  } catch {
    return undefined
  }
}

function placed(letter: Bytes, key: Key): Bytes {
  return concat(letter, positionBytes(key.position), key.bytes)
}

function positionBytes(position: number): Bytes {
  return Uint8Array.of(position >>> 24, position >>> 16, position >>> 8, position)
}

function identityCheck(sealed: Bytes): Bytes {
  return digestOf(utf8('store identity '), sealed).subarray(0, checkLength)
}

function recordCheck(digest: Digest, minter: ActorId | undefined, risenMs: number): Bytes {
  const risen = risenMs === 0 ? '' : ` ${risenMs}`
  return digestOf(digest, utf8((minter ?? '') + risen)).subarray(0, checkLength)
}
