/**
 * What callers hand in, checked where it enters: in the page, in the command, at the control port.
 *
 * A name that is too long, or text that is no Unicode, would be refused by every peer it reaches, one timeout later
 * and in words about bytes. Checked here it fails at once, at the caller, and with what to do about it.
 */
import { type Bytes, utf8 } from '../data/bytes.ts'
import { type Key, type KeyPath, makeKey } from '../data/key.ts'
import { type ErrorCode, RingletError } from './errors.ts'
import { limits } from './limits.ts'

/**
 * The key of a bucket and path. Throws `RingletError`: `bad-argument`, `bucket-name-too-large` or `key-too-large`. The
 * parts of a path count as if one byte stood between them.
 */
export function makeCheckedKey(bucket: string, path: KeyPath): Key {
  checkBucketName(bucket)
  const parts: readonly unknown[] = Array.isArray(path) ? path : [path]
  if (parts.length === 0) throw badArgument('a key without a single part')
  let size = parts.length - 1
  for (const part of parts) {
    checkText(part, parts.length === 1 ? 'a key' : "each part of a key's path")
    size += utf8(part).length
  }
  checkSize('key-too-large', 'a key', size, limits.keyBytes)
  return makeKey(bucket, path)
}

/** Throws `RingletError`: `bad-argument` or `bucket-name-too-large`. */
export function checkBucketName(name: string): void {
  checkText(name, "a bucket's name")
  checkSize('bucket-name-too-large', "a bucket's name", utf8(name).length, limits.bucketBytes)
}

/** Throws `RingletError`, `value-too-large`, when an encoded value has too many bytes. */
export function checkValueSize(value: Bytes): void {
  checkSize('value-too-large', 'a value', value.length, limits.valueBytes)
}

/** When a value expires that is written now, for so long. Throws `RingletError`, `bad-argument`. */
export function expiryOf(ttlMs: unknown, nowMs: number): number {
  const expiresAt = typeof ttlMs === 'number' && ttlMs > 0 ? Math.ceil(nowMs + ttlMs) : NaN
  if (Number.isSafeInteger(expiresAt)) return expiresAt
  throw new RingletError('bad-argument', `ttlMs = ${String(ttlMs)}`, {
    remedy: 'Pass milliseconds.',
  })
}

function checkText(text: unknown, what: string): asserts text is string {
  if (typeof text !== 'string') throw badArgument(`${what} is text, and this is ${typeof text}`)
  if (text === '') throw badArgument(`${what} has at least one character`)
  if (!text.isWellFormed()) throw badArgument(`${what} is Unicode, and this has half a character`)
}

function checkSize(code: ErrorCode, what: string, size: number, most: number): void {
  if (size <= most) return
  throw new RingletError(code, `${what} of ${size} bytes`, {
    needed: most,
    got: size,
    remedy: `${what[0]!.toUpperCase()}${what.slice(1)} has at most ${most} bytes.`,
  })
}

function badArgument(message: string): RingletError {
  return new RingletError('bad-argument', message, {
    remedy: 'Pass a bucket as text, and a key as text or as a path of texts.',
  })
}
