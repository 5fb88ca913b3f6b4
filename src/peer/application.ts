/**
 * The peer that an application holds, whatever stands beneath: an edge, or a member in its own process.
 */
import type { PeerId, View } from '../protocol/membership.ts'
import type { MergeableType } from '../values/type.ts'
import type {
  BucketOptions,
  MemberStatus,
  Peer,
  PeerStatus,
  PlainBucket,
  Receipt,
  TypedBucket,
} from './api.ts'
import { plainBucket, typedBucket } from './bucket.ts'
import type { Edge } from './edge.ts'
import type { Keyed } from './keyed.ts'
import { MemberKeyed } from './member-keyed.ts'
import type { Member } from './member.ts'
import type { World } from './world.ts'

/** What an edge and a member each bring. */
export interface Beneath {
  readonly kind: 'edge' | 'member'
  readonly keyed: Keyed
  readonly world: World
  readonly r: number
  readonly w: number
  pendingWrites(): number
  hints(): number
  receipt(id: string): Receipt | undefined
  /** Calls `changed` when anything that the status shows may have changed. */
  onTouch(changed: () => void): () => void
  readonly warnings: readonly string[]
  /** Closes the peer, then what it stands on. */
  close(): Promise<void>
}

export function makePeer(beneath: Beneath): Peer {
  return new ApplicationPeer(beneath)
}

export interface PeerOptions {
  readonly r: number
  readonly w: number
  readonly warnings: readonly string[]
  /** Closes what the peer stands on: its transport and its store. */
  close(): Promise<void>
}

export function peerOfEdge(edge: Edge, { r, w, warnings, close }: PeerOptions): Peer {
  return makePeer({
    kind: 'edge',
    keyed: edge,
    world: edge.world,
    r,
    w,
    warnings,
    pendingWrites: () => edge.pendingWrites,
    hints: () => 0,
    receipt: (id) => edge.receipt(id),
    onTouch: (changed) => edge.copies.onTouch(changed),
    close: async () => {
      await edge.close()
      await close()
    },
  })
}

export function peerOfMember(member: Member, { r, w, warnings, close }: PeerOptions): Peer {
  const keyed = new MemberKeyed(member, r, w)
  return makePeer({
    kind: 'member',
    keyed,
    world: member.world,
    r,
    w,
    warnings,
    pendingWrites: () => 0,
    hints: () => member.owedKeys,
    receipt: () => undefined,
    onTouch: (changed) => member.onTouch(changed),
    close: async () => {
      keyed.close()
      await member.close()
      await close()
    },
  })
}

class ApplicationPeer implements Peer {
  readonly #beneath: Beneath
  #gate: 'open' | 'closed' = 'open'
  #usage: PeerStatus['storage'] = {}
  readonly #listeners = new Set<(status: PeerStatus) => void>()
  readonly #stopTouches: () => void
  #scheduled = false

  constructor(beneath: Beneath) {
    this.#beneath = beneath
    this.#stopTouches = beneath.onTouch(() => this.#touched())
  }

  get id(): string {
    return this.#beneath.world.self
  }

  get status(): PeerStatus {
    const { kind, world, r, w, warnings } = this.#beneath
    const view = world.view()
    const links = world.transport.links()
    const members = view.members.map(({ record }) => memberStatus(world, view, record.peer))
    const answering = members.filter(({ id, state }) => {
      return state === 'self' || (state === 'up' && links.some(({ peer }) => peer === id))
    })
    const reach =
      answering.length === 0 ? 'none' : answering.length < members.length ? 'some' : 'all'
    return {
      id: world.self,
      kind,
      ring: { name: view.identity.name, n: view.identity.n, r, w },
      reach: this.#gate === 'closed' ? 'none' : reach,
      pendingWrites: this.#beneath.pendingWrites(),
      hints: this.#beneath.hints(),
      members,
      links: links.map(({ peer, roundTripMs }) => ({ peer, roundTripMs })),
      gate: this.#gate,
      storage: this.#usage,
      warnings,
    }
  }

  bucket<V>(name: string, type: MergeableType<V>, options?: BucketOptions): TypedBucket<V>
  bucket(name: string, options?: BucketOptions): PlainBucket
  bucket<V>(
    name: string,
    typeOrOptions: MergeableType<V> | BucketOptions = {},
    options: BucketOptions = {},
  ): TypedBucket<V> | PlainBucket {
    const { keyed } = this.#beneath
    return 'merge' in typeOrOptions
      ? typedBucket(keyed, name, typeOrOptions, options)
      : plainBucket(keyed, name, typeOrOptions)
  }

  async receipt(id: string): Promise<Receipt | undefined> {
    return this.#beneath.receipt(id)
  }

  setGate(open: boolean): void {
    this.#gate = open ? 'open' : 'closed'
    this.#beneath.world.transport.setGate(open)
    this.#touched()
  }

  onStatus(listener: (status: PeerStatus) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** What is still on its way gets a moment to arrive; what does not stays on the device, for the next start. */
  async close(): Promise<void> {
    if (this.#gate === 'open') await this.#delivered()
    this.#stopTouches()
    await this.#beneath.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Resolves when no write is pending, or when that takes too long. */
  async #delivered(): Promise<void> {
    const beneath = this.#beneath
    const { clock, limits } = beneath.world
    if (beneath.pendingWrites() === 0) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(2 * limits.ownerMs, resolve)
    const stop = beneath.onTouch(() => {
      if (beneath.pendingWrites() === 0) resolve()
    })
    await promise
    cancel()
    stop()
  }

  /** Many changes of one turn are one event. */
  #touched(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#beneath.world.tasks.run('status', this.#tell())
  }

  async #tell(): Promise<void> {
    this.#usage = await this.#beneath.world.storage.usage().catch(() => ({}))
    this.#scheduled = false
    const { status } = this
    for (const listener of this.#listeners) listener(status)
  }
}

function memberStatus(world: World, view: View, peer: PeerId): MemberStatus {
  const { record } = view.byPeer.get(peer)!
  const state = peer === world.self ? 'self' : world.links.isSuspect(peer) ? 'suspect' : 'up'
  return {
    id: peer,
    state,
    class: record.class,
    host: record.host,
    zone: record.zone,
    weight: record.weight,
    addresses: record.addresses,
    share: view.ring.shareOf(peer),
  }
}
