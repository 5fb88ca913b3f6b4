/**
 * The one way to read and write an object: state may change across every await.
 *
 * Whatever changes a record goes through `change`: the newest state in, one synchronous decision, one durable step
 * out, with the marker of what is owed and the digest of its partition kept in the same breath. Reads see only what
 * is durable, or was asked to be buffered. A record that fails its check is quarantined: as good as lost, and never believed.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Digest } from '../data/hash.ts'
import { type Key, showKey } from '../data/key.ts'
import { type ObjectState, stateDigest, sync } from '../data/siblings.ts'
import type { ActorId } from '../data/vector.ts'
import { decode, encode } from '../protocol/codec.ts'
import type { RingletError } from '../protocol/errors.ts'
import type { Say } from '../protocol/event.ts'
import { limits } from '../protocol/limits.ts'
import { type MemberRules, memberRules } from '../protocol/member-rules.ts'
import type { PeerId } from '../protocol/membership.ts'
import {
  absentObject,
  decodeObject,
  digestOfStored,
  encodeObject,
  generationOfStore,
  keyOfStored,
  marker,
  remembered,
  shelfRange,
  storageKeys,
  type StoredObject,
  type StoreIdentity,
} from '../protocol/record.ts'
import { risenActors } from '../protocol/reaping.ts'
import {
  type BufferingRules,
  bufferingRules,
  type Durability,
  epochsAside,
} from '../protocol/buffering.ts'
import type { Change, Random, Storage, Write } from '../ports.ts'
import { Digests } from './digests.ts'
import { Doubts, writeOf } from './doubts.ts'
import { EpochsAside, NoneAside } from './epochs-aside.ts'
import { ForeignSpace, type Weighed } from './foreign-space.ts'
import { DamagedIdentity, Epochs, type Known, renewIdentity, type StoreOwner } from './epochs.ts'
import { LetGo } from './let-go.ts'
import { RefusedRequests } from './refused-requests.ts'
import { slices } from './slices.ts'

/** One of many that were read. */
export interface Stored {
  readonly key: Key
  readonly object: StoredObject
  /** How long its record is. */
  readonly bytes: number
}

/** What a decision sees. */
export interface Held {
  /** With what is lent here of the key. */
  readonly object: StoredObject
  /** Without it: what this peer has to tell, and to answer for. */
  readonly found: StoredObject
  /** Whom this peer owes the key; undefined when the marker cannot be read. */
  readonly owed: readonly PeerId[] | undefined
}

/** And the means to mint. */
export interface Desk extends Held {
  /** The store's generation, as of this step. */
  generation(): string
  /**
   * A fresh actor, taken in the same durable step, or for a name that is buffered from those set aside before: throws
   * `NoneAside` where there are none.
   */
  takeEpoch(durability?: Durability): ActorId
  /** The place of the last epoch that an earlier process may have handed out. */
  readonly since: number
  /** Hands out none of these of its own again. */
  passOver(actors: Iterable<ActorId>): void
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
  /** What it is refused with, should it make the foreign records grow beyond their room. */
  readonly orRefuse?: () => RingletError
  readonly writes?: readonly Write[]
  /** What is shown stays as it was: nobody is told now. */
  readonly silent?: boolean
}

type Decide<T> = (held: Held, more: readonly (Uint8Array | undefined)[]) => Decision<T>

/** Where the record and its marker are. */
interface Place {
  readonly key: Key
  readonly objectKey: Uint8Array
  readonly markerKey: Uint8Array
}

/** What one step came to. */
interface Step<T> {
  readonly writes: readonly Write[]
  /** The digests of the record before and after. */
  readonly before: Digest
  readonly after: Digest
  /** The state as it is now, if it changed. */
  readonly now?: ObjectState
  readonly result?: T
  /** The decision threw this. */
  readonly refused?: { readonly error: unknown }
  /** What the record weighs among the foreign ones. */
  readonly weighed?: Weighed
}

/** Of so many keys a member remembers which entries it let go of, for receipts that are asked for: a few megabytes. */
const shortenedRemembered = 256

export type Changed = (key: Key, state: ObjectState) => void

