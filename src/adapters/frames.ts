/**
 * Messages on a stream of bytes: the wire format of a link, in one place.
 *
 * A stream knows no messages, so each goes out as a *frame*, all numbers big-endian:
 *
 *     length u32 | kind u8 | number u32 | body
 *
 * `length` counts what follows it. `number` matches a reply to its request. A message longer than a frame should be
 * travels as *parts*: frames with the same kind and number, all but the last with the top bit of `kind` set. Whole
 * messages may come between the parts of a long one (that is how a heartbeat overtakes a transfer), parts of another
 * one may not, so that a reader holds at most one unfinished message.
 *
 * The version stands in the protocol's name (`/ringlet/1/…`); an unknown kind is malformed. A reader takes any
 * bytes in any chunking, and never holds more than twice what it was given.
 */
import { MalformedError, type Bytes } from '../data/bytes.ts'

/** What a frame carries. `refusal` answers a request instead of a reply: its body is one byte, the reason. */
export const frameKind = {
  greeting: 0,
  request: 1,
  reply: 2,
  refusal: 3,
  notice: 4,
  ping: 5,
  pong: 6,
} as const

export type FrameKind = (typeof frameKind)[keyof typeof frameKind]

/** Why a request was refused without being looked at, or why its answer cannot come. */
export const refusalReason = { overloaded: 1, replyTooLarge: 2, noReply: 3 } as const

export const headerBytes = 9

const moreFollows = 0x80
const highestKind = frameKind.pong

/** Writes one frame at `at` and returns where the next one goes. */
export function writeFrame(
  into: Bytes,
  at: number,
  kind: FrameKind,
  number: number,
  body: Bytes,
  isLast = true,
): number {
  writeU32(into, at, body.length + headerBytes - 4)
  into[at + 4] = isLast ? kind : kind | moreFollows
  writeU32(into, at + 5, number)
  into.set(body, at + headerBytes)
  return at + headerBytes + body.length
}

export interface FrameLimits {
  readonly frameBytes: number
  readonly messageBytes: number
}

/** Called with each whole message. `body` may be a view of what was read: whoever keeps it copies it. */
export type Deliver = (kind: FrameKind, number: number, body: Bytes) => void

/** Turns the pieces of a stream back into messages; throws `MalformedError` at what no peer would write. */
export class FrameReader {
  readonly #limits: FrameLimits
  readonly #deliver: Deliver
  /** The start of a frame whose end has not come yet. */
  readonly #rest = new Growing()
  /** The parts so far of a long message. */
  readonly #parts = new Growing()
  #partKind = -1
  #partNumber = 0

  constructor(limits: FrameLimits, deliver: Deliver) {
    this.#limits = limits
    this.#deliver = deliver
  }

  read(piece: Bytes): void {
    let at = this.#rest.length > 0 ? this.#finishRest(piece) : 0
    while (piece.length - at >= 4) {
      const end = at + 4 + this.#length(piece, at)
      if (end > piece.length) return this.#rest.append(piece, at, piece.length, end - at)
      this.#frame(piece, at, end)
      at = end
    }
    if (at < piece.length) this.#rest.append(piece, at, piece.length, headerBytes)
  }

  /** Completes the frame that an earlier piece began; returns where the piece's own frames start. */
  #finishRest(piece: Bytes): number {
    const rest = this.#rest
    let at = 0
    if (rest.length < 4) {
      at = Math.min(4 - rest.length, piece.length)
      rest.append(piece, 0, at, headerBytes)
      if (rest.length < 4) return at
    }
    const whole = 4 + this.#length(rest.bytes, 0)
    const until = Math.min(at + whole - rest.length, piece.length)
    rest.append(piece, at, until, whole)
    if (rest.length === whole) this.#frame(rest.take(), 0, whole)
    return until
  }

  #length(bytes: Bytes, at: number): number {
    const length = readU32(bytes, at)
    if (length < headerBytes - 4) throw new MalformedError('a frame shorter than its header')
    if (length > this.#limits.frameBytes) throw new MalformedError('a frame above the limit')
    return length
  }

  #frame(bytes: Bytes, at: number, end: number): void {
    const kind = bytes[at + 4]! & ~moreFollows
    const isLast = bytes[at + 4] === kind
    const number = readU32(bytes, at + 5)
    if (kind > highestKind) throw new MalformedError(`a frame of unknown kind ${kind}`)
    if (this.#partKind === kind && this.#partNumber === number) {
      this.#part(bytes, at + headerBytes, end, isLast)
    } else if (isLast) {
      this.#deliver(kind as FrameKind, number, bytes.subarray(at + headerBytes, end))
    } else {
      if (this.#partKind >= 0) throw new MalformedError('two long messages at a time')
      this.#partKind = kind
      this.#partNumber = number
      this.#part(bytes, at + headerBytes, end, isLast)
    }
  }

  #part(bytes: Bytes, at: number, end: number, isLast: boolean): void {
    const parts = this.#parts
    const length = parts.length + end - at
    if (length > this.#limits.messageBytes) throw new MalformedError('a message above the limit')
    parts.append(bytes, at, end, isLast ? length : this.#limits.messageBytes)
    if (!isLast) return
    const kind = this.#partKind as FrameKind
    this.#partKind = -1
    this.#deliver(kind, this.#partNumber, parts.take())
  }
}

/** Bytes that arrive bit by bit: at most twice as much is reserved as has come. */
class Growing {
  bytes: Bytes = new Uint8Array(0)
  length = 0

  /** `whole` is the length that is expected in the end: no more than that is reserved. */
  append(from: Bytes, start: number, end: number, whole: number): void {
    const length = this.length + end - start
    if (length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(length, Math.min(whole, 2 * length)))
      grown.set(this.bytes.subarray(0, this.length))
      this.bytes = grown
    }
    this.bytes.set(from.subarray(start, end), this.length)
    this.length = length
  }

  /** Hands over what has come, and starts anew. */
  take(): Bytes {
    const taken = this.bytes.subarray(0, this.length)
    this.bytes = new Uint8Array(0)
    this.length = 0
    return taken
  }
}

function writeU32(into: Bytes, at: number, value: number): void {
  into[at] = value >>> 24
  into[at + 1] = value >>> 16
  into[at + 2] = value >>> 8
  into[at + 3] = value
}

function readU32(bytes: Bytes, at: number): number {
  return (
    ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
  )
}
