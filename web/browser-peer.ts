/**
 * `open` in a page: a tab becomes an edge of a ring.
 *
 * What has to come in this order: which ring (pinned, so that it needs no network), what the tab stands on (its slot and
 * its database), and only then links. From there on the tab lives: it sleeps when the browser freezes it, delivers what
 * closed tabs have left behind, and ends if another tab has taken its slot.
 */
import { utf8 } from '../src/data/bytes.ts'
import { identityFromSeed } from '../src/data/identity.ts'
import { LateTransport } from '../src/adapters/late-transport.ts'
import { systemClock, systemRandom } from '../src/adapters/system.ts'
import type { Peer } from '../src/peer/api.ts'
import { peerOfEdge } from '../src/peer/application.ts'
import { startEdge } from '../src/peer/edge.ts'
import { StorageError } from '../src/protocol/errors.ts'
import { ringHash } from '../src/protocol/view.ts'
import { readRingFile, type RingFile } from '../src/protocol/ring-file.ts'
import type { Storage, Trace } from '../src/ports.ts'
import { takeGround } from './ground.ts'
import type { Started } from './late-adoption.ts'
import { live } from './living.ts'
import { OwnKeys } from './own-keys.ts'
import { ringOfPage } from './pinned-ring.ts'

export interface OpenOptions {
  /** `closed` starts cut off: no peer is dialled before `peer.setGate(true)`. Default `open`. */
  readonly gate?: 'open' | 'closed'
  /** Hears of every protocol event, one call each. */
  readonly trace?: Trace
}

const keyRecord = utf8('m:key')
const seedBytes = 32
/** R and W of an ordinary ring. */
const usualQuorum = 2

/**
 * Opens the ring of an address (its server's, or its ring file's URL), or of a ring file's content. Resolves as soon
 * as this device can read and write, with or without the network. Rejects with `RingletError`: its `code` and
 * `remedy` say why, and what to do.
 *
 * ```ts
 * await using peer = await open('http://localhost:7400')
 * const carts = peer.bucket('carts', cart)
 * ```
 */
export async function open(ring: string | object, options: OpenOptions = {}): Promise<Peer> {
  // libp2p is most of a tab's code, and nobody needs it who reads and writes on this device: it is on its way as soon as
  // can be, and nobody waits for it but those who ask the ring.
  import('./network.ts').catch(() => {})
  const file = await ringFileOf(ring)
  const hash = ringHash(file.identity)
  const ground = await takeGround(hash)
  try {
    const start = (storage: Storage, isCut: boolean): Promise<Started> =>
      startOn(storage, file, isCut, options.trace ?? (() => {}))
    const isCut = options.gate === 'closed'
    const started = await start(ground.storage, isCut)
    const keys = new OwnKeys(started.edge)
    const close = live({
      ring: hash,
      ground,
      own: started,
      keys,
      start: (storage) => start(storage, false),
    })
    const quorum = quorumOf(file)
    const { warnings } = ground
    const peer = peerOfEdge(started.edge, { r: quorum, w: quorum, keys, warnings, close })
    if (isCut) peer.setGate(false)
    return peer
  } catch (error) {
    await ground.close().catch(() => {})
    throw error
  }
}

async function ringFileOf(ring: string | object): Promise<RingFile> {
  if (typeof ring === 'string') return ringOfPage(ring)
  return 'identity' in ring ? (ring as RingFile) : readRingFile(ring)
}

async function startOn(
  storage: Storage,
  file: RingFile,
  isCut: boolean,
  trace: Trace,
): Promise<Started> {
  const seed = await takeSeed(storage)
  const identity = identityFromSeed(seed)
  const hash = ringHash(file.identity)
  const transport = new LateTransport(identity.peer)
  if (isCut) transport.setGate(false)
  try {
    const edge = await startEdge({
      ringSide: async (side) => {
        const network = await import('./network.ts')
        await transport.arrive(await network.openWebTransport({ seed, ringHash: hash }))
        return network.openRingSide(side)
      },
      ring: file.identity,
      identity,
      transport,
      storage,
      clock: systemClock,
      random: systemRandom,
      trace,
      bootstrap: file.bootstrap.filter(canBeDialled),
      r: quorumOf(file),
      w: quorumOf(file),
    })
    return { edge, transport }
  } catch (error) {
    await transport.close()
    throw error
  }
}

function quorumOf({ identity }: RingFile): number {
  return Math.min(usualQuorum, identity.n)
}

/** The peer's key: drawn once, and kept where its writes are. */
function takeSeed(storage: Storage): Promise<Uint8Array> {
  const fresh = systemRandom.bytes(seedBytes)
  return storage.update([keyRecord], ([stored]) => {
    if (stored === undefined) {
      return { writes: [{ key: keyRecord, value: fresh }], result: fresh }
    }
    if (stored.length === seedBytes) return { writes: [], result: stored }
    throw new StorageError('store-corrupt', 'the key of this tab is damaged', {
      remedy:
        'Clear the site’s data: this device comes back as a new one, and reads from the ring.',
    })
  })
}

/** A page dials WebSockets and nothing else. */
function canBeDialled(address: string): boolean {
  return /\/wss?(\/|$)/.test(address)
}