export class Records {
  readonly digests: Digests
  readonly doubts: Doubts
  readonly foreign: ForeignSpace
  readonly shortened = new LetGo(shortenedRemembered)
  readonly refused = new RefusedRequests(limits.refusalsRemembered)
  readonly #storage: Storage
  readonly #say: Say
  #known: Known
  #aside: EpochsAside
  #setting: Promise<void> | undefined
  readonly #changed = new Set<Changed>()
  readonly #owner: StoreOwner
  /** Called when the store can no longer tell who it is: resolves once it is somebody new, and that is stated. */
  onDamage: ((error: DamagedIdentity) => Promise<void>) | undefined
  /** The tombstone that a round of reaping has lent here: whatever comes meanwhile meets it. */
  lentOf: (key: Key) => ObjectState | undefined = () => undefined
  /** The store's awake time, if one of these actors is no present member's, and may deliver again what it minted. */
  risenBy: (actors: readonly ActorId[]) => number | undefined = () => undefined
  /** Called before the store is asked to buffer. */
  onBuffered: () => void = () => {}
  /** How epochs are set aside for names that are buffered. */
  setsAside: BufferingRules['setsAside'] = bufferingRules.setsAside
  /** Which record gives way to the doubt about it. */
  givesWay: MemberRules['givesWay'] = memberRules.givesWay
  #mending: Promise<void> | undefined

  constructor(storage: Storage, q: number, say: Say, identity: StoreIdentity) {
    this.#storage = storage
    this.#say = say
    this.#owner = { self: identity.peer, ring: identity.ring }
    this.#known = { seed: identity.seed.slice(), generation: generationOfStore(identity) }
    this.foreign = new ForeignSpace(say)
    this.#aside = new EpochsAside(this.generation, identity.epoch)
    this.doubts = new Doubts(storage)
    this.digests = new Digests(storage, q, (key) => this.doubts.add(key))
  }

  /** The generation of the store, stated in this peer's record and in each answer that something is durable. */
  get generation(): string {
    return this.#known.generation
  }

