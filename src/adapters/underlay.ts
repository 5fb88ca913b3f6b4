/**
 * What a switchboard needs beneath it: something that dials, encrypts, and proves who is at the other end.
 *
 * libp2p is one; a test has another, whose wires it can cut.
 */
import type { PeerId } from '../protocol/membership.ts'
import type { Lanes } from './link.ts'

/** What lies beneath: a way to reach peers, and who they are. */
export interface Underlay {
  readonly self: PeerId
  readonly addresses: readonly string[]
  /** Dials the first of `addresses` that answers. Rejects with `TransportError`. */
  connect(addresses: readonly string[], signal: AbortSignal): Promise<Connection>
  /** The addresses that lead to `peer`, as far as one can tell from them. */
  toPeer(peer: PeerId, addresses: readonly string[]): readonly string[]
  /** The peer that an address names; undefined if it names none. */
  peerOf(address: string): PeerId | undefined
  close(): Promise<void>
}

/** A connection that was dialled, to a peer that proved who it is. */
export interface Connection {
  /** Two dials to one peer may be given the same connection. */
  readonly id: string
  readonly peer: PeerId
  readonly address: string
  /** Opens both lanes. Rejects with `TransportError`, `wrong-ring` if the other side does not know our ring. */
  open(signal: AbortSignal): Promise<Lanes>
  close(): void
}
