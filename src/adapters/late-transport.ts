/**
 * A transport that has not come yet, because its code is still being fetched.
 *
 * libp2p is most of what a tab loads, and a tab needs none of it to read and write on its own device. So a peer is
 * opened on this, at once. Until the transport is there nobody is linked and nobody can be reached; what was said to it
 * (whom to serve, where peers are, the gate) is said again when it comes.
 */
import type { Bytes } from '../data/bytes.ts'
import { TransportError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/view.ts'
import type { Lane, Link, Receiver, RequestOptions, Transport } from '../ports.ts'

export class LateTransport implements Transport {
  readonly self: PeerId
  #transport: Transport | undefined
  #receiver: Receiver | undefined
  readonly #learnt = new Map<PeerId, readonly string[]>()
  #gateIsOpen = true
  #isClosed = false

  constructor(self: PeerId) {
    this.self = self
  }

  /** The transport of `self` is there. One that comes after this was closed is closed too. */
  async arrive(transport: Transport): Promise<void> {
    if (this.#isClosed) return transport.close()
    this.#transport = transport
    transport.setGate(this.#gateIsOpen)
    for (const [peer, addresses] of this.#learnt) transport.learn(peer, addresses)
    this.#learnt.clear()
    if (this.#receiver !== undefined) transport.serve(this.#receiver)
  }

  get addresses(): readonly string[] {
    return this.#transport?.addresses ?? []
  }

  serve(receiver: Receiver): void {
    this.#receiver = receiver
    this.#transport?.serve(receiver)
  }

  request(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes> {
    return this.#transport?.request(to, body, options) ?? Promise.reject(this.#refusal())
  }

  notify(to: PeerId, body: Bytes, lane: Lane): void {
    this.#transport?.notify(to, body, lane)
  }

  learn(peer: PeerId, addresses: readonly string[]): void {
    if (this.#transport === undefined) this.#learnt.set(peer, addresses)
    else this.#transport.learn(peer, addresses)
  }

  dial(address: string): Promise<PeerId> {
    return this.#transport?.dial(address) ?? Promise.reject(this.#refusal())
  }

  links(): readonly Link[] {
    return this.#transport?.links() ?? []
  }

  setGate(open: boolean): void {
    this.#gateIsOpen = open
    this.#transport?.setGate(open)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#transport?.close()
  }

  #refusal(): TransportError {
    if (this.#isClosed) return new TransportError('closed', false, 'this peer is closed')
    return new TransportError('unreachable', false, 'the code for the network is not here yet')
  }
}
