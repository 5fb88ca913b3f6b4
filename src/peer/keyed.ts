/**
 * What a bucket stands on: keys that are read, written and watched, at an edge or at a member alike. Types only.
 */
import type { Key } from '../data/key.ts'
import type { ObjectState, Value } from '../data/siblings.ts'
import type { Seen } from '../data/vector.ts'
import type { Stage } from '../protocol/copy.ts'
import type { Numbers, WriteDemands } from '../protocol/demands.ts'
import type { PageAsked } from '../protocol/listing.ts'
import type { WriteId } from '../values/type.ts'
import type { Clock } from '../ports.ts'
import type { Receipt } from './api.ts'

export interface KeyedRead {
  /** As this peer's clock shows it: what has expired is a tombstone. */
  readonly state: ObjectState
  readonly source: 'quorum' | 'local'
  readonly pending: number
  readonly stage: Stage | undefined
  readonly missing: number
}

/** One key of a listing. */
export interface ListedRead extends KeyedRead {
  readonly key: Key
}

/** A part of a listing, in the order of the keys; tombstones are listed too. */
export interface KeyedPage {
  readonly reads: readonly ListedRead[]
  /** Where the next page begins; undefined at the end. */
  readonly upTo: Key | undefined
}

export interface WriteOrder {
  readonly key: Key
  readonly context: Seen
  readonly value: Value
  /** The stage at which the write resolves. */
  readonly ack: Stage
  /** What it asks for; by default W answers. */
  readonly demands?: Partial<WriteDemands>
  /** What an update was told that its write is called: it must not be told so again. */
  readonly write?: WriteId
}

export interface Watcher {
  /** There may be something new to read. */
  readonly changed: () => void
  /** The peer is closed: there will never be. */
  readonly ended: () => void
}

/** How a read is answered. `strict`: by ready owners alone, a majority of them at least. */
export type Consistency = 'strict' | 'quorum' | 'local'

export interface Keyed {
  /**
   * `local`: this device's copy at once. `quorum`: R owners; what it follows it still shows without them. `strict`: never
   * without them. `numbers`: other ones than usual.
   */
  read(key: Key, consistency: Consistency, numbers?: Pick<Numbers, 'r' | 'pr'>): Promise<KeyedRead>
  /** The next page behind `after` of the keys that begin with `prefix`. `local`: of what this device holds. */
  list(asked: PageAsked, consistency: Consistency): Promise<KeyedPage>
  write(order: WriteOrder): Promise<Receipt>
  /** The identity of this device's next write of the key; the same again until that write is made. */
  nextWrite(key: Key): Promise<WriteId>
  /** Whether this device holds a copy that it may start from. */
  holds(key: Key): boolean
  follow(key: Key): Promise<void>
  unfollow(key: Key): Promise<void>
  /** Watches what is read locally, which is followed meanwhile; the returned function stops that. */
  watch(key: Key, watcher: Watcher): Promise<() => void>
  /** Wall time in milliseconds, for the value's own time. */
  now(): number
  /** What a watch waits by, for a value to expire. */
  readonly clock: Clock
}
