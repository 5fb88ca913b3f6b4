/**
 * The one way to read and write an object: state may change across every await.
 *
 * Whatever changes a record goes through `change`: the newest state in, one synchronous decision, one durable step
 * out, with the marker of what is owed and the digest of its partition kept in the same breath. Reads see only what
 * is durable. A record that fails its check is quarantined: as good as lost, and never believed.
 */
import type { Digest } from '../data/hash.ts'
import { type Key, showKey } from '../data/key.ts'
import { type ObjectState, stateDigest } from '../data/siblings.ts'
import type { ActorId } from '../data/vector.ts'
import { decode, encode } from '../protocol/codec.ts'
import type { Say } from '../protocol/event.ts'
import type { PeerId } from '../protocol/membership.ts'
import {
  absentObject,
  decodeObject,
  encodeObject,
  generationOfStore,
  marker,
  remembered,
  shelfRange,
  storageKeys,
  type StoredObject,
  type StoreIdentity,
} from '../protocol/record.ts'
import type { Storage, Write } from '../ports.ts'
import { Digests } from './digests.ts'
import { Epochs } from './epochs.ts'

/** What a decision sees: the object, and the means to mint. */
export interface Desk {
  readonly object: StoredObject
  readonly owed: readonly PeerId[]
  /** The store's generation, as of this step. */
  generation(): string
  /** A fresh actor, taken in the same durable step. */
  takeEpoch(): ActorId
  /** The stored bytes of the extra keys that were asked for. */
  readonly extras: readonly (Uint8Array | undefined)[]
}

/** What it decides; an absent part stays as it is. */
export interface Decision<T> {
  readonly result: T
  readonly state?: ObjectState
  readonly minter?: ActorId | undefined
  /** The owners still owed; an empty list drops the marker. */
  readonly owed?: readonly PeerId[]
  /** Drops the whole record, and the marker with it. */
  readonly drop?: boolean
  readonly writes?: readonly Write[]
}

export type Changed = (key: Key, state: ObjectState) => void

export class Records {
  readonly digests: Digests
  /** The generation of the store, stated in this peer's record and in each answer that something is durable. */
  readonly generation: string
  readonly #storage: Storage
  readonly #say: Say
  readonly #changed = new Set<Changed>()

  constructor(storage: Storage, q: number, say: Say, identity: StoreIdentity) {
    this.#storage = storage
    this.#say = say
    this.generation = generationOfStore(identity)
    this.digests = new Digests(storage, q)
  }

  onChange(listener: Changed): () => void {
    this.#changed.add(listener)
    return () => this.#changed.delete(listener)
  }

  async read(key: Key): Promise<StoredObject> {
    return this.#decoded(key, await this.#storage.get(storageKeys.object(key)))
  }

  /** The object and its marker change in one durable step, decided on their newest state. */
  async change<T>(
    key: Key,
    decide: (desk: Desk) => Decision<T>,
    extraKeys: readonly Uint8Array[] = [],
  ): Promise<T> {
    const objectKey = storageKeys.object(key)
    const markerKey = storageKeys.marker(key)
    const keys = [objectKey, markerKey, storageKeys.identity, ...extraKeys]
    let before: Digest = absentObject.digest
    let after: Digest = before
    let now: ObjectState | undefined
    this.digests.begin(key)
    let result: T
    try {
      result = await this.#storage.update(keys, ([stored, owedBytes, identityBytes, ...extras]) => {
        const object = this.#decoded(key, stored)
        const owed = owedBytes === undefined ? [] : decode(marker, owedBytes)
        before = object.digest
        after = before
        const epochs = new Epochs(identityBytes)
        const decision = decide({
          object,
          owed,
          extras,
          generation: () => epochs.generation(),
          takeEpoch: () => epochs.take(),
        })
        const writes: Write[] = [...(decision.writes ?? []), ...epochs.writes()]
        if (decision.drop === true) {
          after = absentObject.digest
          writes.push({ key: objectKey, value: undefined }, { key: markerKey, value: undefined })
          return { writes, result: decision.result }
        }
        const next = nextObject(key, object, decision)
        if (next !== object) {
          after = next.digest
          now = next.state
          writes.push({ key: objectKey, value: encodeObject(next) })
        }
        if (decision.owed !== undefined && !sameList(decision.owed, owed)) {
          const value = decision.owed.length === 0 ? undefined : encode(marker, decision.owed)
          writes.push({ key: markerKey, value })
        }
        return { writes, result: decision.result }
      })
    } catch (error) {
      this.digests.doubt(key)
      throw error
    }
    this.digests.end(key, before, after)
    if (now !== undefined) for (const listener of this.#changed) listener(key, now)
    return result
  }

  /** Forgets the request ids that were noted before `wallMs`: no retry comes that late. */
  async forgetRequests(wallMs: number): Promise<void> {
    const { from, to } = shelfRange('request')
    for (let at = from; ;) {
      const slice = await this.#storage.range(at, to, 1000)
      const old = slice.filter(({ value }) => decode(remembered, value).at < wallMs)
      const writes = old.map(({ key }) => ({ key, value: undefined }))
      if (writes.length > 0) await this.#storage.update([], () => ({ writes, result: undefined }))
      const last = slice.at(-1)
      if (last === undefined || slice.length < 1000) return
      at = Uint8Array.of(...last.key, 0)
    }
  }

  #decoded(key: Key, stored: Uint8Array | undefined): StoredObject {
    try {
      return decodeObject(key, stored)
    } catch (error) {
      this.#say({ type: 'quarantined', key: showKey(key), detail: (error as Error).message })
      this.digests.remake()
      return absentObject
    }
  }
}

function nextObject<T>(key: Key, object: StoredObject, decision: Decision<T>): StoredObject {
  const state = decision.state ?? object.state
  const minter = 'minter' in decision ? decision.minter : object.minter
  if (state === object.state && minter === object.minter) return object
  const digest = state === object.state ? object.digest : stateDigest(key.bytes, state)
  return { state, minter, digest }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i])
}
