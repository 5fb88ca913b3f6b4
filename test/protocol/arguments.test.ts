/**
 * What callers hand in is refused where it enters, by a stable code.
 */
import { describe, expect, test } from 'vitest'
import { type KeyPath, makeKey } from '../../src/data/key.ts'
import { checkValueSize, makeCheckedKey } from '../../src/protocol/arguments.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import { RingletError } from '../../src/protocol/errors.ts'
import { limits } from '../../src/protocol/limits.ts'
import { key as keyCodec } from '../../src/protocol/state.ts'

const refusals: readonly [what: string, bucket: unknown, path: unknown, code: string][] = [
  ['a bucket that is no text', 7, 'alice', 'bad-argument'],
  ['a bucket without a name', '', 'alice', 'bad-argument'],
  ['a bucket with half a surrogate pair', '\ud800', 'alice', 'bad-argument'],
  ['a bucket of 65 bytes', 'b'.repeat(65), 'alice', 'bucket-name-too-large'],
  ['a bucket of 33 letters of two bytes', 'é'.repeat(33), 'alice', 'bucket-name-too-large'],
  ['a key that is no text', 'carts', undefined, 'bad-argument'],
  ['a key without a character', 'carts', '', 'bad-argument'],
  ['a path without parts', 'carts', [], 'bad-argument'],
  ['a path with an empty part', 'carts', ['alice', ''], 'bad-argument'],
  ['a path with a number', 'carts', ['alice', 1], 'bad-argument'],
  ['a key with half a surrogate pair', 'carts', 'a\udc00', 'bad-argument'],
  ['a key of 513 bytes', 'carts', 'k'.repeat(513), 'key-too-large'],
  ['a path of 513 bytes', 'carts', ['k'.repeat(256), 'k'.repeat(256)], 'key-too-large'],
]

describe('a key is refused:', () => {
  test.each(refusals)('%s', (_what, bucket, path, code) => {
    const error = thrown(() => makeCheckedKey(bucket as string, path as KeyPath))
    expect(error).toBeInstanceOf(RingletError)
    expect((error as RingletError).code).toBe(code)
    expect((error as RingletError).remedy).toMatch(/\.$/)
  })
})

describe('a key is taken', () => {
  test('at the very limits, and is the same as unchecked', () => {
    const bucket = 'b'.repeat(limits.bucketBytes)
    const text = 'k'.repeat(limits.keyBytes)
    expect(makeCheckedKey(bucket, text)).toEqual(makeKey(bucket, text))
    expect(makeCheckedKey(bucket, ['a', 'b'])).toEqual(makeKey(bucket, ['a', 'b']))
  })

  test.each([
    ['all zeros', '\0'.repeat(limits.keyBytes)],
    ['as many parts as fit', Array.from({ length: limits.keyBytes / 2 }, () => '\0')],
  ])('and whatever is taken can travel: %s', (_what, path) => {
    const key = makeCheckedKey('\0'.repeat(limits.bucketBytes), path as KeyPath)
    expect(decode(keyCodec, encode(keyCodec, key))).toEqual(key)
  })
})

test('a value has at most one mebibyte, and the error says how much it had', () => {
  expect(() => checkValueSize(new Uint8Array(limits.valueBytes))).not.toThrow()
  const error = thrown(() => checkValueSize(new Uint8Array(limits.valueBytes + 1)))
  expect(error).toMatchObject({ code: 'value-too-large', needed: 1_048_576, got: 1_048_577 })
})

function thrown(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  throw new Error('nothing was thrown')
}
