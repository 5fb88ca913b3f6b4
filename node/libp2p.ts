/**
 * The Transport port in Node: listens on TCP for other Node peers and on WebSockets for tabs, and dials both.
 */
import { tcp } from '@libp2p/tcp'
import { webSockets } from '@libp2p/websockets'
import { openLibp2pTransport, type Libp2pTransportOptions } from '../src/adapters/libp2p.ts'
import { limits } from '../src/protocol/limits.ts'
import type { Transport } from '../src/ports.ts'

export type NodeTransportOptions = Omit<Libp2pTransportOptions, 'transports'>

/** Rejects with `RingletError`: `port-in-use`, or `bad-argument` for an address that cannot be listened at. */
export function openNodeTransport(options: NodeTransportOptions): Promise<Transport> {
  const transports = [tcp(), webSockets({ maxBufferedAmount: 4 * limits.flushBytes })]
  return openLibp2pTransport({ ...options, transports })
}
