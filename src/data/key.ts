/**
 * Keys: a bucket's name and a path, as one ordered string of bytes.
 *
 * All keys of one partition key must live together and be listable in order, so the encoding keeps order:
 * each part is its UTF-8 bytes, with 0 written as `00 ff`, closed by `00 00`. What decides the place on the
 * ring is the prefix through the partition key, and nothing behind it (paper §4.2).
 */
import { type Bytes, concat, fromUtf8, MalformedError, toBinaryText, utf8 } from './bytes.ts'
import { hash32 } from './hash.ts'

/** An application's key: one string, or `[partitionKey, …rest]`. */
export type KeyPath = string | readonly [string, ...string[]]

/**
 * A key inside the core: its bucket and its path. `text` has one character per byte, for maps; `position` is the ring's
 * top 32 bits.
 */
export interface Key {
  readonly parts: readonly string[]
  readonly bytes: Bytes
  readonly text: string
  readonly position: number
}

/** Throws `RangeError` for text with half a surrogate pair: in UTF-8 it would become another key. */
export function makeKey(bucket: string, path: KeyPath): Key {
  return keyFromBytes(keyPrefix(bucket, typeof path === 'string' ? [path] : path))
}

/** The key that these bytes encode; `MalformedError` if they encode none. */
export function keyFromBytes(bytes: Bytes): Key {
  // Reading the parts proves them well-formed: whatever is a key here can be listed and asked for again.
  const parts = partsOf(bytes)
  const prefix = bytes.slice(0, partEnd(bytes, partEnd(bytes, 0)))
  return { parts, bytes, text: toBinaryText(bytes), position: hash32(prefix) }
}

/** What `makeKey` was given. */
export function splitKey(key: Key): { bucket: string; path: readonly [string, ...string[]] } {
  const [bucket, partitionKey, ...rest] = key.parts
  if (bucket === undefined || partitionKey === undefined)
    throw new MalformedError('a key too short')
  return { bucket, path: [partitionKey, ...rest] }
}

/** The bytes that every key of this bucket and these first path parts starts with. */
export function keyPrefix(bucket: string, path: readonly string[]): Bytes {
  return concat(...[bucket, ...path].map(encodePart))
}

/** A short text for people: `carts/alice`. */
export function showKey({ parts }: Key): string {
  return parts.join('/')
}

/** The partition of a position when the ring has `q` of them: the top bits. */
export function partitionOf(position: number, q: number): number {
  return Math.floor(position / (0x1_0000_0000 / q))
}

function encodePart(part: string): Bytes {
  if (!part.isWellFormed()) throw new RangeError('a key with half a surrogate pair')
  const plain = utf8(part)
  if (!plain.includes(0)) {
    const encoded = new Uint8Array(plain.length + 2)
    encoded.set(plain)
    return encoded
  }
  const escaped = [...plain].flatMap((byte) => (byte === 0 ? [0, 0xff] : [byte]))
  return Uint8Array.of(...escaped, 0, 0)
}

function partsOf(bytes: Bytes): string[] {
  const parts: string[] = []
  let at = 0
  while (at < bytes.length) {
    const end = partEnd(bytes, at)
    parts.push(decodePart(bytes.slice(at, end - 2)))
    at = end
  }
  return parts
}

function decodePart(bytes: Bytes): string {
  if (!bytes.includes(0)) return fromUtf8(bytes)
  return fromUtf8(bytes.filter((byte, i) => !(byte === 0xff && bytes[i - 1] === 0)))
}

/** Where the part that begins at `from` ends, its closing zeros included. */
function partEnd(bytes: Bytes, from: number): number {
  for (let at = from; at + 1 < bytes.length; at++) {
    if (bytes[at] !== 0) continue
    if (bytes[at + 1] === 0) return at + 2
    if (bytes[at + 1] !== 0xff)
      throw new MalformedError('a zero neither escaped nor closing a key part')
    at++
  }
  throw new MalformedError('a key part without an end')
}
