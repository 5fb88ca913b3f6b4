/**
 * Structured data in one canonical encoding.
 *
 * Replicas compare values by their checksums, so equal values must have equal bytes. JSON cannot promise that:
 * it leaves the order of keys open, has no bytes, turns NaN into null and drops what it cannot say. So a value is
 * written as deterministic CBOR (RFC 8949 §4.2, in the subset that DAG-CBOR names), which libraries of other
 * languages read. The decoder takes that one form and nothing else: whatever it accepts, it would write again
 * byte for byte; whatever it refuses is a `MalformedError`. The libraries at hand decode several forms of one
 * value, replace text that is no Unicode, flatten class instances, or overflow the stack.
 */
import {
  type Bytes,
  compareBytes,
  fromUtf8,
  MalformedError,
  Reader,
  utf8,
  Writer,
} from './bytes.ts'

/** How deep arrays and objects may nest, so that recursion ends before the stack does. */
export const structuredDepth = 128

/** A part of a value has no encoding; the message names the part: `$.items[3].price: a function`. */
export class NotEncodableError extends Error {
  readonly code = 'not-encodable'
  /** Where the part is, from the value itself, `$`. */
  readonly path: string

  constructor(path: string, what: string) {
    super(`not encodable: ${path}: ${what}`)
    this.name = 'NotEncodableError'
    this.path = path
  }
}

const wholeNumber = 0
const negativeNumber = 1
const byteString = 2
const text = 3
const array = 4
const map = 5

const falseByte = 0xf4
const trueByte = 0xf5
const nullByte = 0xf6
const floatByte = 0xfb

/** Where a float becomes its eight bytes, and back. */
const float = new DataView(new ArrayBuffer(8))

/** The part being encoded: what it lies in, and under which name or index. */
interface Place {
  readonly container: object
  readonly step: string | number
  readonly outer: Place | undefined
  readonly depth: number
}

/**
 * The canonical bytes of null, booleans, finite numbers, well-formed text, `Uint8Array`s, and arrays and plain
 * objects of these. A property that is undefined counts as absent, as in JSON; −0 is 0. Anything else throws
 * `NotEncodableError`: undefined elsewhere, NaN, bigints, functions, symbols, class instances, cycles.
 *
 * ```ts
 * encodeStructured({ b: 1, a: [true] }) // the same bytes as for { a: [true], b: 1 }
 * ```
 */
export function encodeStructured(value: unknown): Bytes {
  const writer = new Writer()
  writeValue(writer, value, undefined)
  return writer.finish()
}

/**
 * The value whose canonical encoding these bytes are; `MalformedError` for any other bytes. Nothing in it shares
 * memory with `bytes`, and no key of an object becomes its prototype.
 *
 * ```ts
 * decodeStructured(encodeStructured({ mug: 2 })) // { mug: 2 }
 * ```
 */
export function decodeStructured(bytes: Bytes): unknown {
  const reader = new Reader(bytes)
  const value = readValue(reader, 0)
  reader.end()
  return value
}

function writeValue(writer: Writer, value: unknown, place: Place | undefined): void {
  switch (typeof value) {
    case 'boolean':
      writer.u8(value ? trueByte : falseByte)
      return
    case 'number':
      writeNumber(writer, value, place)
      return
    case 'string':
      if (!value.isWellFormed()) throw notEncodable(place, 'text with half a surrogate pair')
      writeBytes(writer, text, utf8(value))
      return
    case 'object':
      if (value === null) writer.u8(nullByte)
      else if (isBytes(value)) writeBytes(writer, byteString, value)
      else writeContainer(writer, value, place)
      return
    case 'undefined':
      throw notEncodable(place, 'undefined (null is encodable)')
    case 'bigint':
      throw notEncodable(place, 'a bigint (text is encodable)')
    case 'function':
    case 'symbol':
      throw notEncodable(place, `a ${typeof value}`)
  }
}

