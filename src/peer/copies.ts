/**
 * The copies of an edge: durable first, shown after.
 *
 * Every change of a copy is one update of its stored entry, decided on the entry's newest state; what is shown, and
 * whom it is shown to, follows once it is durable. All entries stay in memory, as an application asks for them
 * whenever it draws; they are read in as few steps as can be, as each step costs a browser more than its entries do.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Key } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import type { ActorId, Dot } from '../data/vector.ts'
import { decode, encode } from '../protocol/codec.ts'
import {
  type EdgeCopy,
  edgeCopy,
  isBlank,
  mayReplace,
  noCopy,
  refreshed,
  shown,
  type Stage,
  trimmed,
} from '../protocol/copy.ts'
import type { Say } from '../protocol/event.ts'
import { fateOf } from '../protocol/fate.ts'
import { inOrder } from '../protocol/listing.ts'
import { dotOfId } from '../protocol/receipt-id.ts'
import { keyOfStored, shelfRange, storageKeys } from '../protocol/record.ts'
import type { Clock, Storage } from '../ports.ts'
import { Epochs } from './epochs.ts'
import { gistOrNone, Kept } from './kept.ts'
import type { LiveReceipt } from './receipt.ts'
import { Receipts } from './receipts.ts'
import { slices } from './slices.ts'

/** All of them stay in memory anyway: a step need not be small. */
const loadedAtOnce = 8192

type Minting = (held: EdgeCopy, takeEpoch: () => ActorId, generation: string) => EdgeCopy

export class Copies {
  readonly receipts = new Receipts()
  readonly #storage: Storage
  readonly #clock: Clock
  readonly #say: Say
  readonly #entries = new Map<string, Kept>()
  /** The keys with writes that are not everywhere yet. */
  readonly #unsettled = new Set<Kept>()
  readonly #subscribers = new Map<string, Set<() => void>>()
  readonly #watchers = new Set<() => void>()
  #moment = 0

  /** Reads all entries of the store. */
  static async load(storage: Storage, clock: Clock, say: Say): Promise<Copies> {
    const copies = new Copies(storage, clock, say)
    for await (const slice of slices(storage, shelfRange('edge'), loadedAtOnce)) {
      for (const { key, value } of slice) copies.#load(key, value)
    }
    return copies
  }

  private constructor(storage: Storage, clock: Clock, say: Say) {
    this.#storage = storage
    this.#clock = clock
    this.#say = say
  }

