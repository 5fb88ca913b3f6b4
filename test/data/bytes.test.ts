import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  afterPrefix,
  type Bytes,
  compareBytes,
  compareText,
  concat,
  equalBytes,
  fromBase64Url,
  fromBinaryText,
  fromUtf8,
  MalformedError,
  Reader,
  toBase64Url,
  toBinaryText,
  toHex,
  utf8,
  Writer,
} from '../../src/data/bytes.ts'
import { fromHex } from './hex.ts'

const bytes = fc.uint8Array({ maxLength: 200 })
const wellFormed = fc.string({ unit: 'binary', maxLength: 100 })

describe('order', () => {
  test('is that of unsigned bytes, a prefix first', () => {
    const ascending = ['', '00', '0000', '00ff', '01', '7f', '80', 'ff', 'ff00', 'ffff'].map(
      fromHex,
    )
    for (const [i, a] of ascending.entries()) {
      for (const [j, b] of ascending.entries()) {
        expect(Math.sign(compareBytes(a, b))).toBe(Math.sign(i - j))
        expect(equalBytes(a, b)).toBe(i === j)
      }
    }
  })

  test('is kept by the text with one character per byte', () => {
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        const order = Math.sign(compareBytes(a, b))
        expect(compareText(toBinaryText(a), toBinaryText(b))).toBe(order)
      }),
    )
  })

  test('afterPrefix is above every byte string with the prefix and above nothing else', () => {
    const prefix = bytes.filter((candidate) => candidate.some((byte) => byte !== 0xff))
    fc.assert(
      fc.property(prefix, bytes, (start, other) => {
        const end = afterPrefix(start)
        expect(compareBytes(concat(start, other), end)).toBeLessThan(0)
        const startsSo = equalBytes(other.subarray(0, start.length), start)
        const inside = compareBytes(start, other) <= 0 && compareBytes(other, end) < 0
        expect(inside).toBe(startsSo)
      }),
    )
    expect(toHex(afterPrefix(fromHex('01ffff')))).toBe('02')
  })

  test('no byte string is above everything', () => {
    expect(() => afterPrefix(fromHex('ffff'))).toThrow(RangeError)
    expect(() => afterPrefix(fromHex(''))).toThrow(RangeError)
  })
})

describe('texts', () => {
  test('binary text, base64url and UTF-8 come back as they were', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 5000 }), wellFormed, (some, text) => {
        expect(fromBinaryText(toBinaryText(some))).toEqual(some)
        expect(fromBase64Url(toBase64Url(some))).toEqual(some)
        expect(fromUtf8(utf8(text))).toBe(text)
      }),
    )
  })

  // RFC 4648 §10, with the URL alphabet and no padding.
  test.each([
    ['', ''],
    ['f', 'Zg'],
    ['fo', 'Zm8'],
    ['foo', 'Zm9v'],
    ['foob', 'Zm9vYg'],
    ['fooba', 'Zm9vYmE'],
    ['foobar', 'Zm9vYmFy'],
    ['\u{7ff}?', '378_'],
  ])('%j in base64url is %j', (text, base64) => {
    expect(toBase64Url(utf8(text))).toBe(base64)
    expect(toBase64Url(utf8(text))).toBe(Buffer.from(text).toString('base64url'))
  })

  test('a text is base64url of one byte string or of none', () => {
    const texts = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.stringMatching(/^[\w-]{0,12}$/),
      fc.constantFrom('A', 'AB', 'Zh', 'Zm9=', 'Zm 8', 'ÄÖ'),
    )
    fc.assert(
      fc.property(texts, (text) => {
        const decoded = valueOrMalformed(() => fromBase64Url(text))
        if (decoded !== malformed) expect(toBase64Url(decoded)).toBe(text)
      }),
      { numRuns: 1000 },
    )
  })

  test('UTF-8 with a byte order mark keeps it; what is no UTF-8 is malformed', () => {
    expect(fromUtf8(fromHex('efbbbf61'))).toBe('\ufeffa')
    for (const hex of ['ff', 'c0af', 'eda080', 'f4908080', 'c3', `${'61'.repeat(60)}80`]) {
      expect(() => fromUtf8(fromHex(hex))).toThrow(MalformedError)
    }
  })

  test('UTF-8 is the same by the short way and by the long way', () => {
    for (const letter of ['a', '\0', '\x7f', '\x80', 'ü', '水', '𐅑']) {
      for (const length of [1, 2, 31, 47, 48, 63, 64, 65, 200]) {
        const text = letter.repeat(length)
        expect(utf8(text)).toEqual(new TextEncoder().encode(text))
        expect(fromUtf8(utf8(text))).toBe(text)
      }
    }
  })
})

