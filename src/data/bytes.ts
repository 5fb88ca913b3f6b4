/**
 * Bytes: comparing, joining, and reading and writing them with a total decoder.
 *
 * Everything that crosses a wire or reaches a disk is written by `Writer` and read by `Reader`. A reader
 * never trusts a length it has not checked against what is left, so that no input makes it allocate more
 * than a constant times its own size; anything malformed throws `MalformedError` and nothing else.
 */

export type Bytes = Uint8Array

/** The bytes are no encoding of what they were read as. */
export class MalformedError extends Error {
  readonly code = 'malformed'
  constructor(what: string) {
    super(`malformed bytes: ${what}`)
    this.name = 'MalformedError'
  }
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const emptyBytes: Bytes = new Uint8Array(0)

export function utf8(text: string): Bytes {
  return text.length < 64 ? shortUtf8(text) : encoder.encode(text)
}

/** Most texts are short and ASCII; to start the engine's encoder takes ten times as long as doing them here. */
function shortUtf8(text: string): Bytes {
  const bytes = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit > 0x7f) return encoder.encode(text)
    bytes[i] = unit
  }
  return bytes
}

/** The text whose UTF-8 these bytes are; anything else throws `MalformedError`. */
export function fromUtf8(bytes: Bytes): string {
  const short = bytes.length < 12 ? shortAscii(bytes) : undefined
  if (short !== undefined) return short
  try {
    return decoder.decode(bytes)
  } catch {
    throw new MalformedError('text that is not UTF-8')
  }
}

/** To start the engine's decoder takes as long as a dozen letters. By index: an iterator would be an object for each. */
function shortAscii(bytes: Bytes): string | undefined {
  let text = ''
  for (let i = 0; i < bytes.length; i++) {
    if (bytes[i]! > 0x7f) return undefined
    text += String.fromCharCode(bytes[i]!)
  }
  return text
}

/** Lexicographic order, as unsigned bytes; a prefix comes first. */
export function compareBytes(a: Bytes, b: Bytes): number {
  const shared = Math.min(a.length, b.length)
  for (let i = 0; i < shared; i++) {
    const difference = a[i]! - b[i]!
    if (difference !== 0) return difference
  }
  return a.length - b.length
}

export function equalBytes(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && compareBytes(a, b) === 0
}

/** Order of UTF-16 code units: the same in every engine, unlike a locale's. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

export function concat(...parts: readonly Bytes[]): Bytes {
  let length = 0
  for (const part of parts) length += part.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const part of parts) {
    joined.set(part, at)
    at += part.length
  }
  return joined
}

/** One character per byte: a key for maps, with the order of the bytes. */
export function toBinaryText(bytes: Bytes): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += 4096) {
    text += fromCharCodes(bytes.length <= 4096 ? bytes : bytes.subarray(at, at + 4096))
  }
  return text
}

/** Applied and not spread: that would make an object for every byte. */
function fromCharCodes(bytes: Bytes): string {
  return String.fromCharCode.apply(undefined, bytes as unknown as number[])
}

/** The inverse of `toBinaryText`. */
export function fromBinaryText(text: string): Bytes {
  return writeBinaryText(new Uint8Array(text.length), text)
}

/** Writes the bytes that the text stands for into `bytes`, from its beginning. */
export function writeBinaryText(bytes: Bytes, text: string): Bytes {
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i)
  return bytes
}

/** The smallest byte string above every one that starts with `prefix`: the end of a range. */
export function afterPrefix(prefix: Bytes): Bytes {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  if (length === 0) throw new RangeError('no byte string is above every one with this prefix')
  const end = prefix.slice(0, length)
  end[length - 1]!++
  return end
}

export function toHex(bytes: Bytes): string {
  let text = ''
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0')
  return text
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const digitOf = new Map([...alphabet].map((letter, digit) => [letter, digit]))

/** Base64 with the URL alphabet and no padding (RFC 4648 §5). */
export function toBase64Url(bytes: Bytes): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const left = bytes.length - i
    const three = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    text += alphabet[three >> 18]! + alphabet[(three >> 12) & 63]!
    if (left > 1) text += alphabet[(three >> 6) & 63]!
    if (left > 2) text += alphabet[three & 63]!
  }
  return text
}

/** The inverse of `toBase64Url`; anything else throws `MalformedError`. */
export function fromBase64Url(text: string): Bytes {
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4))
  let bits = 0
  let held = 0
  let at = 0
  for (const letter of text) {
    const digit = digitOf.get(letter)
    if (digit === undefined) throw new MalformedError('not base64url')
    bits = ((bits << 6) | digit) & 0xffffff
    held += 6
    if (held < 8) continue
    held -= 8
    bytes[at++] = (bits >> held) & 0xff
  }
  if (text.length % 4 === 1 || (bits & ((1 << held) - 1)) !== 0) {
    throw new MalformedError('not canonical base64url')
  }
  return bytes
}

