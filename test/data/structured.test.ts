import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MalformedError, toHex } from '../../src/data/bytes.ts'
import {
  decodeStructured,
  encodeStructured,
  NotEncodableError,
  structuredDepth,
} from '../../src/data/structured.ts'
import { fromHex } from './hex.ts'

const key = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '', '0', 'length'),
)

/** Anything that the encoding takes; −0, which would be 0 afterwards, apart. */
const structured: fc.Arbitrary<unknown> = fc
  .letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, true, false),
      fc.maxSafeInteger(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.string({ unit: 'binary' }),
      fc.uint8Array({ maxLength: 40 }),
      fc.array(tie('value'), { maxLength: 6 }),
      fc.dictionary(key, tie('value'), { maxKeys: 6, noNullPrototype: true }),
    ),
  }))
  .value.map((value) => rebuilt(value, (entries) => entries))

type Entries = [string, unknown][]

function rebuilt(value: unknown, order: (entries: Entries) => Entries): unknown {
  if (Object.is(value, -0)) return 0
  if (Array.isArray(value)) return value.map((part) => rebuilt(part, order))
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  const entries = Object.entries(value).map(([k, part]): [string, unknown] => [
    k,
    rebuilt(part, order),
  ])
  return Object.fromEntries(order(entries))
}

describe('what is encoded', () => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(structured, (value) => {
        // Vitest's own equality stumbles over a property named `constructor`.
        expect(isDeepStrictEqual(decodeStructured(encodeStructured(value)), value)).toBe(true)
      }),
    )
  })

  test('has equal bytes when it is equal, whatever the order of its properties', () => {
    fc.assert(
      fc.property(structured, (value) => {
        const backwards = rebuilt(value, (entries) => entries.toReversed())
        expect(encodeStructured(backwards)).toEqual(encodeStructured(value))
      }),
    )
  })

  // From RFC 8949, appendix A, where an example is in the subset.
  test.each([
    ['00', 0],
    ['17', 23],
    ['1818', 24],
    ['18ff', 255],
    ['190100', 256],
    ['1903e8', 1000],
    ['1a000f4240', 1000000],
    ['1b000000e8d4a51000', 1000000000000],
    ['1b001fffffffffffff', Number.MAX_SAFE_INTEGER],
    ['3b001ffffffffffffe', Number.MIN_SAFE_INTEGER],
    ['20', -1],
    ['3863', -100],
    ['3903e7', -1000],
    ['fb3ff199999999999a', 1.1],
    ['fbc010666666666666', -4.1],
    ['fb7e37e43c8800759c', 1e300],
    ['fb4340000000000000', 2 ** 53],
    ['fb0000000000000001', 5e-324],
    ['f4', false],
    ['f5', true],
    ['f6', null],
    ['40', new Uint8Array()],
    ['4401020304', Uint8Array.of(1, 2, 3, 4)],
    ['60', ''],
    ['6449455446', 'IETF'],
    ['62225c', '"\\'],
    ['62c3bc', 'ü'],
    ['63e6b0b4', '水'],
    ['64f0908591', '𐅑'],
    ['80', []],
    ['8301820203820405', [1, [2, 3], [4, 5]]],
    ['a0', {}],
    ['a26161016162820203', { a: 1, b: [2, 3] }],
    ['826161a161626163', ['a', { b: 'c' }]],
    ['a2617a0062616101', { aa: 1, z: 0 }],
  ])('%s is the one encoding of its value', (hex, value) => {
    expect(toHex(encodeStructured(value))).toBe(hex)
    expect(decodeStructured(fromHex(hex))).toStrictEqual(value)
  })

  test('a negative zero is zero, and an undefined property is absent', () => {
    expect(toHex(encodeStructured(-0))).toBe('00')
    expect(encodeStructured({ a: undefined, b: 1 })).toEqual(encodeStructured({ b: 1 }))
  })

  test('bytes of any length round-trip, a view of a larger buffer and a Buffer included', () => {
    for (const length of [0, 23, 24, 255, 256, 65535, 65536]) {
      const bytes = new Uint8Array(length + 2).fill(7).subarray(1, length + 1)
      expect(decodeStructured(encodeStructured(bytes))).toEqual(new Uint8Array(length).fill(7))
    }
    const decoded = decodeStructured(encodeStructured(Buffer.from('mug')))
    expect(decoded).toEqual(Uint8Array.of(0x6d, 0x75, 0x67))
  })

  test('decoded bytes share no memory with what they were read from', () => {
    const encoded = encodeStructured([Uint8Array.of(1, 2, 3)])
    const [bytes] = decodeStructured(encoded) as [Uint8Array]
    bytes.fill(9)
    expect(decodeStructured(encoded)).toEqual([Uint8Array.of(1, 2, 3)])
  })

  test('objects without a prototype, and arrays behind a proxy, count as plain', () => {
    const bare = Object.assign(Object.create(null) as object, { mug: 1 })
    expect(encodeStructured(bare)).toEqual(encodeStructured({ mug: 1 }))
    expect(encodeStructured(new Proxy([1], {}))).toEqual(encodeStructured([1]))
  })

  test('one part in two places is no cycle', () => {
    const part = { a: 1 }
    expect(decodeStructured(encodeStructured([part, part]))).toEqual([part, part])
  })
})