/** One thing that a writer writes, and how a reader reads it back. */
interface Part {
  readonly value: unknown
  write(writer: Writer): void
  read(reader: Reader): unknown
}

function partsOf<T>(
  values: fc.Arbitrary<T>,
  write: (writer: Writer, value: T) => void,
  read: (reader: Reader) => unknown,
): fc.Arbitrary<Part> {
  return values.map((value) => ({ value, write: (writer) => write(writer, value), read }))
}

const part: fc.Arbitrary<Part> = fc.oneof(
  partsOf(
    fc.nat(255),
    (w, value) => w.u8(value),
    (r) => r.u8(),
  ),
  partsOf(
    fc.nat(0xffff_ffff),
    (w, value) => w.u32(value),
    (r) => r.u32(),
  ),
  partsOf(
    fc.maxSafeNat(),
    (w, value) => w.varint(value),
    (r) => r.varint(),
  ),
  partsOf(
    fc.boolean(),
    (w, value) => w.boolean(value),
    (r) => r.boolean(),
  ),
  partsOf(
    bytes,
    (w, value) => w.bytes(value),
    (r) => r.bytes(),
  ),
  partsOf(
    wellFormed,
    (w, value) => w.text(value),
    (r) => r.text(),
  ),
  partsOf(
    fc.array(fc.nat(1000)),
    (w, value) => w.list(value, (each, item) => each.varint(item)),
    (r) => r.list((each) => each.varint()),
  ),
  partsOf(
    fc.option(wellFormed, { nil: undefined }),
    (w, value) => w.optional(value, (each, text) => each.text(text)),
    (r) => r.optional((each) => each.text()),
  ),
)

