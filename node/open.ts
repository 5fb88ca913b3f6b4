/**
 * `open` in Node: an edge of a ring, or one of its members.
 *
 * Without `listen` the process is an edge: it keeps its own writes and what it follows, in a data folder or, if it
 * names none, in memory. With `listen` it is a durable member, and must name a folder for what it keeps for others.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Pins, pinnedRing } from '../src/adapters/pinned-ring.ts'
import { systemClock, systemRandom } from '../src/adapters/system.ts'
import { openMemory } from '../src/adapters/memory.ts'
import { identityFromSeed } from '../src/data/identity.ts'
import type { Peer } from '../src/peer/api.ts'
import { peerOfEdge, peerOfMember, type PeerOptions } from '../src/peer/application.ts'
import { startEdge } from '../src/peer/edge.ts'
import { openRingSide } from '../src/peer/ring-side.ts'
import { RingletError } from '../src/protocol/errors.ts'
import { ringHash } from '../src/protocol/view.ts'
import type { RingFile } from '../src/protocol/ring-file.ts'
import type { Trace } from '../src/ports.ts'
import { openDisk } from './disk.ts'
import { makeFolder } from './disk-folder.ts'
import type { HintSpace } from './hint-space.ts'
import { identitySeed } from './identity-file.ts'
import { openNodeTransport } from './libp2p.ts'
import { startNodePeer } from './node-peer.ts'

export interface OpenOptions {
  /** The folder for what this peer keeps; without one an edge keeps it in memory, and its status says so. */
  readonly data?: string
  /** Multiaddrs to listen at, which make this process a durable member: `/ip4/127.0.0.1/tcp/7421`. Needs `data`. */
  readonly listen?: readonly string[]
  /**
   * A member's room for what it keeps for owners that are away, in bytes or as a share of its disk (`'25%'`): when it is
   * full, other members have to stand in, and `status` warns of it.
   */
  readonly hintSpace?: HintSpace
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
  const file = typeof ring === 'string' ? await pinnedRing(ring, pinsIn(options.data)) : ring
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
    ringSide: openRingSide,
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
  { data, trace, hintSpace }: OpenOptions,
  asked: Asked,
): Promise<Peer> {
  if (data === undefined) {
    throw new RingletError('bad-argument', 'a member has no data folder', {
      remedy: 'Pass `data`, the folder for what it keeps for the ring.',
    })
  }
  const options = { ring, data, listen, ...(hintSpace === undefined ? {} : { hintSpace }) }
  const peer = await startNodePeer(trace === undefined ? options : { ...options, trace })
  return peerOfMember(peer.member, { ...asked, close: () => peer.close() })
}

/** The ring file as this folder has seen it; without a folder nothing is kept. */
function pinsIn(folder: string | undefined): Pins {
  const path = folder === undefined ? undefined : join(folder, 'ring.json')
  return {
    read: () => (path !== undefined && existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    write: (_url, file) => {
      if (path === undefined) return
      makeFolder(dirname(path))
      writeFileSync(path, file)
    },
  }
}
