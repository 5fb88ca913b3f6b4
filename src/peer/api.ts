/**
 * What an application sees of a peer. Types only; `bucket.ts` and `peer.ts` implement them.
 *
 * Every answer says where it comes from and every write says how far it got, because "is it saved, and where?" is
 * the question that users ask most.
 */
import type { KeyPath } from '../data/key.ts'
import type { Stage } from '../protocol/copy.ts'
import type { MergeableType, WriteId } from '../values/type.ts'

/** How far a write got: on this device; at W members on distinct hosts; at all N owners. */
export type { Stage }

export interface Peer {
  /** The peer's id, `12D3KooW…`. */
  readonly id: string
  readonly status: PeerStatus
  /** A bucket whose values merge themselves. */
  bucket<V>(name: string, type: MergeableType<V>, options?: BucketOptions): TypedBucket<V>
  /** A bucket that shows siblings: structured data or raw bytes, reconciled by the application. */
  bucket(name: string, options?: BucketOptions & NoType): PlainBucket
  /** The receipt of an earlier write of this device, also one from before a reload. */
  receipt(id: string): Promise<Receipt | undefined>
  /** Closed, the gate drops every link and refuses new ones; reads and writes go on locally. */
  setGate(open: boolean): void
  /** Calls `listener` after each change of `status`; the returned function stops that. */
  onStatus(listener: (status: PeerStatus) => void): () => void
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface BucketOptions {
  /** The stage at which a write resolves. Default `quorum`; a type may name another. */
  readonly ack?: Stage
}

/** A type with an `ack` is no options: without this, the compiler would take it for some. */
interface NoType {
  readonly merge?: never
}

export interface ReadOptions {
  /** `local`: from this device's copy at once; `quorum` (default): from R owners. */
  readonly consistency?: 'quorum' | 'local'
}

export interface WriteOptions {
  /** What the writer has read; by default what this handle last read or wrote of the key. `none`: truly blind. */
  readonly context?: string
  readonly ack?: Stage
}

export interface Bucket<V, R> {
  readonly name: string
  get(key: KeyPath, options?: ReadOptions): Promise<R>
  put(key: KeyPath, value: V, options?: WriteOptions): Promise<Receipt>
  delete(key: KeyPath, options?: WriteOptions): Promise<Receipt>
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
  /** Names this write on this device, across reloads. */
  readonly id: string
  /** What the writer has seen now: its own context and its own write. */
  readonly context: string
  readonly stage: Stage
  /** The members that have it durably. */
  readonly acks: readonly string[]
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
  readonly storage: { readonly usedBytes?: number; readonly quotaBytes?: number }
  readonly warnings: readonly string[]
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
}
