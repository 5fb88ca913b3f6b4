/**
 * The side of a link that answers: the other side's requests are served side by side, and never more than a limit.
 *
 * A request counts until its reply has left, not until it is ready: otherwise one who asks and never reads would fill
 * the queue with replies. Above the limit the answer is a refusal at once; whoever piles up even those is cut off.
 */
import { emptyBytes, type Bytes } from '../data/bytes.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Lane } from '../ports.ts'
import { frameKind, refusalReason, type FrameKind } from './frames.ts'
import { outgoing, type Outgoing } from './outbox.ts'

export interface Asked {
  /** Whether whoever is to answer has no room for this request. */
  refuses(request: Bytes): boolean
  answer(request: Bytes): Promise<Bytes>
  send(message: Outgoing, lane: Lane): void
  sendFirst(message: Outgoing): void
  /** Hands to the stream what is queued, as far as the stream takes it. */
  flush(): void
  offended(offence: string): void
}

/** Made once: what is refused is to cost next to nothing. */
const reasons = [0, 1, 2, 3].map((reason) => Uint8Array.of(reason))

export class Answering {
  readonly #limits: Limits
  readonly #asked: Asked
  /** Requests whose replies have not left yet. */
  #requests = 0
  /** The length of those that are being served. */
  #bytes = 0
  /** Refusals and pongs that have not left yet. */
  #courtesies = 0

  constructor(limits: Limits, asked: Asked) {
    this.#limits = limits
    this.#asked = asked
  }

  serve(number: number, request: Bytes, lane: Lane): void {
    const { length } = request
    const isTooLong = this.#bytes > 0 && this.#bytes + length > 2 * this.#limits.messageBytes
    const isTooMany = this.#requests >= this.#limits.requestsInFlight
    if (isTooMany || isTooLong || this.#asked.refuses(request)) {
      return this.#refuse(number, refusalReason.overloaded, lane)
    }
    this.#requests++
    this.#bytes += length
    this.#asked.answer(request).then(
      (reply) => {
        this.#bytes -= length
        this.#reply(number, reply, lane)
      },
      () => {
        this.#bytes -= length
        this.#cannotReply(number, refusalReason.noReply, lane)
      },
    )
  }

  pong(number: number): void {
    if (this.#mayBeCourteous()) this.#asked.sendFirst(outgoing(frameKind.pong, number, emptyBytes))
  }

  /** A message of this kind has left. */
  left(kind: FrameKind): void {
    if (kind === frameKind.reply) this.#requests--
    else if (kind === frameKind.refusal || kind === frameKind.pong) this.#courtesies--
  }

  #reply(number: number, reply: Bytes, lane: Lane): void {
    if (reply.length > this.#limits.messageBytes) {
      return this.#cannotReply(number, refusalReason.replyTooLarge, lane)
    }
    this.#asked.send(outgoing(frameKind.reply, number, reply), lane)
  }

  #cannotReply(number: number, reason: number, lane: Lane): void {
    this.#requests--
    this.#refuse(number, reason, lane)
  }

  #refuse(number: number, reason: number, lane: Lane): void {
    if (!this.#mayBeCourteous()) return
    this.#asked.send(outgoing(frameKind.refusal, number, reasons[reason]!), lane)
  }

  /** Refusals and pongs cost the other side nothing to ask for. */
  #mayBeCourteous(): boolean {
    if (++this.#courtesies <= this.#limits.requestsInFlight) return true
    // A crowd that comes in one turn has had no turn to read in: only what the stream will not take is left unread.
    this.#asked.flush()
    if (this.#courtesies <= this.#limits.requestsInFlight) return true
    this.#asked.offended('it asks much and reads nothing')
    return false
  }
}
