/**
 * Addresses of peers, as libp2p writes them: `/ip4/127.0.0.1/tcp/7401`, `/dns4/example.org/tcp/443/wss/p2p/12D3KooW…`.
 *
 * They come from files, arguments and other peers' records, so anything may stand there.
 */
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '../protocol/membership.ts'

export function isAddress(text: string): boolean {
  return parseAddress(text) !== undefined
}

export function parseAddress(text: string): Multiaddr | undefined {
  try {
    return multiaddr(text)
  } catch {
    return undefined
  }
}

/** The peer that the address names; undefined if it names none, or nonsense. */
export function namedPeer(text: string): PeerId | undefined {
  try {
    const components = multiaddr(text).getComponents()
    const named = components.findLast(({ name }) => name === 'p2p')?.value
    return named === undefined ? undefined : peerIdFromString(named).toString()
  } catch {
    return undefined
  }
}

/** The address with its peer's name; undefined if it is none, or another peer's. */
export function withPeer(text: string, peer: PeerId): string | undefined {
  const address = parseAddress(text)
  if (address === undefined) return undefined
  const named = namedPeer(text)
  if (named === undefined) return address.encapsulate(`/p2p/${peer}`).toString()
  return named === peer ? text : undefined
}
