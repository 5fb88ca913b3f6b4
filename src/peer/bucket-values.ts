/**
 * Values between applications, who hold plain data, and the store, which holds bytes.
 *
 * What was written is read back as it was or not written at all: whatever has no encoding is refused at the writer, and
 * whatever has another one is shown as the bytes that it is.
 */
import { equalBytes } from '../data/bytes.ts'
import { liveSiblings, type ObjectState } from '../data/siblings.ts'
import { decodeStructured, encodeStructured, NotEncodableError } from '../data/structured.ts'
import { checkValueSize } from '../protocol/arguments.ts'
import { RingletError } from '../protocol/errors.ts'

/**
 * The live values in the order of their writers' clocks, oldest first; equal ones collapse into the newest, as a put
 * whose fate was unknown may stand there twice.
 */
export function siblingsOf(state: ObjectState): unknown[] {
  const newestFirst = liveSiblings(state).toSorted((a, b) => b.value.writtenAt - a.value.writtenAt)
  const distinct: Uint8Array[] = []
  for (const { value } of newestFirst) {
    const bytes = value.bytes!
    if (!distinct.some((other) => equalBytes(other, bytes))) distinct.push(bytes)
  }
  return distinct.reverse().map(decodeValue)
}

/** A stored value that is no structured data was written by something else: it is shown as its bytes. */
function decodeValue(bytes: Uint8Array): unknown {
  try {
    return decodeStructured(bytes)
  } catch {
    return bytes
  }
}

/** Throws `RingletError`: `not-encodable` or `value-too-large`. */
export function encodeValue(value: unknown): Uint8Array {
  try {
    const bytes = encodeStructured(value)
    checkValueSize(bytes)
    return bytes
  } catch (cause) {
    if (!(cause instanceof NotEncodableError)) throw cause
    throw new RingletError('not-encodable', cause.message, {
      cause,
      remedy:
        'Values are plain data: null, booleans, numbers, texts, bytes, lists and objects of these.',
    })
  }
}
