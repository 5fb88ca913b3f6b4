/**
 * One entry of what an edge keeps: read from the store as bytes, decoded when somebody first looks at it.
 *
 * A tab may follow thousands of keys and show ten. To decode and check all of them would keep its page waiting at every
 * start, so at a start only their gist is read: whether they are followed, and whether they have writes to deliver.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Key } from '../data/key.ts'
import { type EdgeCopy, type Gist, gistOf } from '../protocol/copy.ts'

/** Decodes an entry; one that cannot be read is as good as none. Never throws. */
export type ReadCopy = (stored: Bytes) => EdgeCopy

interface Unread {
  readonly stored: Bytes
  readonly gist: Gist
  readonly read: ReadCopy
}

export class Kept {
  readonly key: Key
  /** The moment at which the owners' word last became the copy; 0 for never in this session. */
  replacedAt = 0
  /** The moment at which a write of this device was last found to be everywhere; 0 for never in this session. */
  settledAt = 0
  #held: EdgeCopy | Unread

  constructor(key: Key, held: EdgeCopy | Unread) {
    this.key = key
    this.#held = held
  }

  /** The entry that is stored in these bytes. */
  static of(key: Key, stored: Bytes, read: ReadCopy): Kept {
    const gist = gistOrNone(stored)
    // What is owed is looked at from the first tick on.
    const readNow = gist === undefined || gist.unsettled
    return new Kept(key, readNow ? read(stored) : { stored, gist, read })
  }

  get held(): EdgeCopy {
    if ('stored' in this.#held) this.#held = this.#held.read(this.#held.stored)
    return this.#held
  }

  set held(held: EdgeCopy) {
    this.#held = held
  }

  get followed(): boolean {
    return 'stored' in this.#held ? this.#held.gist.followed : this.#held.followed
  }

  /** Whether this device has written the key under this actor, its last one. */
  isMintedBy(actor: string): boolean {
    return ('stored' in this.#held ? this.#held.gist.minter : this.#held.minter) === actor
  }

  /** Whether this device has ever written the key. */
  get isWritten(): boolean {
    return ('stored' in this.#held ? this.#held.gist.count : this.#held.count) > 0
  }

  get unsettled(): boolean {
    return 'stored' in this.#held ? this.#held.gist.unsettled : this.#held.writes.length > 0
  }
}

export function gistOrNone(stored: Bytes): Gist | undefined {
  try {
    return gistOf(stored)
  } catch {
    return undefined
  }
}
