/**
 * What one lane of a link still has to send.
 *
 * One send per message is ten times slower than it need be: every send is encrypted, framed and handed to the system on its
 * own. So messages gather here until the turn ends and leave together, copied once into one batch. A message longer
 * than a batch leaves in parts, one a batch, behind the short ones: nothing waits longer than a batch for a transfer.
 *
 * The queue is bounded in bytes. When there is no room a new request is refused, which is better than letting it wait
 * until nobody wants the answer; replies always fit, since the requests they answer were counted.
 */
import { emptyBytes, type Bytes } from '../data/bytes.ts'
import type { Limits } from '../protocol/limits.ts'
import { frameKind, headerBytes, writeFrame, type FrameKind } from './frames.ts'

export interface Outgoing {
  readonly kind: FrameKind
  readonly number: number
  body: Bytes
  /** Some of it was handed to the stream: the receiver may get to see it. */
  left: boolean
}

export function outgoing(kind: FrameKind, number: number, body: Bytes): Outgoing {
  return { kind, number, body, left: false }
}

export class Outbox {
  readonly #limits: Limits
  /** Called when the last byte of a message is in a batch. */
  readonly #gone: (message: Outgoing) => void
  #short: Outgoing[] = []
  #shortBytes = 0
  #long: Outgoing[] = []
  #longBytes = 0
  /** Notices among the long ones: while there are any, later notices queue behind them, to keep their order. */
  #longNotices = 0
  /** How much of the first long message has left. */
  #longAt = 0

  constructor(limits: Limits, gone: (message: Outgoing) => void) {
    this.#limits = limits
    this.#gone = gone
  }

  get isEmpty(): boolean {
    return this.#short.length === 0 && this.#long.length === 0
  }

  get hasShort(): boolean {
    return this.#short.length > 0
  }

  /** Whether a request or notice of this length may still be added. */
  hasRoom(length: number): boolean {
    if (this.isEmpty) return true
    return this.#isLong(length)
      ? this.#longBytes + length <= 2 * this.#limits.messageBytes
      : this.#shortBytes + length + headerBytes <= this.#limits.frameBytes
  }

  add(message: Outgoing): void {
    const isNotice = message.kind === frameKind.notice
    if (this.#isLong(message.body.length) || (isNotice && this.#longNotices > 0)) {
      this.#long.push(message)
      this.#longBytes += message.body.length
      if (isNotice) this.#longNotices++
    } else {
      this.#short.push(message)
      this.#shortBytes += message.body.length + headerBytes
    }
  }

  /** Before everything else: for heartbeats. */
  addFirst(message: Outgoing): void {
    this.#short.unshift(message)
    this.#shortBytes += message.body.length + headerBytes
  }

  /** Everything short up to a batch, then a part of what is long; undefined when there is nothing. */
  takeBatch(): Bytes | undefined {
    const { flushBytes } = this.#limits
    let count = 0
    let length = 0
    while (count < this.#short.length && length < flushBytes) {
      length += headerBytes + this.#short[count++]!.body.length
    }
    const part = this.#nextPart(flushBytes - length - headerBytes)
    if (part !== undefined) length += headerBytes + part.length
    if (length === 0) return undefined

    const batch = new Uint8Array(length)
    const at = this.#writeShort(batch, count)
    if (part !== undefined) this.#writePart(batch, at, part)
    return batch
  }

  /** Forgets these messages, none of which has begun to leave: half a message cannot be taken back. */
  withdraw(unwanted: ReadonlySet<Outgoing>): void {
    const stays = (message: Outgoing): boolean => !unwanted.has(message)
    this.#short = this.#short.filter(stays)
    this.#long = this.#long.filter(stays)
    this.#shortBytes = this.#short.reduce((sum, { body }) => sum + body.length + headerBytes, 0)
    this.#longBytes = this.#long.reduce((sum, { body }) => sum + body.length, 0)
    this.#longNotices = this.#long.filter(({ kind }) => kind === frameKind.notice).length
  }

  #isLong(length: number): boolean {
    return length > this.#limits.flushBytes
  }

  #writeShort(batch: Bytes, count: number): number {
    let at = 0
    for (let i = 0; i < count; i++) {
      const { kind, number, body } = this.#short[i]!
      at = writeFrame(batch, at, kind, number, body)
    }
    const written = count === this.#short.length ? this.#short : this.#short.splice(0, count)
    if (written === this.#short) this.#short = []
    this.#shortBytes -= at
    for (const message of written) this.#leave(message)
    return at
  }

  #nextPart(room: number): Bytes | undefined {
    if (room <= headerBytes) return undefined
    return this.#long[0]?.body.subarray(this.#longAt, this.#longAt + room)
  }

  #writePart(batch: Bytes, at: number, part: Bytes): void {
    const message = this.#long[0]!
    this.#longAt += part.length
    const isLast = this.#longAt === message.body.length
    message.left = true
    writeFrame(batch, at, message.kind, message.number, part, isLast)
    if (!isLast) return
    this.#long.shift()
    this.#longBytes -= message.body.length
    this.#longAt = 0
    if (message.kind === frameKind.notice) this.#longNotices--
    this.#leave(message)
  }

  #leave(message: Outgoing): void {
    message.left = true
    message.body = emptyBytes
    this.#gone(message)
  }
}
