/**
 * A transport whose code is still on its way.
 *
 * libp2p is most of what a tab loads, and a tab needs none of it to read and write on its own device. So a peer is
 * opened on this, at once, and the code is fetched meanwhile. Until it is there, nobody is linked, and requests wait as
 * they wait for a dial; what was said (whom to serve, where peers are, the gate) is said again once it has come. If it
 * does not come, because the network went first, the peer is alone, as it would be without that network; every
 * request tries again.
 */
import type { Bytes } from '../data/bytes.ts'
import { TransportError } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Lane, Link, Receiver, RequestOptions, Transport } from '../ports.ts'
import { beforeDeadline } from './deadline.ts'

export interface LateTransportOptions {
  readonly self: PeerId
  readonly limits: Pick<Limits, 'requestMs' | 'requestsInFlight'>
  /** Fetches the code and opens the transport, which must be that of `self`; called again if it failed. */
  load(): Promise<Transport>
}

/** Begins to load at once. */
export function lateTransport(options: LateTransportOptions): Transport {
  return new LateTransport(options)
}

class LateTransport implements Transport {
  readonly #options: LateTransportOptions
  #transport: Transport | undefined
  #loading: Promise<Transport> | undefined
  #waiting = 0
  #receiver: Receiver | undefined
  readonly #learnt = new Map<PeerId, readonly string[]>()
  #gateIsOpen = true
  #isClosed = false

  constructor(options: LateTransportOptions) {
    this.#options = options
    this.#load().catch(() => {})
  }

  get self(): PeerId {
    return this.#options.self
  }

  get addresses(): readonly string[] {
    return this.#transport?.addresses ?? []
  }

  serve(receiver: Receiver): void {
    this.#receiver = receiver
    this.#transport?.serve(receiver)
  }

  request(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes> {
    if (this.#transport !== undefined) return this.#transport.request(to, body, options)
    return this.#late(options.deadlineMs, (transport, deadlineMs) =>
      transport.request(to, body, { ...options, deadlineMs }),
    )
  }

  notify(to: PeerId, body: Bytes, lane: Lane): void {
    this.#transport?.notify(to, body, lane)
  }

  learn(peer: PeerId, addresses: readonly string[]): void {
    if (this.#transport !== undefined) this.#transport.learn(peer, addresses)
    else this.#learnt.set(peer, addresses)
  }

  dial(address: string): Promise<PeerId> {
    if (this.#transport !== undefined) return this.#transport.dial(address)
    return this.#late(this.#options.limits.requestMs, (transport) => transport.dial(address))
  }

  links(): readonly Link[] {
    return this.#transport?.links() ?? []
  }

  setGate(open: boolean): void {
    this.#gateIsOpen = open
    this.#transport?.setGate(open)
  }

  /** Does not wait for code that may never come: if it does, what it opens is closed at once. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.#transport?.close()
  }

  async #late<T>(
    deadlineMs: number,
    act: (transport: Transport, leftMs: number) => Promise<T>,
  ): Promise<T> {
    const startedAt = performance.now()
    if (this.#waiting >= this.#options.limits.requestsInFlight) {
      throw new TransportError('overloaded', false, 'too many requests wait for the network’s code')
    }
    this.#waiting++
    try {
      await beforeDeadline(this.#load(), deadlineMs, 'code for the network')
    } finally {
      this.#waiting--
    }
    return act(this.#transport!, deadlineMs - (performance.now() - startedAt))
  }

  #load(): Promise<Transport> {
    if (this.#isClosed) return Promise.reject(closedError())
    this.#loading ??= this.#options.load().then(
      (transport) => this.#arrived(transport),
      (error: unknown) => {
        this.#loading = undefined
        throw new TransportError('unreachable', false, `no code for the network: ${String(error)}`)
      },
    )
    return this.#loading
  }

  async #arrived(transport: Transport): Promise<Transport> {
    if (this.#isClosed) {
      await transport.close()
      throw closedError()
    }
    this.#transport = transport
    transport.setGate(this.#gateIsOpen)
    for (const [peer, addresses] of this.#learnt) transport.learn(peer, addresses)
    this.#learnt.clear()
    if (this.#receiver !== undefined) transport.serve(this.#receiver)
    return transport
  }
}

function closedError(): TransportError {
  return new TransportError('closed', false, 'this peer is closed')
}
