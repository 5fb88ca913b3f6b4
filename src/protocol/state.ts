/**
 * How an object's state, its parts and contexts are written. Reading checks what no honest peer would break:
 * canonical order, dots that are covered, counters within bounds, values that match their checksums.
 */
import { equalBytes, MalformedError, type Reader } from '../data/bytes.ts'
import { digestLength } from '../data/hash.ts'
import { type Key, keyFromBytes } from '../data/key.ts'
import {
  compareSiblings,
  formOf,
  makeValue,
  type ObjectState,
  type Sibling,
  type Value,
  writeSeen,
} from '../data/siblings.ts'
import { type ActorId, covers, type Dot, type Entry, makeEntry, type Seen } from '../data/vector.ts'
import { bytes, type Codec, mapped, NotUnderstoodError, struct, text, varint } from './codec.ts'
import { limits } from './limits.ts'

/** Escaped zeros double a part; each part ends with two bytes. */
const maxKeyBytes = 2 * (limits.keyBytes + limits.bucketBytes) + 2 * limits.keyBytes

const actorShape = /^[A-Za-z0-9_-]{16}\.[1-9][0-9]{0,14}$/

export const actor: Codec<ActorId> = mapped(text, (id) => id, checkedActor)

export const dot: Codec<Dot> = mapped(
  struct({ actor, counter: varint }),
  (value: Dot) => value,
  (value) => {
    if (value.counter < 1 || value.counter > limits.counter) throw new MalformedError('a counter')
    return value
  },
)

export const seen: Codec<Seen> = { write: writeSeen, read: readSeen }

/**
 * A value from elsewhere: its checksum is computed here, never believed. One that expires has a form of its own, so that all
 * others are written as they were before there were any.
 */
export const value: Codec<Value> = {
  write: (writer, { bytes: content, writtenAt, expiresAt }) => {
    writer.u8(formOf(content, expiresAt))
    if (content !== undefined) writer.bytes(content)
    writer.varint(writtenAt)
    if (expiresAt !== undefined) writer.varint(expiresAt)
  },
  read: (reader) => {
    const form = readForm(reader)
    const content = form === 0 ? undefined : reader.bytes()
    return makeValue(content, reader.varint(), form === 2 ? reader.varint() : undefined)
  },
}

/** A value within a state carries its checksum, so that bits flipped at rest are noticed. */
const checkedValue: Codec<Value> = {
  write: (writer, each) => {
    value.write(writer, each)
    writer.raw(each.checksum)
  },
  read: (reader) => {
    const read = value.read(reader)
    const sound = equalBytes(reader.raw(digestLength), read.checksum)
    if (!sound) throw new MalformedError('a value that does not match its checksum')
    return read
  },
}

const sibling: Codec<Sibling> = struct({ dot, value: checkedValue })

export const state: Codec<ObjectState> = {
  write: (writer, object) => {
    seen.write(writer, object.seen)
    writer.list(object.siblings, (each, one) => sibling.write(each, one))
  },
  read: (reader) => {
    const object = { seen: seen.read(reader), siblings: reader.list((each) => sibling.read(each)) }
    let previous: Sibling | undefined
    for (const one of object.siblings) {
      if (!covers(object.seen, one.dot)) throw new MalformedError('a sibling nobody has seen')
      const ordered = previous === undefined || compareSiblings(previous, one) < 0
      if (!ordered) throw new MalformedError('siblings out of order')
      previous = one
    }
    return object
  },
}

/** Reads past a state: its shape is checked, what it says is not. */
export function skipState(reader: Reader): void {
  hasValues(reader, 0)
}

/** The same, and whether any of its siblings is a value by a clock that shows `nowMs`. */
export function hasValues(reader: Reader, nowMs: number): boolean {
  let any = false
  for (let entries = reader.varint(); entries > 0; entries--) {
    reader.bytes()
    reader.varint()
    reader.list(skipVarint)
  }
  for (let siblings = reader.varint(); siblings > 0; siblings--) {
    reader.bytes()
    reader.varint()
    const form = readForm(reader)
    if (form > 0) reader.bytes()
    reader.varint()
    const expiresAt = form === 2 ? reader.varint() : Infinity
    if (form > 0 && expiresAt > nowMs) any = true
    reader.raw(digestLength)
  }
  return any
}

function readForm(reader: Reader): number {
  const form = reader.u8()
  if (form < 3) return form
  throw new NotUnderstoodError('a kind that is not known')
}

function skipVarint(reader: Reader): void {
  reader.varint()
}

export const key: Codec<Key> = mapped(
  bytes,
  (k: Key) => k.bytes,
  (b) => {
    if (b.length > maxKeyBytes) throw new MalformedError('a key too long')
    return keyFromBytes(b.slice())
  },
)

function readSeen(reader: Reader): Seen {
  const entries = new Map<ActorId, Entry>()
  let previous = ''
  const count = reader.varint()
  for (let i = 0; i < count; i++) {
    const id = checkedActor(reader.text())
    const entry = makeEntry(
      reader.varint(),
      reader.list((each) => each.varint()),
    )
    if (entry === undefined || id <= previous) throw new MalformedError('a vector out of order')
    if ((entry.loose.at(-1) ?? entry.upTo) > limits.counter) throw new MalformedError('a counter')
    entries.set(id, entry)
    previous = id
  }
  return entries
}

function checkedActor(id: string): ActorId {
  if (!actorShape.test(id)) throw new MalformedError('an actor id')
  return id
}
