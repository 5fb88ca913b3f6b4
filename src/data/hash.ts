/**
 * Hashes, all cut from SHA-256 and all synchronous.
 *
 * WebCrypto settles its promises in any order, which would make a simulated run unrepeatable; the paper's
 * MD5 is broken. A checksum or digest is 128 bits: long enough that nobody finds two equal by accident.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { type Bytes, concat, toBase64Url, utf8, writeBinaryText } from './bytes.ts'

/** 16 bytes that stand for some content. */
export type Digest = Bytes

export const digestLength = 16

export function hash(...parts: readonly Bytes[]): Bytes {
  return fullHash(parts).slice()
}

/** The first 128 bits of SHA-256 over the parts. */
export function digestOf(...parts: readonly Bytes[]): Digest {
  return fullHash(parts).slice(0, digestLength)
}

/** The first 32 bits of SHA-256: a position's top bits, a slot, a score. */
export function hash32(bytes: Bytes): number {
  const full = fullHash([bytes])
  return ((full[0]! << 24) | (full[1]! << 16) | (full[2]! << 8) | full[3]!) >>> 0
}

/** SHA-256 as binary text, one character per byte. */
export type Sha256 = (bytes: Bytes) => string

const fresh = sha256.create()
const working = sha256.create()
const result = new Uint8Array(32)
let ofPlatform: Sha256 | undefined

/** Hashes by the platform's own SHA-256 from now on: in Node it is up to ten times as fast. */
export function hashBy(native: Sha256): void {
  ofPlatform = native
}

/** Valid until the next call: most hashes are of a few bytes, and to make a hasher for each costs as much again. */
function fullHash(parts: readonly Bytes[]): Bytes {
  if (ofPlatform !== undefined) return writeBinaryText(result, ofPlatform(joined(parts)))
  fresh._cloneInto(working)
  for (const part of parts) working.update(part)
  working.digestInto(result)
  return result
}

/** Where the parts of what is hashed by the platform are joined, which takes it in one piece. */
const joint = new Uint8Array(4096)

function joined(parts: readonly Bytes[]): Bytes {
  if (parts.length === 1) return parts[0]!
  let length = 0
  for (const part of parts) length += part.length
  if (length > joint.length) return concat(...parts)
  let at = 0
  for (const part of parts) {
    joint.set(part, at)
    at += part.length
  }
  return joint.subarray(0, length)
}

/**
 * The generation of a store: 96 bits bound to its peer, so that nobody else can mint under
 * it, and to 128 random bits, so that a wiped store never mints under its predecessor's.
 */
export function generationOf(peer: string, seed: Bytes): string {
  return toBase64Url(hash(concat(utf8(peer), Uint8Array.of(0), seed)).subarray(0, 12))
}
