import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compareBytes,
  equalBytes,
  fromBinaryText,
  MalformedError,
  toHex,
} from '../../src/data/bytes.ts'
import { hash32 } from '../../src/data/hash.ts'
import {
  keyFromBytes,
  keyPrefix,
  makeKey,
  partitionOf,
  showKey,
  splitKey,
} from '../../src/data/key.ts'
import { fromHex } from './hex.ts'

/** Well-formed text of any kind, with more zeros, prefixes and edges than chance would bring. */
const part = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc
    .array(fc.constantFrom('\0', 'a', 'b', '\x01', '\x7f', 'ÿ', '\uffff', '𐅑'), { maxLength: 5 })
    .map((letters) => letters.join('')),
)

const path = fc
  .tuple(part, fc.array(part, { maxLength: 3 }))
  .map(([first, rest]): [string, ...string[]] => [first, ...rest])

describe('a key', () => {
  test.each([
    ['carts', 'alice', '6361727473 0000 616c696365 0000'],
    ['', '', '0000 0000'],
    ['b', '\0', '62 0000 00ff 0000'],
    ['b', 'a\0\0z', '62 0000 61 00ff 00ff 7a 0000'],
    ['b', '水', '62 0000 e6b0b4 0000'],
  ])('%j / %j is encoded as %s', (bucket, key, hex) => {
    expect(toHex(makeKey(bucket, key).bytes)).toBe(hex.replaceAll(' ', ''))
  })

  test('splits into what it was made of', () => {
    fc.assert(
      fc.property(part, path, (bucket, parts) => {
        const key = makeKey(bucket, parts)
        expect(splitKey(key)).toEqual({ bucket, path: parts })
        expect(keyFromBytes(key.bytes)).toEqual(key)
        expect(fromBinaryText(key.text)).toEqual(key.bytes)
      }),
    )
  })

  test('of one text is the path of that text alone', () => {
    expect(makeKey('carts', 'alice')).toEqual(makeKey('carts', ['alice']))
    expect(showKey(makeKey('carts', ['alice', '2026']))).toBe('carts/alice/2026')
  })

  test('differs from every other key', () => {
    fc.assert(
      fc.property(fc.tuple(part, path), fc.tuple(part, path), ([b1, p1], [b2, p2]) => {
        const same = JSON.stringify([b1, ...p1]) === JSON.stringify([b2, ...p2])
        expect(equalBytes(makeKey(b1, p1).bytes, makeKey(b2, p2).bytes)).toBe(same)
      }),
    )
  })

  test('has the order of its parts, each by its code points', () => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        const order = Math.sign(compareBytes(makeKey('b', a).bytes, makeKey('b', b).bytes))
        expect(order).toBe(compareParts(a, b))
      }),
      { numRuns: 1000 },
    )
  })

  test('starts with the prefix of its own parts and with no other', () => {
    fc.assert(
      fc.property(path, fc.array(part, { maxLength: 3 }), (whole, start) => {
        const prefix = keyPrefix('b', start)
        const startsSo = equalBytes(makeKey('b', whole).bytes.subarray(0, prefix.length), prefix)
        const isPrefix = start.length <= whole.length && start.every((each, i) => each === whole[i])
        expect(startsSo).toBe(isPrefix)
      }),
      { numRuns: 1000 },
    )
  })

  test('lies where its bucket and partition key say, whatever follows', () => {
    fc.assert(
      fc.property(part, part, fc.array(part), (bucket, first, rest) => {
        const { position } = makeKey(bucket, first)
        expect(makeKey(bucket, [first, ...rest]).position).toBe(position)
        expect(position).toBe(hash32(keyPrefix(bucket, [first])))
      }),
    )
  })

  test('is refused for half a surrogate pair, which UTF-8 would turn into another key', () => {
    expect(() => makeKey('b', 'a\ud800')).toThrow(RangeError)
    expect(() => makeKey('\udc00', 'a')).toThrow(RangeError)
    expect(() => keyPrefix('b', ['\ud800'])).toThrow(RangeError)
  })
})

describe('bytes are a key', () => {
  test('of exactly those parts, or malformed', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 30 }),
      fc
        .array(fc.constantFrom(0, 0, 0, 0xff, 0x61, 0xc3, 0xbc), { maxLength: 16 })
        .map((each) => Uint8Array.from(each)),
    )
    fc.assert(
      fc.property(bytes, (some) => {
        const parts = partsOrMalformed(some)
        if (parts !== undefined) expect(makeKey(parts.bucket, parts.path).bytes).toEqual(some)
      }),
      { numRuns: 5000 },
    )
  })

  test.each([
    ['', 'nothing'],
    ['61 0000', 'a bucket alone'],
    ['61 0000 62', 'a part without an end'],
    ['61 0000 62 00', 'half an end'],
    ['61 0000 62 0001 0000', 'a zero neither escaped nor closing'],
    ['61 0000 62 0000 63', 'a rest without an end'],
    ['61 0000 ff 0000', 'a part that is not UTF-8'],
    ['61 0000 eda080 0000', 'half a surrogate pair'],
    ['61 0000 62 0000 80 0000', 'a rest that is not UTF-8'],
  ])('but not %s: %s', (hex) => {
    expect(() => keyFromBytes(fromHex(hex.replaceAll(' ', '')))).toThrow(MalformedError)
  })

  function partsOrMalformed(bytes: Uint8Array) {
    try {
      return splitKey(keyFromBytes(bytes))
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedError)
      return undefined
    }
  }
})

describe('the partition of a position', () => {
  test('is given by its top bits', () => {
    for (const bits of [0, 1, 8, 12, 16]) {
      fc.assert(
        fc.property(fc.nat(0xffff_ffff), (position) => {
          const top = bits === 0 ? 0 : position >>> (32 - bits)
          expect(partitionOf(position, 2 ** bits)).toBe(top)
        }),
      )
    }
  })

  test('is used by all keys alike', () => {
    const counts = new Uint32Array(16)
    for (let i = 0; i < 16_000; i++) counts[partitionOf(makeKey('carts', `k${i}`).position, 16)]!++
    expect(Math.min(...counts)).toBeGreaterThan(850)
    expect(Math.max(...counts)).toBeLessThan(1150)
  })
})

/** Part by part; within a part, code point by code point, which is the order of UTF-8. */
function compareParts(a: readonly string[], b: readonly string[]): number {
  const [one, ...ones] = a
  const [other, ...others] = b
  if (one === undefined || other === undefined) return Math.sign(a.length - b.length)
  return comparePoints([...one], [...other]) || compareParts(ones, others)
}

function comparePoints(a: readonly string[], b: readonly string[]): number {
  const different = a.findIndex((letter, i) => letter !== b[i])
  if (different === -1) return a.length === b.length ? 0 : -1
  if (b[different] === undefined) return 1
  return Math.sign(a[different]!.codePointAt(0)! - b[different].codePointAt(0)!)
}
