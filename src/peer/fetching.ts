/**
 * A transport that understands a reply larger than a message may be: such a reply says what its first piece is, and the
 * others are asked for. All that an edge needs, whose own requests are never large.
 */
import { type Bytes, concat, equalBytes, MalformedError } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import { TransportError } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import {
  decodePiece,
  encodePiece,
  isPiece,
  type Piece,
  pieceReply,
  pieceRequest,
} from '../protocol/piece.ts'
import type { Clock, RequestOptions, Transport } from '../ports.ts'
import { TransportAround } from './around.ts'

/** Sends one message more for the same request. */
export type AskOn = (message: Bytes) => Promise<Bytes>

export class FetchingTransport extends TransportAround {
  protected readonly limits: Limits
  readonly #clock: Clock

  constructor(inner: Transport, clock: Clock, limits: Limits) {
    super(inner)
    this.#clock = clock
    this.limits = limits
  }

  override async request(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes> {
    const endMs = this.#clock.elapsed() + options.deadlineMs
    const ask: AskOn = (message) => {
      const deadlineMs = Math.max(0, endMs - this.#clock.elapsed())
      return super.request(to, message, { ...options, deadlineMs })
    }
    const reply = await this.send(body, ask)
    return isPiece(reply) ? fetchInPieces(reply, this.limits, ask) : reply
  }

  /** Resolves with the reply to this request, or with its first piece. */
  protected send(body: Bytes, ask: AskOn): Promise<Bytes> {
    return ask(body)
  }
}

async function fetchInPieces(first: Bytes, { piecesBytes }: Limits, ask: AskOn): Promise<Bytes> {
  const { of, count, bytes } = pieceOf(first)
  const pieces = [bytes]
  let length = bytes.length
  for (let at = 1; at < count; at++) {
    const piece = pieceOf(await ask(encodePiece(pieceRequest, { type: 'fetch', of, at })))
    length += piece.bytes.length
    if (length > piecesBytes) throw new TransportError('too-large', true)
    pieces.push(piece.bytes)
  }
  const whole = concat(...pieces)
  if (!equalBytes(digestOf(whole), of)) throw new MalformedError('pieces of another message')
  return whole
}

function pieceOf(body: Bytes): Piece {
  const reply = decodePiece(pieceReply, body)
  // It is kept there no more, or there was no room for it.
  if (reply.type !== 'piece') throw new TransportError('overloaded', true)
  return reply
}
