/**
 * Who a store is: its generation, and the epochs that it hands out.
 *
 * A generation is bound to 128 random bits drawn when the store was made, so a wiped disk comes back as another and
 * can never mint its predecessor's dots again. Epochs are taken in the same durable step as the write that needs one:
 * a crash loses both or neither.
 */
import { type Bytes, equalBytes } from '../data/bytes.ts'
import type { ActorId } from '../data/vector.ts'
import { decode, encode } from '../protocol/codec.ts'
import { StorageError } from '../protocol/errors.ts'
import type { Say } from '../protocol/event.ts'
import type { PeerId } from '../protocol/membership.ts'
import { placeOf } from '../protocol/buffering.ts'
import {
  generationOfStore,
  storageKeys,
  storeFormat,
  storeIdentity,
  type StoreIdentity,
} from '../protocol/record.ts'
import type { Changed, Random, Storage, Write } from '../ports.ts'

/** Whose store it is, and of which ring. */
export interface StoreOwner {
  readonly self: PeerId
  readonly ring: string
}

/**
 * Reads the store's identity, or makes it; refuses a store of another peer, another ring or a newer format. One that is
 * damaged is made anew: who cannot tell which names it gave out may use none of them again.
 */
export async function openIdentity(
  storage: Storage,
  random: Random,
  owner: StoreOwner,
  say: Say,
): Promise<StoreIdentity> {
  const seed = random.bytes(16)
  const identity = await storage.update([storageKeys.identity], ([stored]) => {
    const known = stored && soundIdentity(stored, say)
    if (known !== undefined) return kept(checkedIdentity(known, owner), storage.medium)
    return written(freshIdentity(owner, seed, storage.medium))
  })
  say({ type: 'generation', detail: generationOfStore(identity) })
  return identity
}

/** Draws a new generation for a store that is not the only one of its name, or cannot tell which it was. */
export async function renewIdentity(
  storage: Storage,
  random: Random,
  owner: StoreOwner,
  say: Say,
): Promise<StoreIdentity> {
  const renewed = freshIdentity(owner, random.bytes(16), storage.medium)
  await storage.update([storageKeys.identity], () => written(renewed))
  say({ type: 'generation', detail: generationOfStore(renewed) })
  return renewed
}

/** Whether the store stands on another medium than it was made on: it is a copy, and the other may live. */
export function isCopied({ medium }: StoreIdentity, storage: Storage): boolean {
  return medium !== '' && storage.medium !== undefined && medium !== storage.medium
}

/** A generation, and the bits that it stands for. */
export interface Known {
  readonly seed: Bytes
  readonly generation: string
  /** The bytes that were found sound last: most steps meet the same again. */
  last?: { readonly stored: Bytes; readonly identity: StoreIdentity }
}

/** Hands out epochs within one update, and writes back the counter if it did. */
export class Epochs {
  readonly #stored: Uint8Array | undefined
  readonly #known: Known | undefined
  #identity: StoreIdentity | undefined
  #taken = 0

  /** `known` spares the hashing where the store is still what it was when it was opened. */
  constructor(stored: Uint8Array | undefined, known?: Known) {
    this.#stored = stored
    this.#known = known
  }

  generation(): string {
    const identity = this.#read()
    const known = this.#known
    if (known !== undefined && equalBytes(known.seed, identity.seed)) return known.generation
    return generationOfStore(identity)
  }

  take(): ActorId {
    this.#taken++
    return `${this.generation()}.${this.#read().epoch + this.#taken}`
  }

  /** None of these is handed out again, should they be of this generation: then the store was set back. */
  passOver(actors: Iterable<ActorId>): void {
    const own = `${this.generation()}.`
    for (const actor of actors) {
      if (!actor.startsWith(own)) continue
      const ahead = placeOf(Number(actor.slice(own.length))) - this.#read().epoch
      this.#taken = Math.max(this.#taken, ahead)
    }
  }

  writes(): Write[] {
    if (this.#taken === 0) return []
    const identity = this.#read()
    const spent = { ...identity, epoch: identity.epoch + this.#taken }
    return [{ key: storageKeys.identity, value: encode(storeIdentity, spent) }]
  }

  /** A store without an identity was wiped under our feet: nothing may be minted from it. */
  #read(): StoreIdentity {
    if (this.#stored === undefined) {
      throw new StorageError('store-lost', 'the store has lost its identity', {
        remedy: 'Restart the peer: it comes back with a new generation and refills itself.',
      })
    }
    return (this.#identity ??= this.#sound(this.#stored))
  }

  #sound(stored: Bytes): StoreIdentity {
    const last = this.#known?.last
    if (last !== undefined && equalBytes(last.stored, stored)) return last.identity
    const kept = stored.slice()
    const identity = readIdentity(kept)
    if (this.#known !== undefined) this.#known.last = { stored: kept, identity }
    return identity
  }
}

function freshIdentity({ self, ring }: StoreOwner, seed: Bytes, medium = ''): StoreIdentity {
  return { format: storeFormat, peer: self, ring, seed, epoch: 0, medium }
}

/** One of a time when the medium was not noted belongs to this one. */
function kept(identity: StoreIdentity, medium = ''): Changed<StoreIdentity> {
  if (identity.medium === '' && medium !== '') return written({ ...identity, medium })
  return { writes: [], result: identity }
}

function written(identity: StoreIdentity): Changed<StoreIdentity> {
  const write = { key: storageKeys.identity, value: encode(storeIdentity, identity) }
  return { writes: [write], result: identity }
}

/** Undefined, and said aloud, where it is not what was written. */
function soundIdentity(stored: Bytes, say: Say): StoreIdentity | undefined {
  try {
    return decode(storeIdentity, stored)
  } catch (error) {
    say({ type: 'quarantined', detail: `the store's identity: ${(error as Error).message}` })
    return undefined
  }
}

function readIdentity(stored: Bytes): StoreIdentity {
  try {
    return decode(storeIdentity, stored)
  } catch (cause) {
    throw new DamagedIdentity(cause)
  }
}

/** Nothing may be minted from such a store until it has a new generation. */
export class DamagedIdentity extends StorageError {
  constructor(cause: unknown) {
    super('store-corrupt', 'the store can no longer tell which writes it has named', {
      remedy: 'Start the peer again: it comes back with a new generation.',
      cause,
    })
    this.name = 'DamagedIdentity'
  }
}

function checkedIdentity(identity: StoreIdentity, { self, ring }: StoreOwner): StoreIdentity {
  if (identity.format > storeFormat) {
    throw new StorageError(
      'store-format',
      `the store has format ${identity.format}, newer than ${storeFormat}`,
      {
        remedy: 'Start a newer version of Ringlet on this data, or use another data folder.',
      },
    )
  }
  if (identity.peer !== self) {
    throw new StorageError('store-corrupt', 'the store belongs to another peer', {
      remedy: 'Start the peer with the key that this data folder was made with.',
    })
  }
  if (identity.ring !== ring) {
    throw new StorageError('wrong-ring', 'the store holds the data of another ring', {
      remedy: "Start the peer with its own ring's file, or use another data folder.",
    })
  }
  return identity
}
