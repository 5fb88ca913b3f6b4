/**
 * Keys: a bucket's name and a path, as one ordered string of bytes.
 *
 * All keys of one partition key must live together and be listable in order, so the encoding keeps order:
 * each part is its UTF-8 bytes, with 0 written as `00 ff`, closed by `00 00`. What decides the place on the
 * ring is the prefix through the partition key, and nothing behind it (paper §4.2).
 */
import { type Bytes, MalformedError, toBinaryText, utf8 } from './bytes.ts'
import { hash32 } from './hash.ts'

/** An application's key: one string, or `[partitionKey, …rest]`. */
export type KeyPath = string | readonly [string, ...string[]]

/** A key inside the core. `text` has one character per byte, for maps; `position` is the ring's top 32 bits. */
export interface Key {
  readonly bytes: Bytes
  readonly text: string
  readonly position: number
}

export function makeKey(bucket: string, path: KeyPath): Key {
  const parts = typeof path === 'string' ? [bucket, path] : [bucket, ...path]
  return keyFromBytes(Uint8Array.from(parts.flatMap(encodePart)))
}

/** The key that these bytes encode; `MalformedError` if they encode none. */
export function keyFromBytes(bytes: Bytes): Key {
  return {
    bytes,
    text: toBinaryText(bytes),
    position: hash32(bytes.subarray(0, prefixLength(bytes))),
  }
}

/** What `makeKey` was given. */
export function splitKey(key: Key): { bucket: string; path: readonly [string, ...string[]] } {
  const parts: string[] = []
  for (let at = 0; at < key.bytes.length;) {
    const end = partEnd(key.bytes, at)
    parts.push(decodePart(key.bytes.subarray(at, end - 2)))
    at = end
  }
  const [bucket, partitionKey, ...rest] = parts
  if (bucket === undefined || partitionKey === undefined)
    throw new MalformedError('a key too short')
  return { bucket, path: [partitionKey, ...rest] }
}

/** The bytes that every key of this bucket and these first path parts starts with. */
export function keyPrefix(bucket: string, path: readonly string[]): Bytes {
  return Uint8Array.from([bucket, ...path].flatMap(encodePart))
}

/** A short text for people: `carts/alice`. */
export function showKey(key: Key): string {
  const { bucket, path } = splitKey(key)
  return [bucket, ...path].join('/')
}

/** The partition of a position when the ring has `q` of them: the top bits. */
export function partitionOf(position: number, q: number): number {
  return Math.floor(position / (0x1_0000_0000 / q))
}

function encodePart(part: string): number[] {
  const encoded: number[] = []
  for (const byte of utf8(part)) {
    encoded.push(byte)
    if (byte === 0) encoded.push(0xff)
  }
  encoded.push(0, 0)
  return encoded
}

function decodePart(bytes: Bytes): string {
  const plain = bytes.filter((byte, i) => !(byte === 0xff && bytes[i - 1] === 0))
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(plain)
}

/** Where the bucket and the partition key end; walks the rest too, so that it proves all of the key well-formed. */
function prefixLength(bytes: Bytes): number {
  const bucketEnd = partEnd(bytes, 0)
  const prefixEnd = partEnd(bytes, bucketEnd)
  for (let at = prefixEnd; at < bytes.length;) at = partEnd(bytes, at)
  return prefixEnd
}

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