/** Whole numbers as such, the rest as 64-bit floats: each number has one form. */
function writeNumber(writer: Writer, value: number, place: Place | undefined): void {
  if (!Number.isFinite(value)) throw notEncodable(place, String(value))
  if (!Number.isSafeInteger(value)) {
    float.setFloat64(0, value)
    writer.u8(floatByte).u32(float.getUint32(0)).u32(float.getUint32(4))
  } else if (value < 0) writeHead(writer, negativeNumber, -1 - value)
  else writeHead(writer, wholeNumber, value)
}

function writeBytes(writer: Writer, type: number, bytes: Bytes): void {
  writeHead(writer, type, bytes.length)
  writer.raw(bytes)
}

function writeContainer(writer: Writer, value: object, place: Place | undefined): void {
  const depth = (place?.depth ?? 0) + 1
  if (depth > structuredDepth) throw notEncodable(place, `deeper than ${structuredDepth} levels`)
  for (let outer = place; outer !== undefined; outer = outer.outer) {
    if (outer.container === value) throw notEncodable(place, 'a cycle')
  }
  const within = (step: string | number) => ({ container: value, step, outer: place, depth })
  if (isPlainArray(value)) {
    writeHead(writer, array, value.length)
    // By index, because `forEach` would skip holes; they read as undefined, which is refused.
    for (let i = 0; i < value.length; i++) writeValue(writer, value[i], within(i))
    return
  }
  const properties = plainProperties(value, place)
  writeHead(writer, map, properties.length)
  for (const { key, name, part } of properties) {
    writeBytes(writer, text, key)
    writeValue(writer, part, within(name))
  }
}

interface Property {
  readonly key: Bytes
  readonly name: string
  readonly part: unknown
}

function plainProperties(value: object, place: Place | undefined): Property[] {
  const prototype = Object.getPrototypeOf(value) as object | null
  // An object of another window has another `Object.prototype`, which has no prototype either.
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw notEncodable(place, `an instance of ${className(prototype)}`)
  }
  const symbols = Object.getOwnPropertySymbols(value)
  if (symbols.some((symbol) => Object.prototype.propertyIsEnumerable.call(value, symbol))) {
    throw notEncodable(place, 'an object with a symbol as a key')
  }
  const properties: Property[] = []
  for (const [name, part] of Object.entries(value)) {
    if (part === undefined) continue
    if (!name.isWellFormed()) throw notEncodable(place, 'a key with half a surrogate pair')
    properties.push({ key: utf8(name), name, part })
  }
  return properties.sort((a, b) => compareKeys(a.key, b.key))
}

/** Shorter keys first, then by bytes: the order of their encodings. */
function compareKeys(a: Bytes, b: Bytes): number {
  return a.length - b.length || compareBytes(a, b)
}

/** By its tag, so that the bytes of another window count too. */
function isBytes(value: object): value is Bytes {
  return (
    ArrayBuffer.isView(value) && Object.prototype.toString.call(value) === '[object Uint8Array]'
  )
}

/** `Array.prototype` is itself an array; the prototype of a class that extends `Array` is none. */
function isPlainArray(value: object): value is unknown[] {
  return Array.isArray(value) && Array.isArray(Object.getPrototypeOf(value))
}

function className(prototype: object): string {
  const { constructor } = prototype
  return (typeof constructor === 'function' && constructor.name) || 'a class'
}

function notEncodable(place: Place | undefined, what: string): NotEncodableError {
  let path = ''
  for (let at = place; at !== undefined; at = at.outer) path = showStep(at.step) + path
  return new NotEncodableError(`$${path}`, what)
}

function showStep(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`
  return /^[\p{L}_$][\p{L}\d_$]*$/u.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`
}

