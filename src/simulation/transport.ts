/**
 * One process's side of the simulated network: the `Transport` port.
 *
 * Request and reply are two messages, and either may be lost or come twice. A request that arrives twice is served twice
 * (as after a retry below the core), and the first reply wins; so whatever the core does on a request must bear repeating.
 * Bytes are copied at both borders: two processes share no memory, and a view kept too long must not go unnoticed.
 */
import type { Bytes } from '../data/bytes.ts'
import { TransportError, type TransportFailure } from '../protocol/errors.ts'
import { limits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Lane, Link, Receiver, RequestOptions, Transport } from '../ports.ts'
import { copyOf } from './copy.ts'
import type { Door } from './doors.ts'
import type { Life } from './life.ts'
import { addressOf, type End, type Network, type Station } from './network.ts'

/** A request that waits for its reply. */
interface Waiting {
  readonly resolve: (reply: Bytes) => void
  readonly reject: (error: TransportError) => void
  readonly cancelDeadline: () => void
  /** The link it went out by; undefined while dialling. */
  end: End | undefined
}

export class SimulatedTransport implements Transport, Station {
  readonly self: PeerId
  readonly addresses: readonly string[]
  readonly life: Life
  readonly door: Door | undefined
  gateOpen = true

  readonly #network: Network
  readonly #messageBytes: number
  readonly #ends = new Map<PeerId, End>()
  readonly #sessions = new Map<PeerId, number>()
  readonly #known = new Map<PeerId, string>()
  readonly #dials = new Map<PeerId, ((end: End | undefined) => void)[]>()
  readonly #waiting = new Set<Waiting>()
  #receiver: Receiver | undefined
  #unserved: (() => void)[] = []
  #closed = false

  /** Without an address (`dialable` false: a tab) it can dial and cannot be dialled. `door`: who goes in and out is counted. */
  constructor(
    network: Network,
    self: PeerId,
    life: Life,
    dialable = true,
    messageBytes: number = limits.messageBytes,
    door?: Door,
  ) {
    this.#network = network
    this.#messageBytes = messageBytes
    this.door = door
    this.self = self
    this.life = life
    this.addresses = dialable ? [addressOf(self)] : []
    network.attach(this)
  }

  get answersDials(): boolean {
    return this.gateOpen && !this.#closed && this.addresses.length > 0
  }

  serve(receiver: Receiver): void {
    this.#receiver = receiver
    const unserved = this.#unserved
    this.#unserved = []
    for (const deliver of unserved) deliver()
  }

  request(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes> {
    const refusal = this.#refusal(body)
    if (refusal !== undefined) return Promise.reject(new TransportError(refusal, false))
    const copy = copyOf(body)
    this.door?.asks(body)
    return new Promise((resolve, reject) => {
      const late = (): void => this.#fail(waiting, 'deadline')
      const cancelDeadline = this.life.after(options.deadlineMs, late)
      const waiting: Waiting = { resolve, reject, cancelDeadline, end: undefined }
      this.#waiting.add(waiting)
      this.#reach(to, (end) => {
        if (!this.#waiting.has(waiting)) return
        if (end === undefined) this.#fail(waiting, 'unreachable')
        else this.#send(waiting, end, copy)
      })
    })
  }

  notify(to: PeerId, body: Bytes, _lane: Lane): void {
    const end = this.#ends.get(to)
    if (end === undefined || body.length > this.#messageBytes) return
    const copy = copyOf(body)
    this.#network.carry(
      end,
      () => {
        this.#network.note(`${this.self} notifies ${to}`, copy)
        end.other.station.receive((receiver) => receiver.notice(this.self, copyOf(copy)))
      },
      copy.length,
    )
  }

  learn(peer: PeerId, addresses: readonly string[]): void {
    const [address] = addresses
    if (address === undefined) this.#known.delete(peer)
    else this.#known.set(peer, address)
  }

