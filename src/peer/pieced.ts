/**
 * A transport for messages of any size: what is larger than a message may be goes in pieces, both ways, and whoever
 * asks and whoever answers does not know of it.
 *
 * Messages have a limit because whoever reads one must have room for it. A key that coordinators wrote while they were
 * apart may outgrow it all the same, for no value of it may be dropped. Such a message has a bounded room of its own at
 * the other side, and is served when it is whole.
 */
import type { Bytes } from '../data/bytes.ts'
import { TransportError } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import { type LoadRules, loadRules } from '../protocol/load-rules.ts'
import type { PeerId } from '../protocol/membership.ts'
import {
  decodePiece,
  encodePiece,
  isPiece,
  type Piece,
  pieceOverhead,
  pieceReply,
  type PieceRequest,
  pieceRequest,
} from '../protocol/piece.ts'
import type { Clock, Receiver, Transport } from '../ports.ts'
import { type AskOn, FetchingTransport } from './fetching.ts'
import { cut, Pieces } from './pieces.ts'

export class PiecedTransport extends FetchingTransport {
  readonly #pieces: Pieces
  readonly #mayAsk: (peer: PeerId) => boolean

  /** `mayAsk`: whose requests may be large. An edge's never are, and its room is somebody else's. */
  constructor(
    inner: Transport,
    clock: Clock,
    limits: Limits,
    mayAsk: (peer: PeerId) => boolean,
    rules: LoadRules = loadRules,
  ) {
    super(inner, clock, limits)
    this.#mayAsk = mayAsk
    const { piecesBytes: keptBytes, requestMs: keptMs } = limits
    const pieceLimits = { pieceBytes: this.#pieceBytes, keptBytes, keptMs }
    this.#pieces = new Pieces(clock, pieceLimits, rules)
  }

  protected override send(body: Bytes, ask: AskOn): Promise<Bytes> {
    return this.#isLarge(body) ? sendInPieces(cut(body, this.#pieceBytes), ask) : ask(body)
  }

  override serve(receiver: Receiver): void {
    super.serve({
      refuses: (from, body) => !isPiece(body) && (receiver.refuses?.(from, body) ?? false),
      request: (from, body) =>
        isPiece(body)
          ? this.#servePiece(receiver, from, body)
          : this.#answer(from, receiver.request(from, body)),
      notice: (from, body) => receiver.notice(from, body),
      up: (peer, session) => receiver.up(peer, session),
      down: (peer, session) => receiver.down(peer, session),
    })
  }

  async #servePiece(receiver: Receiver, from: PeerId, body: Bytes): Promise<Bytes> {
    const asked = understood(body)
    if (asked?.type === 'fetch') return toldPiece(this.#pieces.handOut(from, asked.of, asked.at))
    const mayAsk = asked !== undefined && this.#mayAsk(from)
    const whole = mayAsk ? this.#pieces.take(from, asked) : 'missing'
    return typeof whole === 'string'
      ? encodePiece(pieceReply, { type: whole })
      : this.#answer(from, receiver.request(from, whole))
  }

  async #answer(from: PeerId, answered: Promise<Bytes>): Promise<Bytes> {
    const reply = await answered
    return this.#isLarge(reply) ? toldPiece(this.#pieces.offer(from, reply)) : reply
  }

  #isLarge(message: Bytes): boolean {
    return message.length > this.limits.messageBytes
  }

  get #pieceBytes(): number {
    return this.limits.messageBytes - pieceOverhead
  }
}

/** Resolves with the reply to the whole, or with its first piece. */
async function sendInPieces(pieces: readonly Piece[], ask: AskOn): Promise<Bytes> {
  for (const piece of pieces.slice(0, -1)) {
    // Whatever becomes of these: the request has not been served.
    const reply = await ask(encodePiece(pieceRequest, { type: 'piece', ...piece })).catch(unserved)
    if (!isPiece(reply) || decodePiece(pieceReply, reply).type !== 'taken') throw noRoom()
  }
  const reply = await ask(encodePiece(pieceRequest, { type: 'piece', ...pieces.at(-1)! }))
  if (isPiece(reply) && decodePiece(pieceReply, reply).type !== 'piece') throw noRoom()
  return reply
}

function toldPiece(piece: Piece | undefined): Bytes {
  const reply =
    piece === undefined ? ({ type: 'missing' } as const) : { ...piece, type: 'piece' as const }
  return encodePiece(pieceReply, reply)
}

function understood(body: Bytes): PieceRequest | undefined {
  try {
    return decodePiece(pieceRequest, body)
  } catch {
    return undefined
  }
}

function unserved(error: unknown): never {
  if (error instanceof TransportError) throw new TransportError(error.failure, false)
  throw error
}

function noRoom(): TransportError {
  return new TransportError('overloaded', false)
}
