/**
 * The copies of an edge: durable first, shown after.
 *
 * Every change of a copy is one update of its stored entry, decided on the entry's newest state; what is shown, and
 * whom it is shown to, follows once it is durable. All entries stay in memory, as an application asks for them
 * whenever it draws.
 */
import type { Key } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { type ActorId, withDot } from '../data/vector.ts'
import { decode, encode } from '../protocol/codec.ts'
import { contextToText } from '../protocol/context.ts'
import {
  type EdgeCopy,
  edgeCopy,
  mayReplace,
  noCopy,
  type OwnWrite,
  refreshed,
  shown,
  type Stage,
} from '../protocol/copy.ts'
import type { RingletError } from '../protocol/errors.ts'
import type { Say } from '../protocol/event.ts'
import { keyOfStored, shelfRange, storageKeys } from '../protocol/record.ts'
import type { Storage } from '../ports.ts'
import { Epochs } from './epochs.ts'
import { LiveReceipt } from './receipt.ts'
import { slices } from './slices.ts'

interface Entry {
  readonly key: Key
  held: EdgeCopy
}

type Minting = (held: EdgeCopy, takeEpoch: () => ActorId, generation: string) => EdgeCopy

export class Copies {
  readonly #storage: Storage
  readonly #say: Say
  readonly #entries = new Map<string, Entry>()
  readonly #receipts = new Map<string, LiveReceipt>()
  readonly #subscribers = new Map<string, Set<() => void>>()
  readonly #watchers = new Set<() => void>()

  /** Reads all entries of the store. An entry that cannot be read is left where it is, and said so. */
  static async load(storage: Storage, say: Say): Promise<Copies> {
    const copies = new Copies(storage, say)
    for await (const slice of slices(storage, shelfRange('edge'))) {
      for (const { key, value } of slice) copies.#load(keyOfStored(key), value)
    }
    return copies
  }

  private constructor(storage: Storage, say: Say) {
    this.#storage = storage
    this.#say = say
  }

  of(key: Key): EdgeCopy {
    return this.#entries.get(key.text)?.held ?? noCopy
  }

  shown(key: Key): ObjectState {
    return shown(this.of(key))
  }

  /** What an answer of the owners looks like with this device's own writes on top. */
  shownWith(key: Key, answer: ObjectState): ObjectState {
    return shown({ ...this.of(key), copy: answer })
  }

  /** How many own writes no quorum has, and the stage of the last one. */
  standing(key: Key): { pending: number; stage: Stage | undefined } {
    const { writes, minter } = this.of(key)
    const pending = writes.filter(({ stage }) => stage === 'device').length
    return {
      pending,
      stage: writes.at(-1)?.stage ?? (minter === undefined ? undefined : 'everywhere'),
    }
  }

  followed(): Key[] {
    return [...this.#entries.values()].filter(({ held }) => held.followed).map(({ key }) => key)
  }

  /** Keys with writes that are not everywhere yet. */
  unsettled(): Key[] {
    return [...this.#entries.values()]
      .filter(({ held }) => held.writes.length > 0)
      .map(({ key }) => key)
  }

  get pendingWrites(): number {
    let pending = 0
    for (const { key } of this.#entries.values()) pending += this.standing(key).pending
    return pending
  }

  change(key: Key, decide: (held: EdgeCopy) => EdgeCopy): Promise<EdgeCopy> {
    return this.#update(key, [], (held) => ({ next: decide(held), writes: [] }))
  }

  /** Notes that writes of the key were counted so far, wherever they were minted. */
  countTo(key: Key, count: number): Promise<EdgeCopy> {
    return this.change(key, (held) => (held.count >= count ? held : { ...held, count }))
  }

  /** A change that may take an epoch, in the same durable step. */
  mint(key: Key, decide: Minting): Promise<EdgeCopy> {
    return this.#update(key, [storageKeys.identity], (held, [identity]) => {
      const epochs = new Epochs(identity)
      const next = decide(held, () => epochs.take(), epochs.generation())
      return { next, writes: epochs.writes() }
    })
  }

  /** R owners answered: their answer is the copy now, also when it is less. */
  refresh(key: Key, answer: ObjectState): Promise<EdgeCopy> {
    return this.change(key, (held) => refreshed(held, answer))
  }

  /** A member pushed a state: whether it could replace the copy. */
  async replace(key: Key, pushed: ObjectState): Promise<boolean> {
    let replaced = false
    await this.change(key, (held) => {
      replaced = mayReplace(held, pushed)
      return replaced ? refreshed(held, pushed) : held
    })
    return replaced
  }

  openReceipt(id: string, context: string): LiveReceipt {
    const receipt = new LiveReceipt(id, context, 'device')
    this.#receipts.set(id, receipt)
    return receipt
  }

  /** The receipt of a write that is still under way, or that this session has made. */
  receipt(id: string): LiveReceipt | undefined {
    const live = this.#receipts.get(id)
    if (live !== undefined) return live
    for (const { key, held } of this.#entries.values()) {
      const own = held.writes.find(({ ids }) => ids.includes(id))
      if (own === undefined) continue
      const { stage, acks, hints } = own
      const receipt = this.openReceipt(id, contextToText(key, withDot(own.context, own.dot)))
      receipt.advance({ stage, acks, hints })
      return receipt
    }
    return undefined
  }

  /** Tells the receipts of a write how far it got. */
  advance(own: OwnWrite): void {
    const { stage, acks, hints } = own
    for (const id of own.ids) this.#receipts.get(id)?.advance({ stage, acks, hints })
  }

  refuse(own: OwnWrite, error: RingletError): void {
    for (const id of own.ids) this.#receipts.get(id)?.refuse(error)
  }

  subscribe(key: Key, changed: () => void): () => void {
    const listeners = this.#subscribers.get(key.text) ?? new Set()
    this.#subscribers.set(key.text, listeners.add(changed))
    return () => {
      listeners.delete(changed)
      if (listeners.size === 0) this.#subscribers.delete(key.text)
    }
  }

  /** Calls `changed` whenever anything that a status shows may have changed. */
  onTouch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  touched(): void {
    for (const changed of this.#watchers) changed()
  }

  async #update(
    key: Key,
    extraKeys: readonly Uint8Array[],
    decide: (
      held: EdgeCopy,
      extras: readonly (Uint8Array | undefined)[],
    ) => { next: EdgeCopy; writes: readonly { key: Uint8Array; value: Uint8Array | undefined }[] },
  ): Promise<EdgeCopy> {
    const storedKey = storageKeys.edge(key)
    const next = await this.#storage.update([storedKey, ...extraKeys], ([stored, ...extras]) => {
      const held = stored === undefined ? noCopy : decode(edgeCopy, stored)
      const decided = decide(held, extras)
      if (decided.next === held) return { writes: [], result: held }
      const write = { key: storedKey, value: encode(edgeCopy, decided.next) }
      return { writes: [write, ...decided.writes], result: decided.next }
    })
    const entry = this.#entries.get(key.text)
    if (entry === undefined) this.#entries.set(key.text, { key, held: next })
    else entry.held = next
    for (const changed of this.#subscribers.get(key.text) ?? []) changed()
    this.touched()
    return next
  }

  #load(key: Key, stored: Uint8Array): void {
    try {
      this.#entries.set(key.text, { key, held: decode(edgeCopy, stored) })
    } catch (error) {
      this.#say({ type: 'quarantined', detail: (error as Error).message })
    }
  }
}