  /** Takes a new generation: whatever another copy of this store mints, this one mints nothing like it. */
  async renew(random: Random): Promise<string> {
    const identity = await renewIdentity(this.#storage, random, this.#owner, this.#say)
    this.#known = { seed: identity.seed, generation: generationOfStore(identity) }
    this.#aside = new EpochsAside(this.generation, identity.epoch)
    return this.generation
  }

  onChange(listener: Changed): () => void {
    this.#changed.add(listener)
    return () => this.#changed.delete(listener)
  }

  /** Tells whoever listens what there is of a key. */
  async tell(key: Key): Promise<void> {
    const { state } = await this.read(key)
    for (const listener of this.#changed) listener(key, state)
  }

  async read(key: Key): Promise<StoredObject> {
    return this.#decoded(key, await this.#storage.get(storageKeys.object(key)))
  }

  /** The objects of a range of stored keys, in order; one that is damaged is absent. */
  async range(from: Bytes, to: Bytes, limit: number): Promise<Stored[]> {
    const entries = await this.#storage.range(from, to, limit)
    return entries.map(({ key: storedKey, value }) => {
      const key = keyOfStored(storedKey)
      return { key, object: this.#decoded(key, value), bytes: value.length }
    })
  }

  /** The digests of these objects as they stand in the store, not verified; zeros for none. */
  async digestsOf(keys: readonly Key[]): Promise<Digest[]> {
    const stored = await this.#storage.getMany(keys.map(storageKeys.object))
    return stored.map((each) => (each === undefined ? absentObject.digest : digestOfStored(each)))
  }

  /** The object and its marker change in one durable step, decided on their newest state. */
  change<T>(key: Key, decide: (held: Held) => Decision<T>, durability?: Durability): Promise<T> {
    return this.#change(key, [], decide, durability)
  }

  /** Puts a doubt in the place of a record that is damaged, in one step. */
  dropDamaged(key: Key): Promise<void> {
    return this.change(key, ({ found }) => ({
      drop: this.givesWay(found === damagedObject),
      result: undefined,
    }))
  }

  /**
   * A change that may drop the record. A disk that was set back learns from its records alone which epochs it has handed
   * out since: what this one shows of them is kept.
   */
  letGo<T>(key: Key, decide: (held: Held) => Decision<T>): Promise<T> {
    return this.mint(key, (desk) => {
      const decision = decide(desk)
      if (decision.drop === true) desk.passOver(desk.found.state.seen.keys())
      return decision
    })
  }

  /** A change that may mint. */
  async mint<T>(
    key: Key,
    decide: (desk: Desk) => Decision<T>,
    extraKeys: readonly Uint8Array[] = [],
    durability?: Durability,
  ): Promise<T> {
    const mint = (): Promise<T> => {
      return this.#mintAside(() => this.#mint(key, decide, extraKeys, durability))
    }
    try {
      return await mint()
    } catch (error) {
      if (!(error instanceof DamagedIdentity) || this.onDamage === undefined) throw error
      // All that find the damage wait for one new generation.
      this.#mending ??= this.onDamage(error).finally(() => {
        this.#mending = undefined
      })
      await this.#mending
      return mint()
    }
  }

  /** Sets epochs aside wherever there are none for what is to be named. */
  async #mintAside<T>(mint: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await mint()
      } catch (error) {
        if (!(error instanceof NoneAside)) throw error
        this.#setting ??= this.#setAside().finally(() => {
          this.#setting = undefined
        })
        await this.#setting
      }
    }
  }

  /** On the disk before the first of them names anything. */
  async #setAside(): Promise<void> {
    const aside = this.#aside
    const change: Change<number> = ([identity]) => {
      const epochs = new Epochs(identity, this.#known)
      const first = Number(epochs.take().split('.')[1])
      epochs.passOver([`${epochs.generation()}.${first + epochsAside - 1}`])
      return { writes: epochs.writes(), result: first - 1 }
    }
    const keys = [storageKeys.identity]
    const before = await this.#storage.update(keys, change, this.setsAside())
    // Of a store that has become another one meanwhile it is not known.
    if (aside === this.#aside) aside.set(before, epochsAside)
  }

  #mint<T>(
    key: Key,
    decide: (desk: Desk) => Decision<T>,
    extraKeys: readonly Uint8Array[],
    durability?: Durability,
  ): Promise<T> {
    const keys = [storageKeys.identity, ...extraKeys]
    const decideNow: Decide<T> = (held, [identity, ...extras]) => {
      const epochs = new Epochs(identity, this.#known)
      const generation = (): string => epochs.generation()
      const takeEpoch = (taken?: Durability): ActorId => {
        return taken === 'buffered' ? this.#aside.take(generation()) : epochs.take()
      }
      const passOver = (actors: Iterable<ActorId>): void => epochs.passOver(actors)
      const { since } = this.#aside
      const decision = decide({ ...held, extras, generation, takeEpoch, passOver, since })
      return { ...decision, writes: [...(decision.writes ?? []), ...epochs.writes()] }
    }
    return this.#change(key, keys, decideNow, durability)
  }

  async #change<T>(
    key: Key,
    moreKeys: readonly Uint8Array[],
    decide: Decide<T>,
    durability?: Durability,
  ): Promise<T> {
    if (durability === 'buffered') this.onBuffered()
    const [objectKey, markerKey] = [storageKeys.object(key), storageKeys.marker(key)]
    this.digests.begin(key)
    let weighed: Weighed | undefined
    let step: Step<T>
    try {
      step = await this.#storage.update(
        [objectKey, markerKey, ...moreKeys],
        (current) => {
          const taken = this.#step({ key, objectKey, markerKey }, current, decide)
          weighed = taken.weighed
          if (weighed !== undefined) this.foreign.note(weighed)
          return { writes: taken.writes, result: taken }
        },
        durability,
      )
    } catch (error) {
      this.digests.doubt(key)
      if (weighed !== undefined) this.foreign.undo(weighed, error)
      throw error
    }
    this.digests.end(key, step.before, step.after)
    if (step.refused !== undefined) throw step.refused.error
    if (step.now !== undefined) for (const listener of this.#changed) listener(key, step.now)
    return step.result as T
  }

  /** Forgets the request ids that were noted before `wallMs`: no retry comes that late. */
  async forgetRequests(wallMs: number): Promise<void> {
    for await (const slice of slices(this.#storage, shelfRange('request'))) {
      const old = slice.filter(({ value }) => !wasNotedSince(value, wallMs))
      const writes = old.map(({ key }) => ({ key, value: undefined }))
      if (writes.length > 0) await this.#storage.update([], () => ({ writes, result: undefined }))
    }
  }

  /** One decision, and all that is to be written for it. A decision that throws writes nothing. */
  #step<T>(
    { key, objectKey, markerKey }: Place,
    [stored, owedBytes, ...more]: readonly (Uint8Array | undefined)[],
    decide: Decide<T>,
  ): Step<T> {
    const found = this.#decoded(key, stored)
    const object = withLent(key, found, this.lentOf(key))
    // What the folds hold of a record, sound or not.
    const before = stored === undefined ? absentObject.digest : digestOfStored(stored)
    const owed = readMarker(owedBytes)
    let decision: Decision<T>
    try {
      decision = decide({ object, found, owed }, more)
    } catch (error) {
      return { writes: [], before, after: before, refused: { error } }
    }
    const { result } = decision
    const writes: Write[] = [...(decision.writes ?? [])]
    // What takes the place of a damaged record looks as good as any.
    if (found === damagedObject) writes.push(writeOf(key))
    const owes = decision.owed === undefined ? owedBytes !== undefined : decision.owed.length > 0
    const beforeBytes = owedBytes === undefined ? 0 : weightOf(objectKey, stored)
    const weighing = (value: Uint8Array | undefined): Weighed => {
      return {
        key,
        place: objectKey,
        beforeBytes,
        afterBytes: owes ? weightOf(objectKey, value) : 0,
      }
    }
    if (decision.drop === true) {
      writes.push({ key: objectKey, value: undefined }, { key: markerKey, value: undefined })
      const weighed = weighing(undefined)
      return { writes, before, after: absentObject.digest, result, weighed }
    }
    if (decision.owed !== undefined && !sameList(decision.owed, owed ?? unreadable)) {
      const value = decision.owed.length === 0 ? undefined : encode(marker, decision.owed)
      writes.push({ key: markerKey, value })
    }
    const decided = nextObject(key, object, decision)
    // What was only lent is written once it is to be held: an answer may say that it is.
    const isMeant = object !== found && decision.state !== undefined
    if (decided === object && !isMeant) {
      return { writes, before, after: before, result, weighed: weighing(stored) }
    }
    const next = this.#risen(found, decided)
    const value = encodeObject(next)
    const weighed = weighing(value)
    if (decision.orRefuse !== undefined && !this.foreign.hasRoom(weighed)) {
      this.foreign.refuse(weighed)
      const refused = { error: decision.orRefuse() }
      return { writes: [], before, after: before, refused }
    }
    writes.push({ key: objectKey, value })
    const news = decision.silent === true ? {} : { now: next.state }
    return { writes, before, after: next.digest, ...news, result, weighed }
  }

  #risen(found: StoredObject, next: StoredObject): StoredObject {
    const risen = risenActors(found.state, next.state)
    const risenMs = risen.length > 0 ? this.risenBy(risen) : undefined
    return risenMs === undefined ? next : { ...next, risenMs }
  }

  #decoded(key: Key, stored: Uint8Array | undefined): StoredObject {
    try {
      return decodeObject(key, stored)
    } catch (error) {
      this.#say({ type: 'quarantined', key: showKey(key), detail: (error as Error).message })
      this.doubts.add(key)
      return damagedObject
    }
  }
}

