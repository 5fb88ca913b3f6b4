/**
 * Stored values as JSON, and back. JSON has no bytes, so they stand as `{ "$bytes": "…" }`, in base64; and a value that
 * is no structured data (another program wrote it) stands as `{ "$undecodable": "…" }`, so that it is shown, not lost.
 */
import type { Bytes } from '../src/data/bytes.ts'
import {
  decodeStructured,
  encodeStructured,
  NotEncodableError,
  structuredDepth,
} from '../src/data/structured.ts'
import { checkValueSize } from '../src/protocol/arguments.ts'
import { RingletError } from '../src/protocol/errors.ts'

export function jsonOfStored(stored: Bytes): unknown {
  let value: unknown
  try {
    value = decodeStructured(stored)
  } catch {
    return { $undecodable: Buffer.from(stored).toString('base64') }
  }
  return withoutBytes(value)
}

/** Throws `RingletError`, `not-encodable` or `value-too-large`. */
export function storedOfJson(json: unknown): Bytes {
  return checkedStored(withBytes(json))
}

/** Throws `RingletError`, `value-too-large`. */
export function storedOfBytes(bytes: Bytes): Bytes {
  return checkedStored(new Uint8Array(bytes))
}

function checkedStored(value: unknown): Bytes {
  let stored: Bytes
  try {
    stored = encodeStructured(value)
  } catch (cause) {
    if (!(cause instanceof NotEncodableError)) throw cause
    const remedy = 'Store numbers that are finite, and text that is Unicode.'
    throw new RingletError('not-encodable', cause.message, { cause, remedy })
  }
  checkValueSize(stored)
  return stored
}

function withoutBytes(value: unknown): unknown {
  if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString('base64') }
  return mapParts(value, 0, withoutBytes)
}

function withBytes(json: unknown, depth = 0): unknown {
  // Deeper is refused by the encoder, which says where; here it would only exhaust the stack.
  if (depth > structuredDepth) return json
  return bytesOf(json) ?? mapParts(json, depth, withBytes)
}

function bytesOf(json: unknown): Uint8Array | undefined {
  if (typeof json !== 'object' || json === null) return undefined
  const [only, ...others] = Object.entries(json)
  if (only?.[0] !== '$bytes' || typeof only[1] !== 'string' || others.length > 0) return undefined
  const bytes = Buffer.from(only[1], 'base64')
  return bytes.toString('base64') === only[1] ? new Uint8Array(bytes) : undefined
}

type ChangePart = (part: unknown, depth: number) => unknown

function mapParts(value: unknown, depth: number, change: ChangePart): unknown {
  if (Array.isArray(value)) return value.map((part) => change(part, depth + 1))
  if (typeof value !== 'object' || value === null) return value
  // Null-prototyped: a stored property may be named `__proto__`.
  const parts: Record<string, unknown> = Object.create(null)
  for (const [name, part] of Object.entries(value)) parts[name] = change(part, depth + 1)
  return parts
}
