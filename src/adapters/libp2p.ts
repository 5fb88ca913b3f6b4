/**
 * The Transport port over libp2p: connections that are encrypted (noise) and prove the peer's id, with one long-lived
 * stream a lane (yamux).
 *
 * libp2p is used for that and nothing else. Everything it would do on its own account is off: no identify, no pings, no
 * reconnects, no public resolvers, no dial but ours. The name of the protocol holds the ring, so
 * that a peer of another ring is told so at its first stream. What to dial and which link counts is decided in
 * `switchboard.ts`; tabs and Node differ only in the `transports` they pass.
 */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { Connection as Libp2pConnection, Libp2p, PrivateKey, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Bytes } from '../data/bytes.ts'
import { RingletError, TransportError } from '../protocol/errors.ts'
import { limits as defaultLimits, type Limits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Lane, Transport } from '../ports.ts'
import type { Lanes, Pipe, PipeListener } from './link.ts'
import { Switchboard, type Connection, type Underlay } from './switchboard.ts'

export interface Libp2pTransportOptions {
  /** 32 bytes: the Ed25519 key that is the peer's identity. */
  readonly seed: Bytes
  /** The hash of the ring's identity; its first 16 characters name the protocol. */
  readonly ringHash: string
  /** Multiaddrs to listen at: `/ip4/127.0.0.1/tcp/0`, `/ip4/0.0.0.0/tcp/7401/ws`. */
  readonly listen: readonly string[]
  /** Multiaddrs to tell others instead of those listened at. */
  readonly announce?: readonly string[]
  /** libp2p's transports: TCP, WebSockets. */
  readonly transports: NonNullable<Libp2pOptions['transports']>
  /** Told, in a sentence, what went wrong on a link and was dealt with. */
  readonly onProblem?: (problem: string) => void
  readonly limits?: Limits
}

/** Rejects with `RingletError`: `port-in-use`, or `bad-argument` for an address that cannot be listened at. */
export async function openLibp2pTransport(options: Libp2pTransportOptions): Promise<Transport> {
  const { seed, listen, limits = defaultLimits, onProblem = () => {} } = options
  if (seed.length !== 32) throw new RingletError('bad-argument', 'a peer’s seed has 32 bytes')
  for (const address of [...listen, ...(options.announce ?? [])]) {
    if (parse(address) !== undefined) continue
    throw new RingletError('bad-argument', `${address} is no multiaddr`, {
      remedy: 'Write it like /ip4/127.0.0.1/tcp/7400 or /dns4/example.org/tcp/443/wss.',
    })
  }
  const gate: { keeper?: Switchboard } = {}
  const isOpen = (): boolean => gate.keeper?.gateIsOpen === true
  const privateKey = await generateKeyPairFromSeed('Ed25519', seed)
  const node = await createLibp2p(settings(options, limits, privateKey, isOpen))
  const underlay = new Libp2pUnderlay(node, options.ringHash, limits)
  const switchboard = new Switchboard(underlay, { limits, onProblem })
  gate.keeper = switchboard
  try {
    await underlay.start(switchboard)
  } catch (error) {
    await switchboard.close()
    throw listenError(error, listen)
  }
  return switchboard
}

function settings(
  { listen, announce = [], transports }: Libp2pTransportOptions,
  limits: Limits,
  privateKey: PrivateKey,
  gateIsOpen: () => boolean,
): Libp2pOptions {
  const shut = (): boolean => !gateIsOpen()
  const window = limits.frameBytes
  return {
    start: false,
    privateKey,
    addresses: { listen: [...listen], announce: [...announce] },
    transports,
    connectionEncrypters: [noise()],
    streamMuxers: [
      yamux({ streamOptions: { maxStreamWindowSize: window, maxReadBufferLength: 2 * window } }),
    ],
    // A tab's default gater forbids loopback and unencrypted WebSockets: noise encrypts anyway.
    connectionGater: { denyDialMultiaddr: shut, denyInboundConnection: shut },
    connectionMonitor: { enabled: false },
    connectionManager: {
      maxConnections: limits.members + limits.edgesPerMember,
      // Many tabs and peers of one machine share an address, and reload all at once.
      inboundConnectionThreshold: limits.edgesPerMember,
      maxIncomingPendingConnections: limits.edgesPerMember,
      dialTimeout: limits.requestMs,
      addressDialTimeout: limits.requestMs / 2,
      inboundUpgradeTimeout: limits.requestMs,
      // Without these, an address could make a tab ask a public name server.
      resolvers: {},
    },
  }
}

