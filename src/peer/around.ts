/**
 * A transport around another one: all goes through, and whoever extends this says what does not.
 */
import type { Bytes } from '../data/bytes.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Lane, Link, Receiver, RequestOptions, Transport } from '../ports.ts'

export class TransportAround implements Transport {
  protected readonly inner: Transport

  constructor(inner: Transport) {
    this.inner = inner
  }

  get self(): PeerId {
    return this.inner.self
  }

  get addresses(): readonly string[] {
    return this.inner.addresses
  }

  serve(receiver: Receiver): void {
    this.inner.serve(receiver)
  }

  request(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes> {
    return this.inner.request(to, body, options)
  }

  notify(to: PeerId, body: Bytes, lane: Lane): void {
    this.inner.notify(to, body, lane)
  }

  learn(peer: PeerId, addresses: readonly string[]): void {
    this.inner.learn(peer, addresses)
  }

  dial(address: string): Promise<PeerId> {
    return this.inner.dial(address)
  }

  links(): readonly Link[] {
    return this.inner.links()
  }

  setGate(open: boolean): void {
    this.inner.setGate(open)
  }

  close(): Promise<void> {
    return this.inner.close()
  }
}
