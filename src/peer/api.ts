/**
 * What an application sees of a peer. Types only; `bucket.ts` and `peer.ts` implement them.
 *
 * Every answer says where it comes from and every write says how far it got, because "is it saved, and where?" is
 * the question that users ask most.
 */
import type { KeyPath } from '../data/key.ts'
import type { Stage } from '../protocol/copy.ts'
import type { RingletError } from '../protocol/errors.ts'
import type { MergeableType, WriteId } from '../values/type.ts'

/**
 * How far a write got: on this device; at W members on distinct hosts; at all N owners. In a buffered bucket the first (in a
 * member) and the second may be reached in buffers, as the receipt says; the third never is.
 */
export type { Stage }

export interface Peer {
  /** The peer's id, `12D3KooW…`. */
  readonly id: string
  readonly status: PeerStatus
  /** A bucket whose values merge themselves. */
  bucket<V>(name: string, type: MergeableType<V>, options?: BucketOptions): TypedBucket<V>
  /** A bucket that shows siblings: structured data or raw bytes, reconciled by the application. */
  bucket(name: string, options?: BucketOptions & NoType): PlainBucket
  /**
   * The receipt of an earlier write of this device, also one from before a reload. Undefined for what is no receipt's id,
   * and where this device does not know any more what has become of the write.
   */
  receipt(id: string): Promise<Receipt | undefined>
  /** The ring as this peer sees it now: an immutable snapshot, the same object until the ring changes. */
  readonly ring: RingSnapshot
  /**
   * Where a key lives: its preference list, and what each of the members on it holds of the key just now. They are
   * asked one by one, never from a cache; one that does not answer within a second is `silent`. Rejects with
   * `RingletError`: `bad-argument`, `key-too-large` or `bucket-name-too-large`.
   *
   * ```ts
   * const { partition, preference } = await peer.locate('carts', 'alice')
   * const owners = preference.filter(({ role }) => role === 'owner')
   * ```
   */
  locate(bucket: string, key: KeyPath): Promise<Location>
  /** What each member says of itself just now; of those that do not answer within a second it says just that. */
  reports(): Promise<readonly MemberReport[]>
  /** Closed, the gate drops every link and refuses new ones; reads and writes go on locally. */
  setGate(open: boolean): void
  /**
   * Listens for a change of `status`, which the event carries; many changes of one turn are one event. The peer is an
   * `EventTarget` of the platform, so what a listener throws goes where the platform sends it (a page's `error` event,
   * a process' `uncaughtException`), and neither the peer nor another listener is touched by it.
   *
   * ```ts
   * peer.addEventListener('status', ({ detail }) => console.log(detail.reach), { signal })
   * ```
   */
  addEventListener(
    type: 'status',
    listener: (event: CustomEvent<PeerStatus>) => void,
    options?: ListenOptions,
  ): void
  /**
   * Listens for writes that the ring has refused for good after this device had acknowledged them: a receipt that was
   * at `device` gets no further, and what was written is shown no more. Each receipt is one event. What was refused
   * before anybody listened is told to the first who does.
   *
   * ```ts
   * peer.addEventListener('refused', ({ detail }) => console.warn(detail.key, detail.error.message))
   * ```
   */
  addEventListener(
    type: 'refused',
    listener: (event: CustomEvent<RefusedWrite>) => void,
    options?: ListenOptions,
  ): void
  removeEventListener(type: 'status', listener: (event: CustomEvent<PeerStatus>) => void): void
  removeEventListener(type: 'refused', listener: (event: CustomEvent<RefusedWrite>) => void): void
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface ListenOptions {
  readonly signal?: AbortSignal
  readonly once?: boolean
}

export interface RefusedWrite {
  /** The id of the receipt, as its writer got it. */
  readonly id: string
  readonly bucket: string
  readonly key: readonly [string, ...string[]]
  /** Why: its `code` and `remedy` say what to do about it. */
  readonly error: RingletError
}

/** Which members own which partition. */
export interface RingSnapshot {
  /** Q: how many partitions the ring is cut into. */
  readonly partitions: number
  /** The ids of all members, sorted. */
  readonly members: readonly string[]
  /** The owners of a partition (0 … Q − 1), most preferred first. Throws a `RangeError` for any other number. */
  owners(partition: number): readonly string[]
  /** The partition of a key. Throws `RingletError` for what is no key. */
  partitionOf(bucket: string, key: KeyPath): number
}

export interface Location {
  readonly partition: number
  /** All members, in the order in which the partition prefers them: its owners, then the fallbacks. */
  readonly preference: readonly Holding[]
}

export interface Holding {
  readonly member: string
  readonly role: 'owner' | 'fallback'
  /** `all`: whatever any of the answers holds; `part`: less; `none`: nothing of the key; `silent`: no answer. */
  readonly holds: 'all' | 'part' | 'none' | 'silent'
  /** How many concurrent values it holds; tombstones are none. */
  readonly siblings: number
}

export interface MemberReport {
  readonly member: string
  /** False: the member said nothing in time, and the rest is empty. */
  readonly answered: boolean
  /** Keys that it holds for owners who lack them. */
  readonly hints: number
  /** Keys that it holds in all, deleted ones included. */
  readonly keys: number
  /** The members that it gets no answer from. */
  readonly suspects: readonly string[]
  /** The member without whose word it may not forget the keys that were deleted. */
  readonly reapingWaitsFor?: string | undefined
}

export interface BucketOptions {
  /**
   * The stage at which a write resolves. With a type the default is `device` (a type may name another): such a write
   * is made on this device and never fails for lack of a network. Without a type it is `quorum`. A write that has not
   * got to its `ack` after 5 s rejects with `quorum-not-reached`, outcome `unknown`, and goes on.
   */
  readonly ack?: Stage
  /**
   * `strict`: a read returns every strict write that was acknowledged before it began, also after disks were lost; all
   * requests of this bucket are of that kind unless one says otherwise. Only ready owners are asked then, a majority of N
   * at least, and no member stands in: with fewer of them in reach a strict request is refused (`quorum-not-reached`), so
   * `quorum` is the `ack` of such a bucket by default, whatever its type.
   *
   * ```ts
   * const stock = peer.bucket('stock', { consistency: 'strict' })
   * await stock.put('mugs', 7)
   * ```
   */
  readonly consistency?: 'strict' | 'quorum'
  /**
   * How long what is written lives, in milliseconds of the writer's wall clock; by default for ever. From then on a value
   * is deleted to every reader whose own clock says so, and forgotten once the clocks of all members do. Anything but a
   * number above 0 is a `bad-argument`.
   *
   * ```ts
   * const sessions = peer.bucket('sessions', { ttlMs: 30 * 60_000 })
   * await sessions.put('alice', { theme: 'dark' })
   * ```
   */
  readonly ttlMs?: number
  /**
   * `buffered`: members acknowledge a write from memory, and one of the N alone syncs it at once; the others do within
   * five seconds. The write survives processes that are killed, and power cuts that spare one of those who acknowledged it, or
   * come once that one has synced it; a cut of the power of all of them within some milliseconds may lose it. A tab keeps
   * its own writes synced all the same, and delivers them until they are on the disks of all owners. Such a bucket is never
   * strict, and `dw` is at most 1 in it.
   *
   * ```ts
   * const sessions = peer.bucket('sessions', { durability: 'buffered' })
   * const { acks, buffered } = await sessions.put('alice', { cart: 7 })
   * console.log(`${acks.length - buffered.length} of ${acks.length} have synced it`)
   * ```
   */
  readonly durability?: 'synced' | 'buffered'
}

/** A type with an `ack` is no options: without this, the compiler would take it for some. */
interface NoType {
  readonly merge?: never
}

export interface ReadOptions {
  /**
   * `local`: from this device's copy at once; `quorum` (default): from R owners; `strict`: from a majority of ready owners,
   * never from a copy.
   */
  readonly consistency?: 'strict' | 'quorum' | 'local'
  /** So many hosts answer, from 1 to N; of a strict read ⌊N/2⌋ + 1 at least. Anything else is a `bad-argument`. */
  readonly r?: number
  /** So many of the answers come from owners, from 1 to N. */
  readonly pr?: number
}

export interface ListOptions {
  /** A partition key, or a path that begins with one: every key that begins with these parts is listed. */
  readonly prefix: KeyPath
  /**
   * `quorum` (default): what R owners have, with this device's undelivered writes on top. `local`: what this device
   * holds, at once: what it follows and has written; in a member, its own records if it is an owner. `strict`: what a
   * majority of ready owners have.
   */
  readonly consistency?: 'strict' | 'quorum' | 'local'
}

/** One key of a listing: what a read of it shows, and the path that it is read by. */
export type Entry<R> = R & { readonly key: readonly [string, ...string[]] }

export interface WriteOptions {
  /** What the writer has read; by default what this handle last read or wrote of the key. `none`: truly blind. */
  readonly context?: string
  readonly ack?: Stage
  readonly consistency?: 'strict' | 'quorum'
  /** So many hosts take it, from 1 to N; of a strict write ⌊N/2⌋ + 1 at least. Anything else is a `bad-argument`. */
  readonly w?: number
  /** So many of those that take it are owners, from 1 to N. */
  readonly pw?: number
  /** So many of them are durable members that have it on their disks, from 1 to N; in a buffered bucket 1 at most. */
  readonly dw?: number
  /** How long this value lives instead of its bucket's `ttlMs`; `none`: for ever. Of a delete it means nothing. */
  readonly ttlMs?: number | 'none'
}

export interface Bucket<V, R> {
  readonly name: string
  get(key: KeyPath, options?: ReadOptions): Promise<R>
  put(key: KeyPath, value: V, options?: WriteOptions): Promise<Receipt>
  delete(key: KeyPath, options?: WriteOptions): Promise<Receipt>
  /**
   * The keys that begin with `prefix`, in the order of their paths, deleted ones left out. Keys are asked for page by
   * page as the loop goes on: one that is written meanwhile may or may not be met. Rejects with `RingletError`:
   * `unreachable` or `quorum-not-reached` when R owners cannot be asked, `bad-argument` for what is no prefix.
   *
   * ```ts
   * for await (const { key, value } of notes.entries({ prefix: 'alice' })) {
   *   console.log(key.slice(1).join('/'), value)
   * }
   * ```
   */
  entries(options: ListOptions): AsyncIterable<Entry<R>>
  /** Keeps a copy of the key on this device, and keeps it fresh. */
  follow(key: KeyPath): Promise<void>
  unfollow(key: KeyPath): Promise<void>
  /**
   * The latest state, now and after each change; states that nobody waited for are skipped. The key is followed for as
   * long as it is watched, and stays so if the page goes away meanwhile: the next one shows it without a network. Ends
   * with its signal, or with the peer.
   */
  watch(key: KeyPath, options?: { readonly signal?: AbortSignal }): AsyncIterable<R>
}

/**
 * `change` gets the current value and the write's own id, which is the same at every retry. Calls for one key are
 * queued, so that no two of them read the same state.
 */
export interface TypedBucket<V> extends Bucket<V, TypedRead<V>> {
  update(
    key: KeyPath,
    change: (value: V, write: WriteId) => V,
    options?: WriteOptions,
  ): Promise<Receipt>
}

export interface PlainBucket extends Bucket<unknown, PlainRead> {
  update(
    key: KeyPath,
    change: (siblings: readonly unknown[], write: WriteId) => unknown,
    options?: WriteOptions,
  ): Promise<Receipt>
}

interface Read {
  readonly found: boolean
  /** Opaque, JSON-safe, bound to the key: hand it back with the next write. */
  readonly context: string
  readonly source: 'quorum' | 'local'
  /** Writes of this device to this key that no quorum has confirmed yet. */
  readonly pending: number
  /** The stage that this device's last write of the key has reached; undefined if it wrote none. */
  readonly stage: Stage | undefined
  /** How many of the R answers are missing (a local read misses all). */
  readonly missing: number
}

export interface TypedRead<V> extends Read {
  /** All siblings merged; the type's empty value when there is none. */
  readonly value: V
  /** Stored values that are none of this type: shown, never dropped silently. */
  readonly invalid: readonly unknown[]
}

export interface PlainRead extends Read {
  readonly siblings: readonly unknown[]
  /** The one sibling's value; undefined when there is none or more than one. */
  readonly value: unknown
}

export interface Receipt {
  /** Names this write on this device, across reloads; opaque text, of a few dozen characters or a few hundred. */
  readonly id: string
  /** What the writer has seen now: its own context and its own write. */
  readonly context: string
  readonly stage: Stage
  /** The members that are known to have it, durably but for those in `buffered`; of a write from before a reload none may be. */
  readonly acks: readonly string[]
  /** Those of `acks` that had it in a buffer when they answered; in a bucket that is synced, none. */
  readonly buffered: readonly string[]
  /** Fallbacks that hold it for owners: fallback → the owner it stands in for. */
  readonly hints: Readonly<Record<string, string>>
  /** Resolves when the write reaches `stage`; rejects if it is refused for good, or the peer is closed before. */
  reached(stage: Stage): Promise<void>
}

export interface PeerStatus {
  readonly id: string
  readonly kind: 'member' | 'edge'
  readonly ring: {
    readonly name: string
    readonly n: number
    readonly r: number
    readonly w: number
  }
  /** How many members answer: all, some or none. */
  readonly reach: 'all' | 'some' | 'none'
  /** Writes of this device that no quorum has confirmed. */
  readonly pendingWrites: number
  /** Keys that this peer holds for owners who lack them. */
  readonly hints: number
  readonly members: readonly MemberStatus[]
  readonly links: readonly { readonly peer: string; readonly roundTripMs: number | undefined }[]
  readonly gate: 'open' | 'closed'
  /** A tab that its browser has frozen or put away is `asleep`: it starts nothing until it wakes. */
  readonly activity: 'awake' | 'asleep'
  /**
   * What this device's store says of its space, as far as it says anything. `persisted`: whether the browser has
   * promised to clear it only when its user says so.
   */
  readonly storage: {
    readonly usedBytes?: number
    readonly quotaBytes?: number
    readonly persisted?: boolean
    /** What a member keeps for owners that are away, and may keep; an edge says nothing. */
    readonly hints?: HintSpaceStatus
  }
  readonly warnings: readonly string[]
  /** What a member has to do; an edge says nothing. */
  readonly load?: LoadStatus
}

export interface HintSpaceStatus {
  readonly usedBytes: number
  /** At this it takes no more for others, who turn to the next member; `warnings` says so for as long as it lasts. */
  readonly limitBytes: number
  /** Since its start: how often it had no room for what it was to keep. */
  readonly refused: number
}

export interface LoadStatus {
  /** Reads and writes that it coordinates just now. */
  readonly underWay: number
  /** Since its start: reads and writes that were refused because too much was under way. */
  readonly refused: number
  /** Since its start: reads for which one owner more was asked because another took long. */
  readonly hedged: number
  /** The last minute's 99th percentile of its own part of a read or write, in milliseconds; null after too few of them. */
  readonly p99Ms: number | null
  /** What part of its time its background work may take just now: from a tenth, while reads and writes are slow, to 1. */
  readonly background: number
}

export interface MemberStatus {
  readonly id: string
  readonly state: 'self' | 'up' | 'suspect'
  readonly class: 'durable' | 'transient'
  readonly host: string
  readonly zone: string
  readonly weight: number
  readonly addresses: readonly string[]
  /** The share of the ring's replicas that it owns, from 0 to 1. */
  readonly share: number
  /**
   * `ready`: it holds all that it ever acknowledged. `refilling`: it lost a disk, and until it has heard from enough other
   * owners it counts for no strict request. `new`: its store is, and it is about to ask them.
   */
  readonly readiness: 'ready' | 'refilling' | 'new'
}