  dial(address: string): Promise<PeerId> {
    const peer = address.slice(addressOf('').length)
    if (peer === this.self) return Promise.resolve(peer)
    this.learn(peer, [address])
    return new Promise((resolve, reject) => {
      this.#reach(peer, (end) => {
        if (end === undefined) reject(new TransportError('unreachable', false))
        else resolve(peer)
      })
    })
  }

  links(): readonly Link[] {
    return [...this.#ends].map(([peer, end]) => ({
      peer,
      session: end.session,
      address: addressOf(peer),
      roundTripMs: this.#roundTripMs(end),
    }))
  }

  setGate(open: boolean): void {
    this.gateOpen = open
    if (!open) for (const end of this.ends()) this.#leave(end)
  }

  close(): Promise<void> {
    this.#closed = true
    for (const waiting of this.#waiting) this.#fail(waiting, 'closed')
    for (const end of this.ends()) this.#leave(end)
    return Promise.resolve()
  }

  /** What follows is the network's side of a transport. */

  ends(): readonly End[] {
    return [...this.#ends.values()]
  }

  endTo(peer: PeerId): End | undefined {
    return this.#ends.get(peer)
  }

  nextSession(peer: PeerId): number {
    const session = (this.#sessions.get(peer) ?? 0) + 1
    this.#sessions.set(peer, session)
    return session
  }

  raise(end: End): void {
    const peer = end.other.station.self
    this.#ends.set(peer, end)
    this.#network.note(`${this.self} up ${peer} ${end.session}`)
    this.life.run(() => this.receive((receiver) => receiver.up(peer, end.session)))
  }

  /** What waits for a reply by this end will not get one. */
  drop(end: End): void {
    if (!end.up) return
    end.up = false
    end.other.held = []
    const peer = end.other.station.self
    if (this.#ends.get(peer) === end) this.#ends.delete(peer)
    this.#network.note(`${this.self} down ${peer} ${end.session}`)
    for (const waiting of this.#waiting) {
      if (waiting.end === end) this.life.run(() => this.#fail(waiting, 'link-lost'))
    }
    this.life.run(() => this.receive((receiver) => receiver.down(peer, end.session)))
  }

  receive(deliver: (receiver: Receiver) => void): void {
    const receiver = this.#receiver
    if (receiver !== undefined) deliver(receiver)
    else this.#unserved.push(() => this.receive(deliver))
  }

  #refusal(body: Bytes): TransportFailure | undefined {
    if (this.#closed) return 'closed'
    if (body.length > this.#messageBytes) return 'too-large'
    return this.#waiting.size >= limits.requestsInFlight ? 'overloaded' : undefined
  }

  #fail(waiting: Waiting, failure: TransportFailure, sent = waiting.end !== undefined): void {
    if (!this.#waiting.delete(waiting)) return
    waiting.cancelDeadline()
    waiting.reject(new TransportError(failure, sent))
  }

  #send(waiting: Waiting, end: End, body: Bytes): void {
    waiting.end = end
    const { station } = end.other
    let turned: boolean | undefined
    const replied = (reply: Bytes): void => {
      if (!end.other.up) return
      if (reply.length <= this.#messageBytes) return this.#carryBack(end, copyOf(reply), waiting)
      this.#network.carry(end.other, () => this.#fail(waiting, 'too-large'))
    }
    const rejected = (error: unknown): void => {
      this.#network.offences.push(`${station.self} rejected a request: ${String(error)}`)
      this.#network.carry(end.other, () => this.#fail(waiting, 'link-lost'))
    }
    const refused = (): void => {
      this.#network.carry(end.other, () => this.#fail(waiting, 'overloaded', false))
    }
    this.#network.carry(
      end,
      () => {
        this.#network.note(`${this.self} asks ${station.self}`, body)
        station.receive((receiver) => {
          // Whoever is turned away knows that nothing was done: so the first copy of a request decides for all.
          if (turned === true) return
          if (receiver.refuses?.(this.self, body) === true) {
            station.door?.refuses(this.self, body)
            if (turned === undefined) refused()
            turned ??= true
            return
          }
          turned = false
          const ended = station.door?.begins(this.self, body)
          const answered = receiver.request(this.self, copyOf(body))
          answered.then(
            (reply) => ended?.(reply),
            () => ended?.(),
          )
          answered.then(replied, rejected)
        })
      },
      body.length,
    )
  }

  #carryBack(end: End, reply: Bytes, waiting: Waiting): void {
    this.#network.carry(
      end.other,
      () => {
        if (!this.#waiting.delete(waiting)) return
        this.#network.note(`${end.other.station.self} answers ${this.self}`, reply)
        waiting.cancelDeadline()
        waiting.resolve(reply)
      },
      reply.length,
    )
  }

  /** Calls `done` with the standing link, or with what a dial brings. */
  #reach(to: PeerId, done: (end: End | undefined) => void): void {
    const end = this.#ends.get(to)
    if (end !== undefined) return done(end)
    const dialling = this.#dials.get(to)
    if (dialling !== undefined) return void dialling.push(done)
    if (!this.gateOpen || this.#closed || !this.#known.has(to)) {
      return void this.life.after(0, () => done(undefined))
    }
    const waiting = [done]
    this.#dials.set(to, waiting)
    this.#network.connect(this, to, (reached) => {
      this.#dials.delete(to)
      for (const each of waiting) each(reached)
    })
  }

  #leave(end: End): void {
    this.drop(end)
    this.#network.hangUp(end)
  }

  #roundTripMs(end: End): number | undefined {
    const peer = end.other.station.self
    const beaten = this.#network.scheduler.nowMs - end.sinceMs > limits.heartbeatMs
    return beaten ? 2 * this.#network.weather.baseDelayMs(this.self, peer) : undefined
  }
}