  /** Grows with each word of the owners: a question notes it when it is asked. */
  get moment(): number {
    return this.#moment
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
    return [...this.#entries.values()].filter(({ followed }) => followed).map(({ key }) => key)
  }

  /** The keys that begin with `prefix` and have something to show here, in order. */
  under(prefix: Key): Key[] {
    return [...this.#entries.values()]
      .filter(({ key, followed, unsettled }) => {
        return key.text.startsWith(prefix.text) && (followed || unsettled)
      })
      .map(({ key }) => key)
      .sort(inOrder)
  }

  /** Whether the owners were ever heard: else the copy is empty because nobody could be asked. */
  isFilled(key: Key): boolean {
    const entry = this.#entries.get(key.text)
    return entry !== undefined && (entry.replacedAt > 0 || entry.held.copy.seen.size > 0)
  }

  /** Keys with writes that are not everywhere yet. */
  unsettled(): Key[] {
    return [...this.#unsettled].map(({ key }) => key)
  }

  get pendingWrites(): number {
    let pending = 0
    for (const { key } of this.#unsettled) pending += this.standing(key).pending
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

  /**
   * R owners answered what was asked at this moment: of a followed key their answer is the copy now, also when it is
   * less, unless it comes from disks that were lost. False if another has become the copy since, of which this one knows
   * less: it may be older.
   */
  async refresh(key: Key, answer: ObjectState, askedAt: number, isWhole = true): Promise<boolean> {
    let taken = true
    await this.change(key, (held) => {
      if (!held.followed) return held
      const replacedAt = this.#entries.get(key.text)?.replacedAt ?? 0
      taken = (isWhole && replacedAt <= askedAt) || mayReplace(held, answer)
      const isAfter = isWhole && (this.#entries.get(key.text)?.settledAt ?? 0) <= askedAt
      return taken ? this.#replaced(key, held, answer, isAfter) : held
    })
    return taken
  }

  /** All owners have a write of this device: whoever is asked from now on has it, or has seen it go. */
  settled(key: Key): void {
    const entry = this.#entries.get(key.text)
    if (entry !== undefined) entry.settledAt = ++this.#moment
  }

  /** A member pushed a state: whether it could replace the copy. */
  async replace(key: Key, pushed: ObjectState): Promise<boolean> {
    let replaced = false
    await this.change(key, (held) => {
      replaced = mayReplace(held, pushed)
      return replaced ? this.#replaced(key, held, pushed) : held
    })
    return replaced
  }

  /**
   * The receipt of a write that this session has made, or that was kept here before. Undefined where this device gave out
   * no such id, or does not know any more what has become of it.
   */
  receipt(id: string): LiveReceipt | undefined {
    const live = this.receipts.get(id)
    if (live !== undefined) return live
    const dot = dotOfId(id)
    const kept = dot && this.#writtenUnder(dot)
    const fate = kept && fateOf(kept.held, dot)
    return fate && this.receipts.restore(kept.key, id, fate)
  }

  subscribe(key: Key, changed: () => void): () => void {
    const listeners = this.#subscribers.get(key.text) ?? new Set()
    this.#subscribers.set(key.text, listeners.add(changed))
    return () => {
      listeners.delete(changed)
      if (listeners.size === 0) this.#subscribers.delete(key.text)
    }
  }

  /** Whether somebody is shown each change of it. */
  isWatched(key: Key): boolean {
    return this.#subscribers.has(key.text)
  }

  /** How many keys are watched. */
  get watched(): number {
    return this.#subscribers.size
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
    extraKeys: readonly Bytes[],
    decide: (
      held: EdgeCopy,
      extras: readonly (Bytes | undefined)[],
    ) => { next: EdgeCopy; writes: readonly { key: Bytes; value: Bytes | undefined }[] },
  ): Promise<EdgeCopy> {
    const storedKey = storageKeys.edge(key)
    let before: EdgeCopy | undefined
    const next = await this.#storage.update([storedKey, ...extraKeys], ([stored, ...extras]) => {
      before = stored === undefined ? noCopy : this.#read(stored)
      const decided = decide(before, extras)
      if (decided.next === before) return { writes: [], result: before }
      const trim = trimmed(decided.next)
      const write = { key: storedKey, value: isBlank(trim) ? undefined : encode(edgeCopy, trim) }
      return { writes: [write, ...decided.writes], result: trim }
    })
    if (next === before) return next
    const kept = this.#entries.get(key.text) ?? new Kept(key, next)
    kept.held = next
    this.#hold(kept)
    for (const changed of this.#subscribers.get(key.text) ?? []) changed()
    this.touched()
    return next
  }

  #replaced(key: Key, held: EdgeCopy, answer: ObjectState, isAfter = false): EdgeCopy {
    const entry = this.#entries.get(key.text)
    if (entry !== undefined) entry.replacedAt = ++this.#moment
    return refreshed(held, answer, isAfter)
  }

  /** The key that this write was of: an epoch is taken for one key only. */
  #writtenUnder(dot: Dot): Kept | undefined {
    const all = [...this.#entries.values()]
    const now = all.find((kept) => kept.isMintedBy(dot.actor))
    // Only of an epoch that was left must entries be read that nobody has looked at yet.
    return now ?? all.find((kept) => kept.isWritten && fateOf(kept.held, dot) !== undefined)
  }

  #hold(kept: Kept): void {
    const { key, followed, unsettled } = kept
    // Of what is neither followed nor unsettled there may be counts to keep.
    if (followed || unsettled || !isBlank(kept.held)) this.#entries.set(key.text, kept)
    else this.#entries.delete(key.text)
    if (unsettled) this.#unsettled.add(kept)
    else this.#unsettled.delete(kept)
  }

  #load(storedKey: Bytes, stored: Bytes): void {
    this.#hold(Kept.of(keyOfStored(storedKey), stored, (bytes) => this.#read(bytes)))
  }

  /**
   * An entry that cannot be read is as good as none, but for how many writes it had counted: no count may be used
   * twice, so the next is one that no device has reached by counting. If it says so much, it stays followed, and the
   * owners fill it again.
   */
  #read(stored: Bytes): EdgeCopy {
    try {
      return decode(edgeCopy, stored)
    } catch (error) {
      this.#say({ type: 'quarantined', detail: (error as Error).message })
      const count = Math.max(1, Math.floor(this.#clock.now()))
      return { ...noCopy, followed: gistOrNone(stored)?.followed ?? false, count }
    }
  }
}

/** The name of a dot in maps and traces. */
export function nameOf({ actor, counter }: Dot): string {
  return `${actor} ${counter}`
}