class Libp2pUnderlay implements Underlay {
  readonly #node: Libp2p
  readonly #protocols: Readonly<Record<Lane, string>>
  readonly #limits: Limits
  /** Connections of others on which a lane is still missing. */
  readonly #arriving = new Map<string, { foreground?: Stream; background?: Stream }>()

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
      this.#arriving.delete(detail.id)
      // libp2p would remember every visitor.
      this.#node.peerStore.delete(detail.remotePeer).catch(() => {})
    })
    await this.#node.start()
  }

  async connect(addresses: readonly string[], signal: AbortSignal): Promise<Connection> {
    const targets = addresses.flatMap((address) => parse(address) ?? [])
    if (targets.length === 0) throw unreachable(`no address among ${addresses.join(', ')}`)
    try {
      const connection = await this.#node.dial(targets, { signal, force: true })
      return this.#dialled(connection)
    } catch (error) {
      signal.throwIfAborted()
      throw unreachable(`${addresses.join(', ')} cannot be reached: ${describe(error)}`)
    }
  }

  toPeer(peer: PeerId, addresses: readonly string[]): readonly string[] {
    return addresses.flatMap((address) => {
      const target = parse(address)
      if (target === undefined) return []
      const named = namedPeer(target)
      if (named === undefined) return [`${address.replace(/\/$/, '')}/p2p/${peer}`]
      return named === peer ? [address] : []
    })
  }

  peerOf(address: string): PeerId | undefined {
    const target = parse(address)
    return target === undefined ? undefined : namedPeer(target)
  }

  async close(): Promise<void> {
    await this.#node.stop()
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
      close: () => hangUp(connection),
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
    this.#arriving.delete(connection.id)
    const lanes: Lanes = { foreground: pipeOf(foreground), background: pipeOf(background) }
    const peer = connection.remotePeer.toString()
    switchboard.accept(peer, connection.remoteAddr.toString(), lanes, () => hangUp(connection))
  }

  /** Whoever connects opens both lanes soon, or is no peer of ours. */
  #expectLanes(connection: Libp2pConnection): void {
    if (connection.direction === 'outbound') return
    this.#arriving.set(connection.id, {})
    setTimeout(() => {
      if (this.#arriving.delete(connection.id)) hangUp(connection)
    }, this.#limits.requestMs)
  }
}

function pipeOf(stream: Stream): Pipe {
  return {
    get full() {
      return stream.writableNeedsDrain
    },
    send: (bytes) => void stream.send(bytes),
    listen: (listener) => listen(stream, listener),
  }
}

function listen(stream: Stream, listener: PipeListener): void {
  if (stream.status !== 'open') return listener.closed(`the stream is ${stream.status}`)
  stream.addEventListener('close', ({ error }) =>
    listener.closed(error === undefined ? 'the other side closed it' : describe(error)),
  )
  stream.addEventListener('remoteCloseWrite', () => listener.closed('the other side closed it'))
  stream.addEventListener('drain', () => listener.drained())
  stream.addEventListener('message', ({ data }) => {
    if (data instanceof Uint8Array) listener.received(data)
    else for (const piece of data) listener.received(piece)
  })
}

/**
 * Closes in order, so that what was sent last still arrives, and by force where that takes too long. Not by force at
 * once: a WebSocket cannot be aborted (its close code is refused), and would stay.
 */
function hangUp(connection: Libp2pConnection): void {
  if (connection.status !== 'open') return
  for (const stream of connection.streams) {
    if (stream.writeBufferLength > 0) stream.abort(new Error('the link has ended'))
  }
  connection.close({ signal: AbortSignal.timeout(1000) }).catch((error: Error) => {
    connection.abort(error)
  })
}

function parse(address: string): Multiaddr | undefined {
  try {
    return multiaddr(address)
  } catch {
    return undefined
  }
}

function namedPeer(address: Multiaddr): PeerId | undefined {
  const named = address.getComponents().findLast(({ name }) => name === 'p2p')?.value
  return named === undefined ? undefined : peerIdFromString(named).toString()
}

function unreachable(why: string): TransportError {
  return new TransportError('unreachable', false, why)
}

function streamError(error: unknown, { remotePeer, remoteAddr }: Libp2pConnection): TransportError {
  const peer = `${remotePeer.toString()} at ${remoteAddr.toString()}`
  if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
    return new TransportError('wrong-ring', false, `${peer} is in another ring, or too old or new`)
  }
  return unreachable(`${peer} opens no stream: ${describe(error)}`)
}

/** One line, whatever was thrown: libp2p puts whole stacks into some messages. */
function describe(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(describe).join('; ')
  const [line = ''] = (error instanceof Error ? error.message : String(error)).trim().split('\n')
  return line
}

function listenError(error: unknown, listen: readonly string[]): unknown {
  const text = error instanceof Error ? error.message : String(error)
  const where = listen.join(', ')
  if (text.includes('EADDRINUSE')) {
    return new RingletError('port-in-use', `another program listens at ${where} already`, {
      remedy: 'Stop the other program, or listen at another port; port 0 takes any that is free.',
      cause: error,
    })
  }
  return new RingletError('bad-argument', `cannot listen at ${where}`, {
    remedy: 'Listen at an address of this machine, and at a port that this user may open.',
    cause: error,
  })
}
