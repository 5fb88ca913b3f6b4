/**
 * What is put together, or handed out, piece by piece: messages from and for others that are larger than a message.
 *
 * Nobody promises to send the last piece or to fetch it. What nobody touched for as long as a request may take is
 * forgotten, and all of it together has one bound: whoever comes when it is full comes again later.
 */
import { type Bytes, concat } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import { type LoadRules, loadRules } from '../protocol/load-rules.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Piece } from '../protocol/piece.ts'
import type { Clock } from '../ports.ts'

interface Kept {
  /** By their places; a message that is handed out has them all. */
  readonly pieces: (Bytes | undefined)[]
  readonly mostBytes: number
  touchedMs: number
  /** How many will fetch it. */
  takers: number
}

export interface PieceLimits {
  readonly pieceBytes: number
  /** Of all messages together. */
  readonly keptBytes: number
  readonly keptMs: number
}

export class Pieces {
  readonly #clock: Clock
  readonly #limits: PieceLimits
  readonly #rules: LoadRules
  readonly #kept = new Map<string, Kept>()

  constructor(clock: Clock, limits: PieceLimits, rules: LoadRules = loadRules) {
    this.#clock = clock
    this.#limits = limits
    this.#rules = rules
  }

  /** Takes one in; the whole message if that was the last one missing. */
  take(from: PeerId, { of, at, count, bytes }: Piece): Bytes | 'taken' | 'missing' {
    const id = this.#rules.nameOfPieces(from, of)
    const kept = this.#kept.get(id) ?? (at === 0 ? this.#begin(id, count) : undefined)
    const fits = kept !== undefined && kept.pieces.length === count && at < count
    if (!fits || bytes.length > this.#limits.pieceBytes) return 'missing'
    kept.pieces[at] = bytes.slice()
    kept.touchedMs = this.#clock.elapsed()
    if (!this.#rules.isComplete(kept.pieces)) return 'taken'
    if (this.#rules.isRoomFreed('together')) this.#kept.delete(id)
    const whole = concat(...kept.pieces.filter((piece) => piece !== undefined))
    return this.#rules.isMessage(whole, of) ? whole : 'missing'
  }

  /** Keeps a message to be fetched by this peer; its first piece, or nothing if there is no room. */
  offer(to: PeerId, message: Bytes): Piece | undefined {
    const pieces = cut(message, this.#limits.pieceBytes)
    const id = this.#rules.nameOfPieces(to, pieces[0]!.of)
    const kept = this.#kept.get(id) ?? this.#begin(id, pieces.length)
    if (kept === undefined) return undefined
    for (const { at, bytes } of pieces) kept.pieces[at] = bytes
    kept.takers++
    return pieces[0]
  }

  /** One that this peer fetches; with the last one the message goes, unless somebody else there wants it too. */
  handOut(to: PeerId, of: Bytes, at: number): Piece | undefined {
    const id = this.#rules.nameOfPieces(to, of)
    const kept = this.#kept.get(id)
    const bytes = kept?.pieces[at]
    if (kept === undefined || bytes === undefined) return undefined
    kept.touchedMs = this.#clock.elapsed()
    const count = kept.pieces.length
    const isFetched = at === count - 1 && --kept.takers <= 0
    if (isFetched && this.#rules.isRoomFreed('fetched')) this.#kept.delete(id)
    return { of, at, count, bytes }
  }

  #begin(id: string, count: number): Kept | undefined {
    const nowMs = this.#clock.elapsed()
    const { pieceBytes, keptBytes, keptMs } = this.#limits
    let room = keptBytes
    for (const [each, { touchedMs, mostBytes }] of this.#kept) {
      const isLeft = nowMs - touchedMs > keptMs
      if (isLeft && this.#rules.isRoomFreed('left')) this.#kept.delete(each)
      else room -= mostBytes
    }
    const mostBytes = count * pieceBytes
    if (count === 0 || mostBytes > room) return undefined
    const pieces = Array.from<Bytes | undefined>({ length: count })
    const kept = { pieces, mostBytes, touchedMs: nowMs, takers: 0 }
    this.#kept.set(id, kept)
    return kept
  }
}

/** The pieces of a message, none of them longer than this. */
export function cut(message: Bytes, pieceBytes: number): readonly Piece[] {
  const of = digestOf(message)
  const count = Math.ceil(message.length / pieceBytes)
  return Array.from({ length: count }, (_, at) => {
    const bytes = message.subarray(at * pieceBytes, (at + 1) * pieceBytes)
    return { of, at, count, bytes }
  })
}