describe('a writer and a reader', () => {
  test('what is written in any order comes back in that order, and nothing is left', () => {
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const writer = new Writer()
        for (const each of parts) each.write(writer)
        const length = writer.length
        const written = writer.finish()
        expect(written.length).toBe(length)
        const reader = new Reader(written)
        for (const each of parts) expect(each.read(reader)).toEqual(each.value)
        expect(reader.left).toBe(0)
        reader.end()
      }),
    )
  })

  test('writers within writers, and one after another, do not get into each other', () => {
    const outer = new Writer().text('outer')
    const inner = new Writer().text('inner').finish()
    const abandoned = new Writer().text('abandoned')
    const next = new Writer().text('next').finish()
    expect(new Reader(outer.bytes(inner).finish()).text()).toBe('outer')
    expect(new Reader(inner).text()).toBe('inner')
    expect(new Reader(next).text()).toBe('next')
    expect(abandoned.length).toBe('abandoned'.length + 1)
  })

  test('a writer grows to whatever is written, and what it hands over is no larger', () => {
    for (const length of [4095, 4096, 4097, 100_000, 10]) {
      const filled = new Uint8Array(length).fill(7)
      const written = new Writer().u8(1).raw(filled).u8(2).finish()
      expect([written.length, written.buffer.byteLength]).toEqual([length + 2, length + 2])
      expect([written[0], written[1], written.at(-2), written.at(-1)]).toEqual([1, 7, 7, 2])
    }
  })

  test.each([
    [0, '00'],
    [127, '7f'],
    [128, '8001'],
    [300, 'ac02'],
    [2 ** 32, '8080808010'],
    [Number.MAX_SAFE_INTEGER, 'ffffffffffffff0f'],
  ])('the varint of %i is %s', (value, hex) => {
    expect(toHex(new Writer().varint(value).finish())).toBe(hex)
    expect(new Reader(fromHex(hex)).varint()).toBe(value)
  })

  test('a number that is no varint is not written', () => {
    for (const value of [-1, 0.5, NaN, Infinity, 2 ** 53]) {
      expect(() => new Writer().varint(value)).toThrow(RangeError)
    }
  })

  test.each([
    ['8000', 'longer than it need be', (r: Reader) => r.varint()],
    ['ff00', 'longer than it need be', (r: Reader) => r.varint()],
    ['80', 'without an end', (r: Reader) => r.varint()],
    ['ffffffffffffff1f', 'above 2^53 − 1', (r: Reader) => r.varint()],
    ['8080808080808010', 'exactly 2^53', (r: Reader) => r.varint()],
    ['808080808080808001', 'of nine bytes', (r: Reader) => r.varint()],
    ['02', 'neither true nor false', (r: Reader) => r.boolean()],
    ['0361', 'bytes that end too early', (r: Reader) => r.bytes()],
    ['01ff', 'text that is not UTF-8', (r: Reader) => r.text()],
    ['000102', 'four bytes of which three are there', (r: Reader) => r.u32()],
    ['05000000', 'a list longer than its bytes', (r: Reader) => r.list((each) => each.u8())],
    ['00', 'bytes left over', (r: Reader) => r.end()],
  ])('%s is malformed: %s', (hex, _why, read) => {
    expect(() => read(new Reader(fromHex(hex)))).toThrow(MalformedError)
  })

  test('a list that claims 2^53 − 1 items is refused before anything is allocated', () => {
    const lie = new Writer().varint(Number.MAX_SAFE_INTEGER).u8(1).finish()
    let items = 0
    expect(() => new Reader(lie).list((each) => (items++, each.u8()))).toThrow(MalformedError)
    expect(items).toBe(0)
  })

  test('reading is total: any reads of any bytes give values of the type, or are malformed', () => {
    fc.assert(
      fc.property(bytes, fc.array(part, { minLength: 1 }), (some, parts) => {
        const reader = new Reader(some)
        for (const each of parts) {
          const before = reader.left
          const value = valueOrMalformed(() => each.read(reader))
          if (value === malformed) return
          expect(reader.left).toBeLessThan(before)
          expect(reader.left).toBeGreaterThanOrEqual(0)
        }
      }),
      { numRuns: 3000 },
    )
  })

  test('what was read is written again byte for byte', () => {
    fc.assert(
      fc.property(bytes, part, (some, kind) => {
        const reader = new Reader(some)
        const value = valueOrMalformed(() => kind.read(reader))
        if (value === malformed) return
        const again = writeLike(kind, value)
        if (again !== undefined) expect(again).toEqual(some.subarray(0, some.length - reader.left))
      }),
      { numRuns: 3000 },
    )
  })
})

/** An empty text, and one that is not there. */
const absentText = Uint8Array.of(0)

/** The scalar parts alone: a list's items depend on who reads them. */
function writeLike(kind: Part, value: unknown): Bytes | undefined {
  const writer = new Writer()
  // A text that may be absent has a byte before it: what stands for no text at all tells the two apart.
  const isText = typeof kind.value === 'string' && kind.read(new Reader(absentText)) === ''
  if (typeof value === 'string' && isText) return writer.text(value).finish()
  if (typeof value === 'boolean') return writer.boolean(value).finish()
  if (value instanceof Uint8Array) return writer.bytes(value).finish()
  return undefined
}

const malformed = Symbol('malformed')

function valueOrMalformed<T>(run: () => T): T | typeof malformed {
  try {
    return run()
  } catch (error) {
    expect(error).toBeInstanceOf(MalformedError)
    return malformed
  }
}
