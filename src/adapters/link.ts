/**
 * A link: one conversation with one peer, over two streams of bytes, from the first greeting to its end.
 *
 * Requests are matched to replies by number, so any number of them are on their way at once; both sides ask and answer over
 * the same link, whoever dialled. The foreground goes first, and the background sends one batch a turn,
 * so that a transfer costs a request at most the time of one batch.
 *
 * When a link ends, whatever waited for a reply fails at once and says whether the other side may have seen it.
 * After that nothing that still arrives is looked at: what a dead link brings late belongs to a session that is over.
 */
import { emptyBytes, MalformedError, type Bytes } from '../data/bytes.ts'
import { TransportError, type TransportFailure } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Lane } from '../ports.ts'
import { Answering } from './answering.ts'
import { Awaiting, type Awaited } from './awaiting.ts'
import { FrameReader, frameKind, refusalReason, type FrameKind } from './frames.ts'
import { Heartbeat, stampOf } from './heartbeat.ts'
import { Outbox, outgoing, type Outgoing } from './outbox.ts'
import { atTurnEnd } from './turn.ts'

/** One stream of bytes, both ways, reliable and in order. */
export interface Pipe {
  /** No more should be sent until it has drained. */
  readonly full: boolean
  send(bytes: Bytes): void
  /** Called once; what came before waits. */
  listen(listener: PipeListener): void
}

export interface PipeListener {
  received(piece: Bytes): void
  drained(): void
  closed(reason: string): void
}

export type Lanes = Readonly<Record<Lane, Pipe>>

/** What a link tells. */
export interface LinkListener {
  /** The other side introduces itself, or answers; only before the link is open. */
  greeted(body: Bytes): void
  /** Whether there is no room for this request. */
  refuses(body: Bytes): boolean
  request(body: Bytes): Promise<Bytes>
  notice(body: Bytes): void
  /** The other side broke the rules, and the link is over for it. */
  offended(offence: string): void
  /** The link is over; called once, and nothing after it. */
  ended(): void
}

interface Request extends Awaited {
  readonly message: Outgoing
}

export class Link {
  readonly peer: PeerId
  readonly address: string
  /** Numbers the links with this peer; 0 until it is open. */
  session = 0

  readonly #limits: Limits
  readonly #lanes: Lanes
  readonly #listener: LinkListener
  readonly #outboxes: Readonly<Record<Lane, Outbox>>
  readonly #heartbeat = new Heartbeat()
  readonly #requests: Awaiting<Request>
  readonly #answering: Answering
  #lastNumber = 0
  #flushIsDue = false
  #state: 'greeting' | 'open' | 'ended' = 'greeting'

