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
import type { PrivateKey } from '@libp2p/interface'
import { createLibp2p, type Libp2pOptions } from 'libp2p'
import type { Bytes } from '../data/bytes.ts'
import { RingletError } from '../protocol/errors.ts'
import { limits as defaultLimits, type Limits } from '../protocol/limits.ts'
import type { Transport } from '../ports.ts'
import { isAddress } from './libp2p-address.ts'
import { Libp2pUnderlay } from './libp2p-underlay.ts'
import { Switchboard } from './switchboard.ts'

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
    if (isAddress(address)) continue
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
