/**
 * `open` in Node: an edge of a ring, or one of its members.
 *
 * Without `listen` the process is an edge: it keeps its own writes and what it follows, in a data folder or, if it
 * names none, in memory. With `listen` it is a durable member, and must name a folder for what it keeps for others.
 */
import { systemClock, systemRandom } from '../src/adapters/system.ts'
import { openMemory } from '../src/adapters/memory.ts'
import { identityFromSeed } from '../src/data/identity.ts'
import type { Peer } from '../src/peer/api.ts'
import { peerOfEdge, peerOfMember, type PeerOptions } from '../src/peer/application.ts'
import { startEdge } from '../src/peer/edge.ts'
import { RingletError } from '../src/protocol/errors.ts'
import { ringHash } from '../src/protocol/membership.ts'
import { readRingFile, type RingFile, ringFilePath } from '../src/protocol/ring-file.ts'
import type { Trace } from '../src/ports.ts'
import { openDisk } from './disk.ts'
import { identitySeed } from './identity-file.ts'
import { openNodeTransport } from './libp2p.ts'
import { startNodePeer } from './node-peer.ts'

export interface OpenOptions {
  /** The folder for what this peer keeps; without one an edge keeps it in memory, and its status says so. */
  readonly data?: string
  /** Multiaddrs to listen at, which make this process a durable member: `/ip4/127.0.0.1/tcp/7421`. Needs `data`. */
  readonly listen?: readonly string[]
  /** Called with each event of the peer: a log, metrics, a drawing. */
  readonly trace?: Trace
}

/** R and W of an ordinary ring. */
const usualQuorum = 2

const inMemory = 'Kept in memory: what is not delivered when the process ends is lost.'

/**
 * Joins a ring. `ring` is its address (`http://localhost:7400`, or the full URL of its ring file) or the content of a
 * ring file. Rejects with `RingletError`: `ring-file`, `unreachable`, `store-locked`, `port-in-use`…
 *
 * ```ts
 * await using peer = await open('http://localhost:7400')
 * await peer.bucket('notes').put('hello', { text: 'world' })
 * ```
 */
export async function open(ring: string | RingFile, options: OpenOptions = {}): Promise<Peer> {
  const file = typeof ring === 'string' ? await fetchRing(ring) : ring
  const quorum = Math.min(usualQuorum, file.identity.n)
  const asked = { r: quorum, w: quorum, warnings: options.data === undefined ? [inMemory] : [] }
  return options.listen === undefined
    ? openEdge(file, options, asked)
    : openMember(file, options.listen, options, asked)
}

type Asked = Omit<PeerOptions, 'close'>

async function openEdge(file: RingFile, { data, trace }: OpenOptions, asked: Asked): Promise<Peer> {
  const { identity, bootstrap } = file
  await using opening = new AsyncDisposableStack()
  const storage = data === undefined ? openMemory() : await openDisk(data)
  opening.defer(() => storage.close())
  const seed = data === undefined ? systemRandom.bytes(32) : identitySeed(data)
  const transport = await openNodeTransport({ seed, ringHash: ringHash(identity), listen: [] })
  opening.defer(() => transport.close())
  const edge = await startEdge({
    ring: identity,
    identity: identityFromSeed(seed),
    transport,
    storage,
    clock: systemClock,
    random: systemRandom,
    trace: trace ?? (() => {}),
    bootstrap,
    r: asked.r,
    w: asked.w,
  })
  const held = opening.move()
  return peerOfEdge(edge, { ...asked, close: () => held.disposeAsync() })
}

async function openMember(
  ring: RingFile,
  listen: readonly string[],
  { data, trace }: OpenOptions,
  asked: Asked,
): Promise<Peer> {
  if (data === undefined) {
    throw new RingletError('bad-argument', 'a member has no data folder', {
      remedy: 'Pass `data`, the folder for what it keeps for the ring.',
    })
  }
  const options = { ring, data, listen }
  const peer = await startNodePeer(trace === undefined ? options : { ...options, trace })
  return peerOfMember(peer.member, { ...asked, close: () => peer.close() })
}

async function fetchRing(address: string): Promise<RingFile> {
  const url = ringUrl(address)
  let json: unknown
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) })
    if (!response.ok) throw new Error(`it answers ${response.status}`)
    json = await response.json()
  } catch (cause) {
    throw new RingletError(
      'unreachable',
      `no ring file at ${url.href}: ${(cause as Error).message}`,
      {
        cause,
        remedy:
          'Start the ring (`npm start`), or pass the address at which its ring file is served.',
      },
    )
  }
  return readRingFile(json)
}

/** An address without a path means the place where servers serve the file. */
function ringUrl(address: string): URL {
  try {
    const url = new URL(address)
    return url.pathname === '/' ? new URL(ringFilePath, url) : url
  } catch (cause) {
    throw new RingletError('bad-argument', `${address} is no URL`, {
      cause,
      remedy: 'Pass something like http://localhost:7400.',
    })
  }
}
