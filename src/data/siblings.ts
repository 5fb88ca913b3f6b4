/**
 * The object under one key: what was seen of its writes, and which of them still live.
 *
 * Two replicas that took different writes must end equal without asking who was first. A value whose dot the
 * other side has seen, but which the other side no longer holds, was superseded there; a value whose dot the
 * other side has not seen is news. That one comparison, `sync`, is the whole of reconciliation (paper §4.4), and
 * `apply` makes every write, by whoever minted it, a case of it.
 */
import { type Bytes, compareBytes, equalBytes, Writer } from './bytes.ts'
import { type Digest, digestOf } from './hash.ts'
import {
  compareDots,
  covers,
  type Dot,
  includes,
  nothingSeen,
  sameDot,
  sameSeen,
  type Seen,
  sortedEntries,
  union,
  withDot,
} from './vector.ts'

/**
 * Bytes, or a tombstone (`bytes` undefined: a delete is a write like any other). `writtenAt` is the writer's wall
 * time in milliseconds, for last-write-wins and display, never for causality.
 */
export interface Value {
  readonly bytes: Bytes | undefined
  readonly writtenAt: number
  /**
   * From this wall time on the value is a tombstone to whoever's clock says so. It is kept as it was written: clocks differ,
   * and two replicas that hold equal states must not come to differ by looking at them.
   */
  readonly expiresAt?: number | undefined
  readonly checksum: Digest
}

export interface Sibling {
  readonly dot: Dot
  readonly value: Value
}

/** Siblings are ordered by dot, then checksum; each dot among them is covered by `seen`. */
export interface ObjectState {
  readonly seen: Seen
  readonly siblings: readonly Sibling[]
}

export const emptyState: ObjectState = { seen: nothingSeen, siblings: [] }

/** Its checksum binds bytes and times: what a flipped bit on a disk, or a lying peer, cannot keep equal. */
export function makeValue(bytes: Bytes | undefined, writtenAt: number, expiresAt?: number): Value {
  const form = formOf(bytes, expiresAt)
  const head = new Writer().u8(form).varint(writtenAt)
  if (form === 2) head.varint(expiresAt!)
  const checksum = digestOf(head.finish(), bytes ?? new Uint8Array(0))
  return { bytes, writtenAt, ...(form === 2 && { expiresAt }), checksum }
}

/** How a value is written: a tombstone, bytes, or bytes that expire. */
export function formOf(bytes: Bytes | undefined, expiresAt: number | undefined): 0 | 1 | 2 {
  if (bytes === undefined) return 0
  return expiresAt === undefined ? 1 : 2
}

/** Whether a clock that shows `nowMs` calls it expired. */
export function hasExpired({ expiresAt }: Value, nowMs: number): boolean {
  return expiresAt !== undefined && expiresAt <= nowMs
}

/** The same by a clock that shows `nowMs`: what has expired is a tombstone under its own dot. */
export function asOf(state: ObjectState, nowMs: number): ObjectState {
  if (firstExpiry(state) > nowMs) return state
  const siblings = state.siblings.map((sibling) => {
    if (!hasExpired(sibling.value, nowMs)) return sibling
    return { ...sibling, value: makeValue(undefined, sibling.value.writtenAt) }
  })
  return { ...state, siblings }
}

/** When the first of its values expires; `Infinity` where none does. */
export function firstExpiry({ siblings }: ObjectState): number {
  return Math.min(...siblings.map(({ value }) => value.expiresAt ?? Infinity))
}

/**
 * What both sides know together: commutative, associative, idempotent. Returns `a` itself where `b` adds nothing,
 * so that "did anything change?" is a comparison of references.
 */
export function sync(a: ObjectState, b: ObjectState): ObjectState {
  if (a === b || b.seen.size === 0) return a
  if (a.seen.size === 0) return b
  const seen = union(a.seen, b.seen)
  const siblings = mergeSiblings(a, b)
  if (seen === a.seen && sameSiblings(siblings, a.siblings)) return a
  if (sameSeen(seen, b.seen) && sameSiblings(siblings, b.siblings)) return b
  return { seen, siblings }
}

/**
 * The one rule of every write. The context must not cover its own dot: that would be a write that supersedes itself.
 */
export function apply(object: ObjectState, dot: Dot, context: Seen, value: Value): ObjectState {
  return sync(object, { seen: withDot(context, dot), siblings: [{ dot, value }] })
}

/** Whether `a` knows all that `b` knows: what an acknowledgement of `b` means. */
export function descends(a: ObjectState, b: ObjectState): boolean {
  return includes(a.seen, b.seen) && sync(a, b) === a
}

export function sameState(a: ObjectState, b: ObjectState): boolean {
  return a === b || (sameSeen(a.seen, b.seen) && sameSiblings(a.siblings, b.siblings))
}

/** About how many bytes a state takes on the wire. */
export function weightOf({ siblings }: ObjectState): number {
  return siblings.reduce((sum, { value }) => sum + 100 + (value.bytes?.length ?? 0), 100)
}

/** Siblings that are values, not tombstones. */
export function liveSiblings(state: ObjectState): readonly Sibling[] {
  return state.siblings.filter(({ value }) => value.bytes !== undefined)
}

/** 128 bits over what was seen and the live values' checksums: equal states, equal digests. */
export function stateDigest(keyBytes: Bytes, state: ObjectState): Digest {
  const writer = new Writer().bytes(keyBytes)
  writeSeen(writer, state.seen)
  writer.list(state.siblings, (w, { dot, value }) => {
    w.text(dot.actor).varint(dot.counter).raw(value.checksum)
  })
  return digestOf(writer.finish())
}

/** The canonical encoding of what was seen; `protocol/codec` reads it back. */
export function writeSeen(writer: Writer, seen: Seen): void {
  writer.list(sortedEntries(seen), (w, [actor, { upTo, loose }]) => {
    w.text(actor).varint(upTo)
    w.list(loose, (each, counter) => each.varint(counter))
  })
}

function mergeSiblings(a: ObjectState, b: ObjectState): Sibling[] {
  const kept = a.siblings.filter(({ dot }) => !covers(b.seen, dot) || hasDot(b, dot))
  for (const sibling of b.siblings) {
    const { dot, value } = sibling
    if (covers(a.seen, dot) && !hasDot(a, dot)) continue
    // One dot with two values is a forgery or a disk gone wrong: both are kept, and the caller reports it.
    const twin = kept.some(
      (s) => sameDot(s.dot, dot) && equalBytes(s.value.checksum, value.checksum),
    )
    if (!twin) kept.push(sibling)
  }
  return kept.length < 2 ? kept : kept.sort(compareSiblings)
}

export function compareSiblings(a: Sibling, b: Sibling): number {
  return compareDots(a.dot, b.dot) || compareBytes(a.value.checksum, b.value.checksum)
}

function hasDot(state: ObjectState, dot: Dot): boolean {
  return state.siblings.some((sibling) => sameDot(sibling.dot, dot))
}

function sameSiblings(a: readonly Sibling[], b: readonly Sibling[]): boolean {
  return a.length === b.length && a.every((sibling, i) => compareSiblings(sibling, b[i]!) === 0)
}
