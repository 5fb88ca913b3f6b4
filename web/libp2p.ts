/**
 * The Transport port in a page: it dials WebSockets, and nobody can dial it.
 */
import { webSockets } from '@libp2p/websockets'
import { openLibp2pTransport, type Libp2pTransportOptions } from '../src/adapters/libp2p.ts'
import { limits } from '../src/protocol/limits.ts'
import type { Transport } from '../src/ports.ts'

export type WebTransportOptions = Omit<Libp2pTransportOptions, 'transports' | 'listen' | 'announce'>

export function openWebTransport(options: WebTransportOptions): Promise<Transport> {
  // A page's WebSocket buffers without end, and what waits in it nothing can overtake.
  const transports = [webSockets({ maxBufferedAmount: 4 * limits.flushBytes })]
  return openLibp2pTransport({ ...options, listen: [], transports })
}