/** What is left of a record that fails its check. */
const damagedObject: StoredObject = { ...absentObject }

function nextObject<T>(key: Key, object: StoredObject, decision: Decision<T>): StoredObject {
  const state = decision.state ?? object.state
  const minter = 'minter' in decision ? decision.minter : object.minter
  if (state === object.state && minter === object.minter) return object
  const digest = state === object.state ? object.digest : stateDigest(key.bytes, state)
  return { ...object, state, minter, digest }
}

/** What a record takes of the room for those that are kept for others. */
function weightOf(objectKey: Uint8Array, value: Uint8Array | undefined): number {
  return value === undefined ? 0 : objectKey.length + value.length
}

/** A tombstone that was lent is part of what is held, though it is not stored. */
function withLent(key: Key, found: StoredObject, lent: ObjectState | undefined): StoredObject {
  if (lent === undefined) return found
  const state = sync(found.state, lent)
  return state === found.state ? found : { ...found, state, digest: stateDigest(key.bytes, state) }
}

/** The owners that a marker names; undefined when its bytes are none. */
export function readMarker(stored: Uint8Array | undefined): readonly PeerId[] | undefined {
  try {
    return stored === undefined ? [] : decode(marker, stored)
  } catch {
    return undefined
  }
}

/** Equal to no list of owners: whatever is decided is written. */
const unreadable: readonly PeerId[] = ['']

/** A note from the future was made before the clock was set back, and is as old as it looks new. */
function wasNotedSince(note: Uint8Array, wallMs: number): boolean {
  try {
    const { at } = decode(remembered, note)
    return at >= wallMs && at <= wallMs + 2 * limits.requestMemoryMs
  } catch {
    return false
  }
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i])
}
