/**
 * The world as five interfaces. Everything a peer can lose, wait for or be surprised by comes through one of
 * these, so that a simulator can stand in for all of it. Types only: nothing runs here.
 */
import type { Bytes } from './data/bytes.ts'
import type { Durability } from './protocol/buffering.ts'
import type { PeerEvent } from './protocol/event.ts'
import type { PeerId } from './protocol/membership.ts'

/** Request and reply with a deadline, one-way notices, and the news of links that come and go. */
export interface Transport {
  readonly self: PeerId
  /** Where this peer can be dialled: addresses to put into its membership record. */
  readonly addresses: readonly string[]
  /** Starts serving; until then inbound messages wait. Called once. */
  serve(receiver: Receiver): void
  /**
   * Sends `body` and resolves with the reply. Dials first if there is no link and an address is known.
   * Rejects with `TransportError`: its `sent` says whether the receiver may have acted on it.
   */
  request(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes>
  /** Sends without an answer; dropped silently when there is no link. */
  notify(to: PeerId, body: Bytes, lane: Lane): void
  /** Tells where a peer may be dialled; the newest word replaces the older. */
  learn(peer: PeerId, addresses: readonly string[]): void
  /** Dials an address whose peer is not known yet (a bootstrap address); resolves with who answered. */
  dial(address: string): Promise<PeerId>
  links(): readonly Link[]
  /** The gate: closed, it drops every link and refuses new ones, as if the network were gone. */
  setGate(open: boolean): void
  close(): Promise<void>
}

/** Background traffic (handoff, anti-entropy) waits behind the foreground. */
export type Lane = 'foreground' | 'background'

export interface RequestOptions {
  readonly lane: Lane
  readonly deadlineMs: number
}

/** What a transport calls. `request` never rejects: a refusal is an encoded reply. */
export interface Receiver {
  /**
   * Whether there is no room for this request: asked before it is handed over. Its asker then hears `overloaded`, and
   * knows that it was not looked at.
   */
  refuses?(from: PeerId, body: Bytes): boolean
  request(from: PeerId, body: Bytes): Promise<Bytes>
  notice(from: PeerId, body: Bytes): void
  /** A link stands. `session` grows with each link to that peer, so that what a former one brings late can be told. */
  up(peer: PeerId, session: number): void
  down(peer: PeerId, session: number): void
}

export interface Link {
  readonly peer: PeerId
  readonly session: number
  readonly address: string
  /** Smoothed round-trip time; undefined until the first heartbeat came back. */
  readonly roundTripMs: number | undefined
}

/** Ordered byte keys. One process at a time holds a store; a second is refused (`store-locked`). */
export interface Storage {
  /**
   * Tells this medium from one that its content was copied to, where the host can tell (a file's number and the time of
   * its making): stays as long as the store does, and is that of no other.
   */
  readonly medium?: string | undefined
  /** Reads see only what is committed, never what is still queued: durable, but for what was asked to be buffered. */
  get(key: Bytes): Promise<Bytes | undefined>
  getMany(keys: readonly Bytes[]): Promise<(Bytes | undefined)[]>
  /** Ascending, from `from` (included) to `to` (excluded), at most `limit` entries. */
  range(from: Bytes, to: Bytes, limit: number): Promise<StoredEntry[]>
  /**
   * The one way to write: `change` gets the newest state of `keys`, writes still queued included, and says in one
   * synchronous step what to write (any keys). All of it becomes durable, or none. Resolves, in the order of the
   * calls, once everything that `change` saw or wrote is durable. A throw in `change` writes nothing and rejects.
   *
   * `buffered` resolves once it is committed: the process may die, but a power cut may take it back. What a power cut
   * leaves is all updates up to one of them, in the order of the calls, and all up to the last one that was synced, which
   * may have written nothing.
   */
  update<T>(keys: readonly Bytes[], change: Change<T>, durability?: Durability): Promise<T>
  /** What the store's medium says of its space, and whether it may be cleared unasked, where it says anything. */
  usage(): Promise<{
    readonly usedBytes?: number
    readonly quotaBytes?: number
    readonly persisted?: boolean
  }>
  close(): Promise<void>
}

export type Change<T> = (current: readonly (Bytes | undefined)[]) => Changed<T>

export interface Changed<T> {
  readonly writes: readonly Write[]
  readonly result: T
}

/** `value` undefined deletes. */
export interface Write {
  readonly key: Bytes
  readonly value: Bytes | undefined
}

export interface StoredEntry {
  readonly key: Bytes
  readonly value: Bytes
}

export type { Durability }

export interface Clock {
  /** Wall time in milliseconds since 1970: for people and last-write-wins; may jump either way. */
  now(): number
  /** Awake time in milliseconds since some moment: never goes back. All deadlines use it. */
  elapsed(): number
  /** Calls `run` once after `delayMs`; the returned function cancels. */
  after(delayMs: number, run: () => void): () => void
}

export interface Random {
  bytes(length: number): Bytes
  /** From 0 (included) to 1 (excluded). */
  fraction(): number
}

/** One event a line: logs, golden stories, metrics and the drawing of the ring read this one stream. */
export type Trace = (event: PeerEvent) => void