describe('what cannot be encoded is refused with its place', () => {
  class List extends Array<number> {}
  class Money {
    amount = 1
  }
  const circle: { name: string; within: { whole?: object } } = { name: 'circle', within: {} }
  circle.within.whole = circle

  test.each<[string, unknown]>([
    ['$.items[3].price: a function', { items: [1, 2, 3, { price: () => 1 }] }],
    ['$: undefined (null is encodable)', undefined],
    ['$[1]: undefined (null is encodable)', [1, undefined]],
    // oxlint-disable-next-line no-sparse-arrays
    ['$[1]: undefined (null is encodable)', [1, , 3]],
    ['$: NaN', NaN],
    ['$.a: -Infinity', { a: -Infinity }],
    ['$: a bigint (text is encodable)', 1n],
    ['$: a symbol', Symbol('mug')],
    ['$.when: an instance of Date', { when: new Date(0) }],
    ['$["a b"]: an instance of Map', { 'a b': new Map() }],
    ['$: an instance of Money', new Money()],
    ['$: an instance of List', List.of(1)],
    ['$: an instance of Float32Array', new Float32Array(1)],
    ['$: an instance of String', new Object('text')],
    ['$: an instance of a class', new (class {})()],
    ['$.within.whole: a cycle', circle],
    ['$.name: text with half a surrogate pair', { name: 'a\ud800' }],
    ['$: a key with half a surrogate pair', { 'a\udc00': 1 }],
    ['$: an object with a symbol as a key', { [Symbol('mug')]: 1 }],
  ])('%s', (message, value) => {
    const refusal = refusalOf(value)
    expect(refusal).toMatchObject({ code: 'not-encodable', message: `not encodable: ${message}` })
    expect(message.startsWith(`${refusal.path}: `)).toBe(true)
  })

  test('nesting ends at the limit, on the way in and on the way out', () => {
    const deepest = nested(structuredDepth)
    expect(decodeStructured(encodeStructured(deepest))).toEqual(deepest)
    expect(refusalOf([deepest]).message).toMatch(/deeper than 128 levels$/)
    expect(() => decodeStructured(new Uint8Array(1 << 20).fill(0x81))).toThrow(MalformedError)
  })

  function nested(levels: number): unknown {
    let value: unknown = 1
    for (let i = 0; i < levels; i++) value = i % 2 === 0 ? [value] : { a: value }
    return value
  }

  function refusalOf(value: unknown): NotEncodableError {
    try {
      encodeStructured(value)
    } catch (error) {
      if (error instanceof NotEncodableError) return error
      throw error
    }
    throw new Error('it was encoded')
  }
})

describe('decoding is total', () => {
  test('any bytes are either malformed or exactly what their value encodes to', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => canonicalOrMalformed(bytes)),
      { numRuns: 5000 },
    )
  })

  test('so are encodings with bytes flipped, cut off or inserted', () => {
    const edit = fc.tuple(fc.nat(), fc.nat(2), fc.uint8Array({ maxLength: 3 }))
    fc.assert(
      fc.property(structured, edit, (value, [at, removed, inserted]) => {
        const bytes = [...encodeStructured(value)]
        bytes.splice(at % bytes.length, removed, ...inserted)
        canonicalOrMalformed(Uint8Array.from(bytes))
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['', 'nothing at all'],
    ['1801', 'a number longer than it need be'],
    ['190001', 'a number longer than it need be'],
    ['1a0000ffff', 'a number longer than it need be'],
    ['1b00000000ffffffff', 'a number longer than it need be'],
    ['1b0020000000000000', 'a number beyond what JavaScript holds exactly'],
    ['3b001fffffffffffff', 'a negative number beyond it'],
    ['fb3ff0000000000000', 'a whole number as a float'],
    ['fb8000000000000000', 'a negative zero'],
    ['fb7ff8000000000000', 'NaN'],
    ['fb7ff0000000000000', 'infinity'],
    ['f93c00', 'a half float'],
    ['f7', 'undefined'],
    ['c11a514b67b0', 'a tag'],
    ['5f42010243030405ff', 'bytes of an open length'],
    ['9f01ff', 'an array of an open length'],
    ['61ff', 'text that is not UTF-8'],
    ['63eda080', 'half a surrogate pair in UTF-8'],
    ['a10101', 'a key that is no text'],
    ['a2616201616101', 'keys out of order'],
    ['a262616100617a01', 'a longer key first'],
    ['a2616101616102', 'a key twice'],
    ['0000', 'bytes left over'],
    ['6261', 'text that ends too early'],
    ['9affffffff', 'an array longer than its bytes'],
    ['5b001fffffffffffff', 'bytes longer than what there is'],
    ['bb001fffffffffffff', 'a map longer than its bytes'],
  ])('%s is refused: %s', (hex) => {
    expect(() => decodeStructured(fromHex(hex))).toThrow(MalformedError)
  })

  test('a key named __proto__ is a property like any other', () => {
    const hostile: unknown = JSON.parse('{"__proto__":{"admin":true},"constructor":1}')
    const decoded = decodeStructured(encodeStructured(hostile)) as Record<string, unknown>
    expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype)
    expect(decoded['admin']).toBeUndefined()
    expect(JSON.stringify(decoded)).toBe('{"__proto__":{"admin":true},"constructor":1}')
    expect(({} as Record<string, unknown>)['admin']).toBeUndefined()
  })

  function canonicalOrMalformed(bytes: Uint8Array): void {
    let value: unknown
    try {
      value = decodeStructured(bytes)
    } catch (error) {
      expect(error).toBeInstanceOf(MalformedError)
      return
    }
    expect(encodeStructured(value)).toEqual(bytes)
  }
})