/**
 * What writers write into, one after the other. A fresh array for each costs more than all that is written into it; this
 * way there is one, of the right length, at the end. Nested writers take turns with others.
 */
const spares: Uint8Array[] = []
const spareBytes = 4096
/** One that grew beyond this is not kept: a rare large message must not hold its memory for ever. */
const largestSpare = 65_536

/** Grows as it is written; `finish` hands over what was written. */
export class Writer {
  #bytes: Uint8Array
  #length = 0

  constructor() {
    this.#bytes = spares.pop() ?? new Uint8Array(spareBytes)
  }

  get length(): number {
    return this.#length
  }

  u8(value: number): this {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
    return this
  }

  u32(value: number): this {
    this.#reserve(4)
    for (let shift = 24; shift >= 0; shift -= 8) this.#bytes[this.#length++] = value >>> shift
    return this
  }

  /** A whole number from 0 to 2^53 − 1, seven bits a byte, lowest first. */
  varint(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no varint: ${value}`)
    this.#reserve(8)
    while (value >= 0x80) {
      this.#bytes[this.#length++] = (value % 0x80) | 0x80
      value = Math.floor(value / 0x80)
    }
    this.#bytes[this.#length++] = value
    return this
  }

  boolean(value: boolean): this {
    return this.u8(value ? 1 : 0)
  }

  /** The bytes alone; the reader must know how many. */
  raw(bytes: Bytes): this {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
    return this
  }

  bytes(bytes: Bytes): this {
    return this.varint(bytes.length).raw(bytes)
  }

  text(text: string): this {
    const short = text.length < 0x80 && this.#ascii(text)
    return short ? this : this.bytes(encoder.encode(text))
  }

  list<T>(items: readonly T[], write: (writer: this, item: T) => void): this {
    this.varint(items.length)
    for (const item of items) write(this, item)
    return this
  }

  optional<T>(value: T | undefined, write: (writer: this, value: T) => void): this {
    this.boolean(value !== undefined)
    if (value !== undefined) write(this, value)
    return this
  }

  /** What was written; the writer is spent. */
  finish(): Bytes {
    const written = this.#bytes.slice(0, this.#length)
    if (this.#bytes.length <= largestSpare) spares.push(this.#bytes)
    this.#bytes = emptyBytes
    return written
  }

  /** Most texts on the wire are short and ASCII: no encoder, no copy. */
  #ascii(text: string): boolean {
    this.#reserve(text.length + 1)
    for (let i = 0; i < text.length; i++) {
      const unit = text.charCodeAt(i)
      if (unit > 0x7f) return false
      this.#bytes[this.#length + 1 + i] = unit
    }
    this.#bytes[this.#length] = text.length
    this.#length += text.length + 1
    return true
  }

  #reserve(more: number): void {
    const needed = this.#length + more
    if (needed <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2))
    grown.set(this.#bytes.subarray(0, this.#length))
    this.#bytes = grown
  }
}

/** Reads what a `Writer` wrote; throws `MalformedError` at the first byte that cannot be. */
export class Reader {
  readonly #bytes: Bytes
  #at = 0

  constructor(bytes: Bytes) {
    this.#bytes = bytes
  }

  get left(): number {
    return this.#bytes.length - this.#at
  }

  u8(): number {
    if (this.left < 1) throw new MalformedError('ends too early')
    return this.#bytes[this.#at++]!
  }

  u32(): number {
    const bytes = this.raw(4)
    return ((bytes[0]! << 24) | (bytes[1]! << 16) | (bytes[2]! << 8) | bytes[3]!) >>> 0
  }

  varint(): number {
    let value = 0
    let scale = 1
    for (let i = 0; i < 8; i++) {
      const byte = this.u8()
      value += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (byte === 0 && i > 0) throw new MalformedError('a varint longer than it need be')
        if (value > Number.MAX_SAFE_INTEGER) throw new MalformedError('a varint above 2^53 − 1')
        return value
      }
      scale *= 0x80
    }
    throw new MalformedError('a varint of more than 8 bytes')
  }

  boolean(): boolean {
    const byte = this.u8()
    if (byte > 1) throw new MalformedError('neither true nor false')
    return byte === 1
  }

  /** A view of the next `length` bytes, not a copy. */
  raw(length: number): Bytes {
    if (length > this.left) throw new MalformedError('ends too early')
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  /** A view, not a copy: whoever keeps it copies it. */
  bytes(): Bytes {
    return this.raw(this.varint())
  }

  text(): string {
    return fromUtf8(this.bytes())
  }

  /** Each item takes at least one byte, so a count above what is left is a lie. */
  list<T>(read: (reader: this) => T): T[] {
    const count = this.varint()
    if (count > this.left) throw new MalformedError('a list longer than its bytes')
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read(this))
    return items
  }

  optional<T>(read: (reader: this) => T): T | undefined {
    return this.boolean() ? read(this) : undefined
  }

  /** Refuses bytes left over, where nothing newer may follow. */
  end(): void {
    if (this.left > 0) throw new MalformedError('bytes left over')
  }
}
