/**
 * The Transport port within one process: the links of `switchboard.ts` without a network beneath.
 *
 * For tests that want several peers and no sockets. Bytes are copied on their way, as between processes, and whatever
 * arrives does so in a later turn of the microtask queue, so that no caller is answered before its call returns.
 */
import type { Bytes } from '../data/bytes.ts'
import { TransportError, type TransportFailure } from '../protocol/errors.ts'
import { limits as defaultLimits, type Limits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Lane, Link, Receiver, RequestOptions, Transport } from '../ports.ts'
import { Awaiting, type Awaited } from './awaiting.ts'

/** The peers that can reach each other. */
export interface MemoryNetwork {
  /** A transport for this peer; one that is not `dialable` (a tab) can only dial. */
  open(self: PeerId, dialable?: boolean): Transport
}

export function memoryNetwork(limits: Limits = defaultLimits): MemoryNetwork {
  const transports = new Map<string, MemoryTransport>()
  return {
    open: (self, dialable = true) => new MemoryTransport(self, dialable, transports, limits),
  }
}

/** One side of a link. */
interface End {
  readonly owner: MemoryTransport
  readonly peer: PeerId
  readonly session: number
  readonly awaiting: Awaiting<Awaited>
  other: End | undefined
  isUp: boolean
}

class MemoryTransport implements Transport {
  readonly self: PeerId
  readonly addresses: readonly string[]
  readonly #network: Map<string, MemoryTransport>
  readonly #limits: Limits
  readonly #known = new Map<PeerId, readonly string[]>()
  readonly #ends = new Map<PeerId, End>()
  #sessions = 0
  #requests = 0
  #receiver: Receiver | undefined
  #unserved: ((receiver: Receiver) => void)[] = []
  #state: 'open' | 'gate closed' | 'closed' = 'open'

  constructor(
    self: PeerId,
    dialable: boolean,
    network: Map<string, MemoryTransport>,
    limits: Limits,
  ) {
    this.self = self
    this.addresses = dialable ? [`memory:${self}`] : []
    this.#network = network
    this.#limits = limits
    for (const address of this.addresses) network.set(address, this)
  }

  serve(receiver: Receiver): void {
    this.#receiver = receiver
    for (const news of this.#unserved) news(receiver)
    this.#unserved = []
  }

  async request(to: PeerId, body: Bytes, { deadlineMs }: RequestOptions): Promise<Bytes> {
    if (body.length > this.#limits.messageBytes) throw new TransportError('too-large', false)
    const end = this.#ends.get(to) ?? this.#connect(this.#known.get(to) ?? [])
    if (end.awaiting.size >= this.#limits.requestsInFlight) {
      throw new TransportError('overloaded', false)
    }
    const { promise, resolve, reject } = Promise.withResolvers<Bytes>()
    const number = ++this.#requests
    end.awaiting.add(number, { resolve, reject, expiresAt: performance.now() + deadlineMs })
    send(end, (receiver, back) => {
      const failed = (): void => end.awaiting.take(number)?.reject(lost(true))
      if (receiver.refuses?.(this.self, body) === true) {
        const refused = new TransportError('overloaded', false)
        return send(back, () => end.awaiting.take(number)?.reject(refused))
      }
      receiver.request(this.self, body.slice()).then((reply) => {
        if (reply.length > this.#limits.messageBytes) {
          const late = new TransportError('too-large', true)
          return send(back, () => end.awaiting.take(number)?.reject(late))
        }
        const copy = reply.slice()
        send(back, () => end.awaiting.take(number)?.resolve(copy))
      }, failed)
    })
    return promise
  }

  notify(to: PeerId, body: Bytes, _lane: Lane): void {
    const end = this.#ends.get(to)
    const copy = body.slice()
    if (end !== undefined) send(end, (receiver) => receiver.notice(this.self, copy))
  }

  learn(peer: PeerId, addresses: readonly string[]): void {
    this.#known.set(peer, addresses)
  }

  async dial(address: string): Promise<PeerId> {
    const peer = this.#network.get(address)?.self
    const standing = peer === undefined ? undefined : this.#ends.get(peer)
    return (standing ?? this.#connect([address])).peer
  }

  links(): readonly Link[] {
    return [...this.#ends.values()].map(({ peer, session }) => ({
      peer,
      session,
      address: `memory:${peer}`,
      roundTripMs: 0,
    }))
  }

  setGate(open: boolean): void {
    if (this.#state === 'closed') return
    this.#state = open ? 'open' : 'gate closed'
    if (!open) this.#cutAll('link-lost')
  }

  async close(): Promise<void> {
    this.#state = 'closed'
    for (const address of this.addresses) {
      if (this.#network.get(address) === this) this.#network.delete(address)
    }
    this.#cutAll('closed')
  }

  /** Hands over in a later turn, if the link still stands then. */
  deliver(end: End, news: (receiver: Receiver) => void): void {
    queueMicrotask(() => {
      if (end.isUp) this.#tell(news)
    })
  }

  #tell(news: (receiver: Receiver) => void): void {
    if (this.#receiver === undefined) this.#unserved.push(news)
    else news(this.#receiver)
  }

  #connect(addresses: readonly string[]): End {
    if (this.#state === 'closed') throw new TransportError('closed', false)
    const target = addresses.map((address) => this.#network.get(address)).find((it) => it?.isOpen)
    if (target === undefined || target === this || !this.isOpen) {
      throw new TransportError('unreachable', false)
    }
    const [ours, theirs] = [this.#raise(target.self), target.#raise(this.self)]
    ours.other = theirs
    theirs.other = ours
    return ours
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  #raise(peer: PeerId): End {
    const awaiting = new Awaiting<Awaited>((late) => {
      for (const { reject } of late) reject(new TransportError('deadline', true))
    })
    const session = ++this.#sessions
    const end: End = { owner: this, peer, session, awaiting, other: undefined, isUp: true }
    this.#ends.set(peer, end)
    this.deliver(end, (receiver) => receiver.up(peer, session))
    return end
  }

  #cutAll(failure: TransportFailure): void {
    for (const end of this.#ends.values()) {
      this.#lower(end, new TransportError(failure, true))
      if (end.other !== undefined) end.other.owner.#lower(end.other, lost(true))
    }
  }

  #lower(end: End, error: TransportError): void {
    if (!end.isUp) return
    end.isUp = false
    this.#ends.delete(end.peer)
    for (const { reject } of end.awaiting.takeAll()) reject(error)
    queueMicrotask(() => this.#tell((receiver) => receiver.down(end.peer, end.session)))
  }
}

/** To the other side of a link, which is told by what end it came. */
function send(from: End, news: (receiver: Receiver, to: End) => void): void {
  const to = from.other
  if (to !== undefined) to.owner.deliver(to, (receiver) => news(receiver, to))
}

function lost(sent: boolean): TransportError {
  return new TransportError('link-lost', sent)
}
