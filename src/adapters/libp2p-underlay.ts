/**
 * Connections as libp2p brings them: dialled and accepted, with both lanes opened by the side that dialled.
 *
 * A stranger who connects and opens no lane is hung up on after a while; whose first stream names another ring is refused by
 * libp2p itself, which knows no such protocol here.
 */
import type { Connection as Libp2pConnection, Libp2p, Stream } from '@libp2p/interface'
import { TransportError } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Lane } from '../ports.ts'
import { namedPeer, parseAddress, withPeer } from './libp2p-address.ts'
import { describe, hangUp, pipeOf } from './libp2p-stream.ts'
import type { Lanes, Pipe } from './link.ts'
import type { Switchboard } from './switchboard.ts'
import type { Connection, Underlay } from './underlay.ts'

interface Arriving {
  foreground?: Stream
  background?: Stream
  readonly patience: ReturnType<typeof setTimeout>
}

export class Libp2pUnderlay implements Underlay {
  readonly #node: Libp2p
  readonly #protocols: Readonly<Record<Lane, string>>
  readonly #limits: Limits
  /** Connections of others on which a lane is still missing. */
  readonly #arriving = new Map<string, Arriving>()
  readonly #hangingUp = new Set<Promise<void>>()

  constructor(node: Libp2p, ringHash: string, limits: Limits) {
    const ring = `/ringlet/1/${ringHash.slice(0, 16)}`
    this.#node = node
    this.#limits = limits
    this.#protocols = { foreground: `${ring}/foreground`, background: `${ring}/background` }
  }

  get self(): PeerId {
    return this.#node.peerId.toString()
  }

  get addresses(): readonly string[] {
    return this.#node.getMultiaddrs().map(String)
  }

  async start(switchboard: Switchboard): Promise<void> {
    for (const lane of ['foreground', 'background'] as const) {
      const arrived = (stream: Stream, connection: Libp2pConnection): void => {
        this.#laneArrived(lane, stream, connection, switchboard)
      }
      await this.#node.handle(this.#protocols[lane], arrived, { maxInboundStreams: 1 })
    }
    this.#node.addEventListener('connection:open', ({ detail }) => this.#expectLanes(detail))
    this.#node.addEventListener('connection:close', ({ detail }) => {
      this.#arrived(detail)
      // libp2p would remember every visitor.
      this.#node.peerStore.delete(detail.remotePeer).catch(() => {})
    })
    await this.#node.start()
  }

  async connect(addresses: readonly string[], signal: AbortSignal): Promise<Connection> {
    const targets = addresses.flatMap((address) => parseAddress(address) ?? [])
    if (targets.length === 0) throw unreachable(`no address in “${addresses.join(', ')}”`)
    try {
      const connection = await this.#node.dial(targets, { signal, force: true })
      return this.#dialled(connection)
    } catch (error) {
      if (signal.reason instanceof TransportError) throw signal.reason
      throw unreachable(`${addresses.join(', ')} cannot be reached: ${describe(error)}`)
    }
  }

  toPeer(peer: PeerId, addresses: readonly string[]): readonly string[] {
    return addresses.flatMap((address) => withPeer(address, peer) ?? [])
  }

  peerOf(address: string): PeerId | undefined {
    return namedPeer(address)
  }

  async close(): Promise<void> {
    // Timers of libp2p and of AbortSignal do not keep a process alive, which would end in the middle of its closing.
    const alive = setInterval(() => {}, this.#limits.requestMs)
    try {
      // libp2p waits in vain for a connection that closes while it stops.
      while (this.#hangingUp.size > 0) await Promise.all(this.#hangingUp)
      await this.#node.stop()
    } finally {
      clearInterval(alive)
    }
  }

  #dialled(connection: Libp2pConnection): Connection {
    const open = async (lane: Lane, signal: AbortSignal): Promise<Pipe> =>
      pipeOf(await connection.newStream(this.#protocols[lane], { signal }))
    return {
      id: connection.id,
      peer: connection.remotePeer.toString(),
      address: connection.remoteAddr.toString(),
      open: async (signal) => {
        try {
          const lanes = [open('foreground', signal), open('background', signal)] as const
          const [foreground, background] = await Promise.all(lanes)
          return { foreground, background }
        } catch (error) {
          throw streamError(error, connection)
        }
      },
      close: () => this.#hangUp(connection),
    }
  }

  #laneArrived(
    lane: Lane,
    stream: Stream,
    connection: Libp2pConnection,
    switchboard: Switchboard,
  ): void {
    const arriving = this.#arriving.get(connection.id)
    if (arriving === undefined || arriving[lane] !== undefined) {
      return stream.abort(new Error('this stream was not expected'))
    }
    arriving[lane] = stream
    const { foreground, background } = arriving
    if (foreground === undefined || background === undefined) return
    this.#arrived(connection)
    const lanes: Lanes = { foreground: pipeOf(foreground), background: pipeOf(background) }
    const peer = connection.remotePeer.toString()
    switchboard.accept(peer, connection.remoteAddr.toString(), lanes, () =>
      this.#hangUp(connection),
    )
  }

  #hangUp(connection: Libp2pConnection): void {
    const done = hangUp(connection).finally(() => this.#hangingUp.delete(done))
    this.#hangingUp.add(done)
  }

  /** Whoever connects opens both lanes soon, or is no peer of ours. */
  #expectLanes(connection: Libp2pConnection): void {
    if (connection.direction === 'outbound') return
    const giveUp = (): void => {
      this.#arrived(connection)
      this.#hangUp(connection)
    }
    const patience = setTimeout(giveUp, this.#limits.requestMs)
    this.#arriving.set(connection.id, { patience })
  }

  #arrived({ id }: Libp2pConnection): void {
    clearTimeout(this.#arriving.get(id)?.patience)
    this.#arriving.delete(id)
  }
}

function unreachable(why: string): TransportError {
  return new TransportError('unreachable', false, why)
}

function streamError(error: unknown, { remotePeer, remoteAddr }: Libp2pConnection): TransportError {
  const peer = `${remotePeer.toString()} (${remoteAddr.toString().replace(/\/p2p\/.*/, '')})`
  if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
    return new TransportError('wrong-ring', false, `${peer} is in another ring, or too old or new`)
  }
  return unreachable(`${peer} opens no stream: ${describe(error)}`)
}
