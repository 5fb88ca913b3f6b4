/**
 * How much room a peer may have given to messages in pieces, counted from outside: what began to come or to be fetched
 * lately, whatever has become of it since.
 *
 * A peer that has no room says so, and nobody can tell from that whether it really has none. Counted so generously, it
 * still has less than there is room for most of the time; and then there is no reason to say so.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Limits } from '../protocol/limits.ts'
import { decodePiece, isPiece, pieceOverhead, pieceReply, pieceRequest } from '../protocol/piece.ts'

/** Nobody goes on with a message for longer than a request may take, and then it is kept for as long again. */
const lifetimes = 2
/** A reply that finds no room is not seen: it is as long as this part of all the room, or shorter. */
const unseenPart = 0.25

export class PieceRoom {
  readonly #limits: Limits
  #taken: { readonly atMs: number; readonly bytes: number }[] = []

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** A piece of a request comes, or one of a reply is asked for. */
  comes(body: Bytes, nowMs: number): void {
    const asked = decodePiece(pieceRequest, body)
    if (asked.type === 'piece' && asked.at === 0) this.#take(asked.count, nowMs)
  }

  /** Whether this answer says that there is no room, or no such piece, and whether that can be. */
  answers(body: Bytes, answer: Bytes, nowMs: number): 'truly' | 'falsely' | undefined {
    const reply = decodePiece(pieceReply, answer)
    if (reply.type === 'piece' && reply.at === 0) this.#take(reply.count, nowMs)
    if (reply.type !== 'missing') return undefined
    // Only who begins is told that there is no room; later on the message may be kept no longer.
    const asked = isPiece(body) ? decodePiece(pieceRequest, body) : undefined
    if (asked?.type === 'fetch' || (asked !== undefined && asked.at > 0)) return 'truly'
    const unseen = asked === undefined ? unseenPart * this.#limits.piecesBytes : 0
    const sinceMs = nowMs - lifetimes * this.#limits.requestMs
    this.#taken = this.#taken.filter(({ atMs }) => atMs >= sinceMs)
    const taken = this.#taken.reduce((sum, { bytes }) => sum + bytes, unseen)
    return taken > this.#limits.piecesBytes ? 'truly' : 'falsely'
  }

  #take(count: number, atMs: number): void {
    const bytes = count * (this.#limits.messageBytes - pieceOverhead)
    this.#taken.push({ atMs, bytes })
  }
}
