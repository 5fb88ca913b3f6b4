/** How values are written, those that expire among them: what was written before there were any reads as it did. */
import { describe, expect, test } from 'vitest'
import { MalformedError, Reader, toHex, utf8 } from '../../src/data/bytes.ts'
import { apply, emptyState, makeValue } from '../../src/data/siblings.ts'
import { makeKey } from '../../src/data/key.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { decode, encode, NotUnderstoodError } from '../../src/protocol/codec.ts'
import { decodeObject, encodeObject, isDeadRecord } from '../../src/protocol/record.ts'
import { hasValues, state, value } from '../../src/protocol/state.ts'
import { stateDigest } from '../../src/data/siblings.ts'
import { fromHex } from '../data/hex.ts'

const dot = { actor: `${'A'.repeat(16)}.1`, counter: 1 }
const mug = apply(emptyState, dot, nothingSeen, makeValue(utf8('mug'), 1000))
const mugDeleted = apply(mug, { ...dot, counter: 3 }, nothingSeen, makeValue(undefined, 2000))

/** `mugDeleted`, as it was written before values could expire. */
const asBefore =
  '0112414141414141414141414141414141412e31010103' +
  '0212414141414141414141414141414141412e310101036d7567e8078cad23cdd7167c3b13ba5d97eb9316c6' +
  '12414141414141414141414141414141412e310300d00fd0fb5ad829d5e40c9dae212a86ea3170'

describe('a value', () => {
  test('that does not expire is written, and checked, as it always was', () => {
    expect(toHex(encode(state, mugDeleted))).toBe(asBefore)
    expect(decode(state, fromHex(asBefore))).toEqual(mugDeleted)
  })

  test('that expires is read back with the time of that', () => {
    const made = makeValue(utf8('mug'), 1000, 5000)
    expect(decode(value, encode(value, made))).toEqual(made)
    const object = apply(mug, { ...dot, counter: 2 }, mug.seen, made)
    expect(decode(state, encode(state, object))).toEqual(object)
  })

  test('whose expiry was changed does not match its checksum', () => {
    const written = encode(state, apply(emptyState, dot, nothingSeen, makeValue(utf8('m'), 9, 77)))
    const at = written.indexOf(77)
    expect(() => decode(state, written.with(at, 78) as Uint8Array<ArrayBuffer>)).toThrow(
      MalformedError,
    )
  })

  test('of a form that only a later version knows is not understood', () => {
    expect(() => decode(value, Uint8Array.of(3, 0, 0))).toThrow(NotUnderstoodError)
    const written = encode(state, mug)
    const at = written.length - 16 - 2 - 4 - 1
    const newer = written.with(at, 3)
    expect(written[at]).toBe(1)
    expect(() => hasValues(new Reader(newer as Uint8Array<ArrayBuffer>), 0)).toThrow(
      NotUnderstoodError,
    )
  })
})

describe('a stored record', () => {
  const key = makeKey('carts', 'alice')
  const recordOf = (object: typeof mug) =>
    encodeObject({ state: object, minter: undefined, digest: stateDigest(key.bytes, object) })

  test('is dead by a clock once all its values have expired, and not before', () => {
    const expiring = apply(emptyState, dot, nothingSeen, makeValue(utf8('mug'), 1, 50))
    const other = { ...dot, counter: 2 }
    const two = apply(expiring, other, nothingSeen, makeValue(utf8('cap'), 1, 70))
    const beside = apply(expiring, other, nothingSeen, makeValue(utf8('cap'), 1))
    expect(isDeadRecord(recordOf(expiring), 49)).toBe(false)
    expect(isDeadRecord(recordOf(expiring), 50)).toBe(true)
    expect(isDeadRecord(recordOf(two), 69)).toBe(false)
    expect(isDeadRecord(recordOf(two), 70)).toBe(true)
    expect(isDeadRecord(recordOf(beside), 1e12)).toBe(false)
    expect(decodeObject(key, recordOf(two)).state).toEqual(two)
  })
})