/** The type in the top three bits; below them the number, or how many bytes it takes. */
function writeHead(writer: Writer, type: number, value: number): void {
  const top = type << 5
  if (value < 24) writer.u8(top | value)
  else if (value < 0x100) writer.u8(top | 24).u8(value)
  else if (value < 0x1_0000)
    writer
      .u8(top | 25)
      .u8(value >> 8)
      .u8(value & 0xff)
  else if (value < 0x1_0000_0000) writer.u8(top | 26).u32(value)
  else
    writer
      .u8(top | 27)
      .u32(Math.floor(value / 0x1_0000_0000))
      .u32(value % 0x1_0000_0000)
}

/** The number that follows a head, in no more bytes than it needs. */
function readHead(reader: Reader, low: number): number {
  if (low < 24) return low
  if (low > 27) throw new MalformedError('a length that is left open')
  let value = 0
  for (let left = 2 ** (low - 24); left > 0; left--) value = value * 0x100 + reader.u8()
  if (value < leastOfWidth[low - 24]!) throw new MalformedError('a number longer than it need be')
  if (value > Number.MAX_SAFE_INTEGER) throw new MalformedError('a number above 2^53 − 1')
  return value
}

const leastOfWidth = [24, 0x100, 0x1_0000, 0x1_0000_0000]

function readValue(reader: Reader, depth: number): unknown {
  const head = reader.u8()
  const low = head & 0x1f
  switch (head >> 5) {
    case wholeNumber:
      return readHead(reader, low)
    case negativeNumber:
      return readNegative(reader, low)
    case byteString:
      return reader.raw(readHead(reader, low)).slice()
    case text:
      return fromUtf8(reader.raw(readHead(reader, low)))
    case array:
      return readArray(reader, readCount(reader, low, 1, depth), depth + 1)
    case map:
      return readMap(reader, readCount(reader, low, 2, depth), depth + 1)
    default:
      return readSimple(reader, head)
  }
}

function readNegative(reader: Reader, low: number): number {
  const value = -1 - readHead(reader, low)
  if (!Number.isSafeInteger(value)) throw new MalformedError('a number below 1 − 2^53')
  return value
}

/** Each part takes at least one byte, so a count above what is left is a lie. */
function readCount(reader: Reader, low: number, partsEach: number, depth: number): number {
  if (depth >= structuredDepth) throw new MalformedError(`deeper than ${structuredDepth} levels`)
  const count = readHead(reader, low)
  if (count * partsEach > reader.left) throw new MalformedError('more parts than bytes')
  return count
}

function readArray(reader: Reader, count: number, depth: number): unknown[] {
  const parts: unknown[] = []
  for (let i = 0; i < count; i++) parts.push(readValue(reader, depth))
  return parts
}

function readMap(reader: Reader, count: number, depth: number): object {
  const properties: Record<string, unknown> = {}
  let last: Bytes | undefined
  for (let i = 0; i < count; i++) {
    const head = reader.u8()
    if (head >> 5 !== text) throw new MalformedError('a key that is no text')
    const key = reader.raw(readHead(reader, head & 0x1f))
    if (last !== undefined && compareKeys(last, key) >= 0)
      throw new MalformedError('keys out of order')
    last = key
    const name = fromUtf8(key)
    const value = readValue(reader, depth)
    // Assigned, this one name would replace the prototype instead of becoming a property.
    if (name !== '__proto__') properties[name] = value
    else
      Object.defineProperty(properties, name, {
        value,
        writable: true,
        enumerable: true,
        configurable: true,
      })
  }
  return properties
}

function readSimple(reader: Reader, head: number): boolean | null | number {
  if (head === falseByte) return false
  if (head === trueByte) return true
  if (head === nullByte) return null
  if (head !== floatByte) throw new MalformedError(`a value of an unknown type: ${head}`)
  float.setUint32(0, reader.u32())
  float.setUint32(4, reader.u32())
  const value = float.getFloat64(0)
  if (!Number.isFinite(value)) throw new MalformedError('a number that is not finite')
  if (Number.isSafeInteger(value)) throw new MalformedError('a whole number written as a float')
  return value
}
