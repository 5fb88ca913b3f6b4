/**
 * `open` in a page: a tab becomes an edge of a ring.
 *
 * What has to come in this order: which ring (pinned, so that it needs no network), which slot (so that no other tab
 * is this identity), the slot's database (by a committed write before anything is read: what the slot's last tab still
 * had under way has then landed), and only then links. Where the origin gives no locks or no database, the tab is a
 * stranger that forgets everything, and its status says so.
 */
import { utf8 } from '../src/data/bytes.ts'
import { identityFromSeed } from '../src/data/identity.ts'
import { openMemory } from '../src/adapters/memory.ts'
import { systemClock, systemRandom } from '../src/adapters/system.ts'
import type { Peer } from '../src/peer/api.ts'
import { peerOfEdge } from '../src/peer/application.ts'
import { type Edge, startEdge } from '../src/peer/edge.ts'
import { StorageError } from '../src/protocol/errors.ts'
import { ringHash } from '../src/protocol/membership.ts'
import { readRingFile, type RingFile } from '../src/protocol/ring-file.ts'
import type { Storage, Trace } from '../src/ports.ts'
import { openIndexedDb } from './indexeddb.ts'
import { openWebTransport } from './libp2p.ts'
import { ringOfPage } from './pinned-ring.ts'
import { type Slot, takeSlot } from './slots.ts'

export interface OpenOptions {
  /** `closed` starts cut off: no peer is dialled before `peer.setGate(true)`. Default `open`. */
  readonly gate?: 'open' | 'closed'
  /** Hears of every protocol event, one call each. */
  readonly trace?: Trace
}

/** What a tab stands on. */
interface Ground {
  readonly storage: Storage
  readonly slot: Slot | undefined
  readonly warnings: readonly string[]
}

type Close = () => unknown

const keyRecord = utf8('m:key')
const openedRecord = utf8('m:opened')
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
  const { identity, bootstrap } = await ringFileOf(ring)
  const hash = ringHash(identity)
  const closers: Close[] = []
  try {
    const { storage, slot, warnings } = await takeGround(hash, closers)
    const seed = await takeSeed(storage)
    const transport = await openWebTransport({ seed, ringHash: hash })
    closers.push(() => transport.close())
    const isCut = options.gate === 'closed'
    if (isCut) transport.setGate(false)
    const quorum = Math.min(usualQuorum, identity.n)
    const edge = await startEdge({
      ring: identity,
      identity: identityFromSeed(seed),
      transport,
      storage,
      clock: systemClock,
      random: systemRandom,
      trace: options.trace ?? (() => {}),
      bootstrap: bootstrap.filter(canBeDialled),
      r: quorum,
      w: quorum,
    })
    noteDebts(edge, slot)
    const close = (): Promise<void> => closeAll(closers)
    const peer = peerOfEdge(edge, { r: quorum, w: quorum, warnings, close })
    if (isCut) peer.setGate(false)
    return peer
  } catch (error) {
    await closeAll(closers).catch(() => {})
    throw error
  }
}

async function ringFileOf(ring: string | object): Promise<RingFile> {
  if (typeof ring === 'string') return ringOfPage(ring)
  return 'identity' in ring ? (ring as RingFile) : readRingFile(ring)
}

async function takeGround(ring: string, closers: Close[]): Promise<Ground> {
  const slot = typeof indexedDB === 'undefined' ? undefined : await takeSlot(ring)
  if (slot === undefined) {
    const storage = openMemory()
    closers.push(() => storage.close())
    return { storage, slot, warnings: [forgetful] }
  }
  closers.push(() => slot.release())
  const storage = await openIndexedDb(`ringlet-${ring}-${slot.number}`)
  closers.push(() => storage.close())
  const write = { key: openedRecord, value: utf8(String(systemClock.now())) }
  await storage.update([], () => ({ writes: [write], result: undefined }))
  const warnings: string[] = []
  // Not waited for: some browsers ask the user.
  void askToStay().then((stays) => stays || warnings.push(mayBeCleared))
  return { storage, slot, warnings }
}

const forgetful =
  'This page gets no storage of its own here (it needs https or localhost, and a browser that lets ' +
  'sites store data): what is written is lost with the tab unless it has reached the ring.'

const mayBeCleared = 'The browser may clear what this page stores when space runs short.'

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

async function askToStay(): Promise<boolean> {
  return (await navigator.storage?.persist?.().catch(() => false)) === true
}

/** A slot that still owes something is the first to be taken again. */
function noteDebts(edge: Edge, slot: Slot | undefined): void {
  let noted: boolean | undefined
  const note = (): void => {
    const owes = edge.pendingWrites > 0
    if (owes !== noted) slot?.owes(owes)
    noted = owes
  }
  note()
  edge.copies.onTouch(note)
}

/** The last opened first; each once. */
async function closeAll(closers: Close[]): Promise<void> {
  const close = closers.pop()
  if (close === undefined) return
  try {
    await close()
  } finally {
    await closeAll(closers)
  }
}

/** A page dials WebSockets and nothing else. */
function canBeDialled(address: string): boolean {
  return /\/wss?(\/|$)/.test(address)
}
