/**
 * The peer that an application holds, whatever stands beneath: an edge, or a member in its own process.
 */
import type { Key, KeyPath } from '../data/key.ts'
import { makeCheckedKey } from '../protocol/arguments.ts'
import type { MergeableType } from '../values/type.ts'
import type {
  BucketOptions,
  HintSpaceStatus,
  ListenOptions,
  LoadStatus,
  Location,
  MemberReport,
  Peer,
  PeerStatus,
  PlainBucket,
  Receipt,
  RefusedWrite,
  RingSnapshot,
  TypedBucket,
} from './api.ts'
import { plainBucket, typedBucket } from './bucket.ts'
import type { Edge } from './edge.ts'
import type { Keyed } from './keyed.ts'
import { locate, type OwnWord, reports } from './locate.ts'
import { MemberKeyed } from './member-keyed.ts'
import type { Member } from './member.ts'
import { ringSnapshot } from './ring-snapshot.ts'
import { shortWarnings } from './short-partitions.ts'
import { statusOf } from './status.ts'
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
  load?(): LoadStatus
  hintSpace?(): HintSpaceStatus
  activity(): PeerStatus['activity']
  /** The network may be back: whatever waits for it is tried at once. */
  wake(): void
  locate(key: Key): Promise<Location>
  reports(): Promise<readonly MemberReport[]>
  receipt(id: string): Receipt | undefined
  /** Calls `told` of each write that is refused for good after it was acknowledged; called once at most. */
  onRefused(told: (refused: RefusedWrite) => void): void
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

export interface EdgePeerOptions extends PeerOptions {
  /** What stands between the application and the edge's keys, where anything does. */
  readonly keys?: Keyed
}

export function peerOfEdge(edge: Edge, options: EdgePeerOptions): Peer {
  const { r, w, warnings, close, keys = edge } = options
  return makePeer({
    kind: 'edge',
    keyed: keys,
    world: edge.world,
    r,
    w,
    warnings,
    pendingWrites: () => edge.pendingWrites,
    hints: () => 0,
    activity: () => edge.activity,
    wake: () => edge.wake(),
    locate: (key) => edge.locate(key),
    reports: () => edge.reports(),
    receipt: (id) => edge.receipt(id),
    onRefused: (told) => edge.refusals.listen(told),
    onTouch: (changed) => edge.copies.onTouch(changed),
    close: async () => {
      await edge.close()
      await close()
    },
  })
}

export function peerOfMember(member: Member, { r, w, warnings, close }: PeerOptions): Peer {
  const keyed = new MemberKeyed(member, r, w)
  /** What it says where it is itself among those to be asked. */
  const own: OwnWord = {
    held: async (key) => (await member.records.read(key)).state,
    report: () => member.report(),
  }
  return makePeer({
    kind: 'member',
    keyed,
    world: member.world,
    r,
    w,
    get warnings() {
      return [...warnings, ...shortWarnings(member.view, member.world.rules)]
    },
    pendingWrites: () => keyed.receipts.pending,
    hints: () => member.owedKeys,
    load: () => member.load,
    hintSpace: () => member.records.foreign.status,
    activity: () => 'awake',
    wake: () => member.wake(),
    locate: (key) => locate(member.world, key, own),
    reports: () => reports(member.world, own),
    receipt: (id) => keyed.receipts.find(id),
    // A write of a member is refused to its writer, or not at all.
    onRefused: () => {},
    onTouch: (changed) => {
      const stops = [member.onTouch(changed), keyed.receipts.onChange(changed)]
      return () => stops.forEach((stop) => stop())
    },
    close: async () => {
      keyed.close()
      await member.close()
      await close()
    },
  })
}

/** A listener of any of the peer's events. */
type Listener = (event: CustomEvent<never>) => void

class ApplicationPeer extends EventTarget implements Peer {
  readonly #beneath: Beneath
  #gate: 'open' | 'closed' = 'open'
  #usage: PeerStatus['storage'] = {}
  readonly #stopTouches: () => void
  #scheduled = false
  #tellsRefusals = false

  constructor(beneath: Beneath) {
    super()
    this.#beneath = beneath
    const touched = (): void => this.#touched()
    const stops = [beneath.onTouch(touched), beneath.world.troubles.onChange(touched)]
    this.#stopTouches = () => stops.forEach((stop) => stop())
  }

  get id(): string {
    return this.#beneath.world.self
  }

  get status(): PeerStatus {
    const { kind, world, r, w, warnings, load, hintSpace } = this.#beneath
    return statusOf(world, {
      kind,
      r,
      w,
      pendingWrites: this.#beneath.pendingWrites(),
      hints: this.#beneath.hints(),
      gate: this.#gate,
      activity: this.#beneath.activity(),
      storage: { ...this.#usage, ...(hintSpace && { hints: hintSpace() }) },
      warnings: [...warnings, ...world.troubles.sentences],
      ...(load && { load: load() }),
    })
  }

  get ring(): RingSnapshot {
    return ringSnapshot(this.#beneath.world.view())
  }

  override addEventListener(
    type: string,
    listener: Listener | EventListenerOrEventListenerObject | null,
    options: ListenOptions = {},
  ): void {
    super.addEventListener(type, listener as EventListenerOrEventListenerObject, options)
    if (type === 'refused' && !this.#tellsRefusals) {
      this.#tellsRefusals = true
      // Whoever begins to listen in the same turn hears of earlier ones too.
      this.#beneath.world.tasks.run('refused', this.#tellRefusals())
    }
  }

  override removeEventListener(
    type: string,
    listener: Listener | EventListenerOrEventListenerObject | null,
  ): void {
    super.removeEventListener(type, listener as EventListenerOrEventListenerObject)
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
    return typeof id === 'string' ? this.#beneath.receipt(id) : undefined
  }

  setGate(open: boolean): void {
    this.#gate = open ? 'open' : 'closed'
    this.#beneath.world.transport.setGate(open)
    if (open) this.#beneath.wake()
    this.#touched()
  }

  async locate(bucket: string, path: KeyPath): Promise<Location> {
    return this.#beneath.locate(makeCheckedKey(bucket, path))
  }

  reports(): Promise<readonly MemberReport[]> {
    return this.#beneath.reports()
  }

  /** What is still on its way gets a moment to arrive; what does not stays on the device, for the next start. */
  async close(): Promise<void> {
    if (this.#gate === 'open' && this.#beneath.activity() === 'awake') await this.#delivered()
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

  async #tellRefusals(): Promise<void> {
    await Promise.resolve()
    this.#beneath.onRefused((detail) => {
      this.dispatchEvent(new CustomEvent('refused', { detail }))
    })
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
    this.dispatchEvent(new CustomEvent('status', { detail: this.status }))
  }
}