  constructor(peer: PeerId, address: string, lanes: Lanes, limits: Limits, listener: LinkListener) {
    this.peer = peer
    this.address = address
    this.#lanes = lanes
    this.#limits = limits
    this.#listener = listener
    const gone = ({ kind }: Outgoing): void => this.#answering.left(kind)
    this.#outboxes = { foreground: new Outbox(limits, gone), background: new Outbox(limits, gone) }
    this.#requests = new Awaiting((late) => this.#giveUp(late))
    this.#answering = new Answering(limits, {
      refuses: (request) => listener.refuses(request),
      answer: (request) => listener.request(request),
      send: (message, lane) => this.#send(message, lane),
      sendFirst: (message) => this.#sendFirst(message),
      flush: () => this.flush(),
      offended: (offence) => this.#offended(offence),
    })
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  get hasEnded(): boolean {
    return this.#state === 'ended'
  }

  get roundTripMs(): number | undefined {
    return this.#heartbeat.roundTripMs
  }

  /** Begins to listen; not before the listener knows the link, which may end at once. */
  start(): void {
    this.#listen('foreground')
  }

  greet(body: Bytes): void {
    this.#send(outgoing(frameKind.greeting, 0, body), 'foreground')
    // Nothing may overtake a greeting, not even a ping.
    this.flush()
  }

  /** Both sides agreed: from now on requests and notices pass. What arrives does so in a later turn. */
  open(session: number): void {
    if (this.#state !== 'greeting') return
    this.#state = 'open'
    this.session = session
    queueMicrotask(() => this.#listen('background'))
    this.#ping()
  }

  request(body: Bytes, lane: Lane, deadlineMs: number): Promise<Bytes> {
    const refusal = this.#refusalOf(body, lane)
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      const number = this.#nextNumber()
      const message = outgoing(frameKind.request, number, body)
      const expiresAt = performance.now() + deadlineMs
      this.#requests.add(number, { resolve, reject, expiresAt, message })
      this.#send(message, lane)
    })
  }

  notify(body: Bytes, lane: Lane): void {
    if (this.#refusalOf(body, lane) !== undefined) return
    this.#send(outgoing(frameKind.notice, 0, body), lane)
  }

  /** One heartbeat; false when the link has turned out to be dead, and is ended. */
  beat(): boolean {
    if (this.#heartbeat.beat() === 'dead') {
      this.end('link-lost', 'the other side fell silent')
      return false
    }
    if (this.isOpen) this.#ping()
    return true
  }

  /** Ends the link: what waits for a reply fails with `failure`. */
  end(failure: TransportFailure, reason: string): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    for (const { message, reject } of this.#requests.takeAll()) {
      reject(new TransportError(failure, message.left, reason))
    }
    this.#listener.ended()
  }

  /** Hands what is queued to the streams now, before an orderly end. */
  flush(): void {
    this.#flushIsDue = false
    if (this.#state === 'ended') return
    try {
      const morePending = this.#flushForeground() || this.#flushBackground()
      if (morePending) this.#flushSoon()
    } catch (error) {
      this.end('link-lost', `the stream takes no more: ${String(error)}`)
    }
  }

  #listen(lane: Lane): void {
    const reader = new FrameReader(this.#limits, (kind, number, body) =>
      this.#frame(kind, number, body, lane),
    )
    this.#lanes[lane].listen({
      received: (piece) => this.#read(reader, piece),
      drained: () => this.#flushSoon(),
      closed: (reason) => this.end('link-lost', reason),
    })
  }

  #read(reader: FrameReader, piece: Bytes): void {
    if (this.#state === 'ended') return
    this.#heartbeat.heard()
    try {
      reader.read(piece)
    } catch (error) {
      if (!(error instanceof MalformedError)) throw error
      this.#offended(`it sent ${error.message}`)
    }
  }

  #frame(kind: FrameKind, number: number, body: Bytes, lane: Lane): void {
    if (this.#state === 'ended') return
    if (kind === frameKind.greeting) return this.#greeting(body)
    if (this.#state === 'greeting') throw new MalformedError('a message before any greeting')
    switch (kind) {
      case frameKind.request:
        return this.#answering.serve(number, body, lane)
      case frameKind.reply:
        return this.#requests.take(number)?.resolve(body)
      case frameKind.refusal:
        return this.#refused(number, body)
      case frameKind.notice:
        return this.#listener.notice(body)
      case frameKind.ping:
        return this.#answering.pong(number)
      case frameKind.pong:
        return this.#heartbeat.answered(number, performance.now())
    }
  }

  #greeting(body: Bytes): void {
    if (this.#state !== 'greeting') throw new MalformedError('a greeting on an open link')
    this.#listener.greeted(body)
  }

  #offended(offence: string): void {
    if (this.#state === 'ended') return
    this.#listener.offended(offence)
    this.end('link-lost', offence)
  }

  #refused(number: number, body: Bytes): void {
    const request = this.#requests.take(number)
    if (request === undefined) return
    const [reason] = body
    if (reason === refusalReason.overloaded) {
      request.reject(new TransportError('overloaded', false, `${this.peer} has too much to do`))
    } else if (reason === refusalReason.replyTooLarge) {
      request.reject(new TransportError('too-large', true, 'the reply is above the limit'))
    } else {
      request.reject(new TransportError('link-lost', true, `${this.peer} could not answer`))
    }
  }

  #refusalOf(body: Bytes, lane: Lane): TransportError | undefined {
    if (this.#state !== 'open') return new TransportError('link-lost', false, 'the link has ended')
    const { messageBytes, requestsInFlight } = this.#limits
    if (body.length > messageBytes) {
      return new TransportError('too-large', false, `a message of ${body.length} bytes`)
    }
    if (this.#requests.size >= requestsInFlight || !this.#outboxes[lane].hasRoom(body.length)) {
      return new TransportError('overloaded', false, `too much is on its way to ${this.peer}`)
    }
    return undefined
  }

  #giveUp(late: readonly Request[]): void {
    const unsent = new Set<Outgoing>()
    for (const { message } of late) if (!message.left) unsent.add(message)
    if (unsent.size > 0) {
      this.#outboxes.foreground.withdraw(unsent)
      this.#outboxes.background.withdraw(unsent)
    }
    for (const { message, reject } of late) {
      reject(new TransportError('deadline', message.left, `${this.peer} did not answer in time`))
    }
  }

  #nextNumber(): number {
    do this.#lastNumber = (this.#lastNumber + 1) >>> 0
    while (this.#requests.has(this.#lastNumber))
    return this.#lastNumber
  }

  #ping(): void {
    this.#sendFirst(outgoing(frameKind.ping, stampOf(performance.now()), emptyBytes))
  }

  #sendFirst(message: Outgoing): void {
    this.#outboxes.foreground.addFirst(message)
    this.#flushSoon()
  }

  #send(message: Outgoing, lane: Lane): void {
    if (this.#state === 'ended') return
    this.#outboxes[lane].add(message)
    this.#flushSoon()
  }

  #flushSoon(): void {
    if (this.#flushIsDue || this.#state === 'ended') return
    this.#flushIsDue = true
    atTurnEnd(() => this.flush())
  }

  /** Everything short at once, and one part of what is long; true when the next turn can go on. */
  #flushForeground(): boolean {
    const pipe = this.#lanes.foreground
    const outbox = this.#outboxes.foreground
    do {
      if (pipe.full) return false
      const batch = outbox.takeBatch()
      if (batch === undefined) return false
      pipe.send(batch)
    } while (outbox.hasShort)
    return !outbox.isEmpty
  }

  /** One batch; true when the next turn can go on. */
  #flushBackground(): boolean {
    const pipe = this.#lanes.background
    const outbox = this.#outboxes.background
    if (this.#state !== 'open' || pipe.full) return false
    const batch = outbox.takeBatch()
    if (batch !== undefined) pipe.send(batch)
    return !outbox.isEmpty
  }
}
