/**
 * Who a store is: its generation, and the epochs that it hands out.
 *
 * A generation is bound to 128 random bits drawn when the store was made, so a wiped disk comes back as another and
 * can never mint its predecessor's dots again. Epochs are taken in the same durable step as the write that needs one:
 * a crash loses both or neither.
 */
import { type Bytes, emptyBytes, equalBytes } from '../data/bytes.ts'
import type { ActorId } from '../data/vector.ts'
import { decode, encode } from '../protocol/codec.ts'
import { StorageError } from '../protocol/errors.ts'
import type { Say } from '../protocol/event.ts'
import type { PeerId } from '../protocol/membership.ts'
import {
  generationOfStore,
  storageKeys,
  storeFormat,
  storeIdentity,
  type StoreIdentity,
} from '../protocol/record.ts'
import type { Random, Storage, Write } from '../ports.ts'

/** Reads the store's identity, or makes it; refuses a store of another peer, another ring or a newer format. */
export async function openIdentity(
  storage: Storage,
  random: Random,
  self: PeerId,
  ring: string,
  say: Say,
): Promise<StoreIdentity> {
  const seed = random.bytes(16)
  const identity = await storage.update([storageKeys.identity], ([stored]) => {
    if (stored !== undefined) return { writes: [], result: checkedIdentity(stored, self, ring) }
    const made: StoreIdentity = { format: storeFormat, peer: self, ring, seed, epoch: 0 }
    const write = { key: storageKeys.identity, value: encode(storeIdentity, made) }
    return { writes: [write], result: made }
  })
  say({ type: 'generation', detail: generationOfStore(identity) })
  return identity
}

/** Draws a new generation for a store that is not the only one of its name. */
export async function renewIdentity(
  storage: Storage,
  random: Random,
  say: Say,
): Promise<StoreIdentity> {
  const seed = random.bytes(16)
  const renewed = await storage.update([storageKeys.identity], ([stored]) => {
    const identity = { ...decode(storeIdentity, stored ?? emptyBytes), seed, epoch: 0 }
    const write = { key: storageKeys.identity, value: encode(storeIdentity, identity) }
    return { writes: [write], result: identity }
  })
  say({ type: 'generation', detail: generationOfStore(renewed) })
  return renewed
}

/** A generation, and the bits that it stands for. */
export interface Known {
  readonly seed: Bytes
  readonly generation: string
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
    return (this.#identity ??= decode(storeIdentity, this.#stored))
  }
}

function checkedIdentity(stored: Uint8Array, self: PeerId, ring: string): StoreIdentity {
  const identity = decode(storeIdentity, stored)
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
