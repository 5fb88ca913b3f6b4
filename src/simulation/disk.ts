/**
 * A disk that forgets what was not synced, on virtual time.
 *
 * Writes queue up while one sync runs, and the next sync takes them all (group commit). `update` works on the newest
 * queued state, reads see only what is durable. When the process dies the queue is gone, and the batch under way is on the
 * disk or is not, whole either way. A failed commit fails whatever had seen its writes, so all that is queued behind it;
 * a failed sync is a lost disk, because what the medium then holds is anybody's guess.
 */
import { type Bytes, equalBytes, toBinaryText } from '../data/bytes.ts'
import { StorageError } from '../protocol/errors.ts'
import type { Durability, StoredEntry, Write } from '../ports.ts'
import type { Life } from './life.ts'
import { type Image, Medium } from './medium.ts'
import type { Note } from './network.ts'
import type { SeededRandom } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface DiskSettings {
  /** Mean of a read, and of a sync beyond its minimum. */
  readonly readMs: number
  readonly syncMs: number
  /** Whether `update` sees its keys at once (SQLite), or after a turn of the disk (IndexedDB). */
  readonly updatesAtOnce: boolean
}

/** What an `update` asked for, until it is durable. */
export interface Queued {
  readonly writes: readonly Write[]
  readonly durability: Durability
  readonly done: () => void
  readonly fail: (error: StorageError) => void
}

/** Sees each write that becomes durable, and what it replaces. */
export type WriteObserver = (key: Bytes, value: Bytes | undefined, before?: Bytes) => void

export class Disk {
  readonly name: string
  /** How many times slower than usual. */
  slowness = 1
  full = false
  /** Asked at each sync: whether it fails, and the disk is lost. */
  syncFails: () => boolean = () => false
  /** Called when a failed sync has lost the disk. */
  onLost: () => void = () => {}
  /** Called when a commit begins and when it is on the disk but nobody knows: the two best moments to crash. */
  onCommit: (moment: 'begins' | 'ends') => void = () => {}
  onWrite: WriteObserver = () => {}
  /** Called with what has become durable, the key named one character a byte. */
  onSynced: (key: string, value: Bytes | undefined) => void = () => {}
  readonly hits = { lostUpdates: 0, refused: 0, slowed: 0, torn: 0, unsynced: 0 }

  readonly #scheduler: Scheduler
  readonly #random: SeededRandom
  readonly #settings: DiskSettings
  readonly #note: Note
  #holder: Life | undefined
  readonly #medium = new Medium()
  /** The newest queued state of each key that is on its way, and whose it is. */
  #overlay = new Map<string, { readonly value: Bytes | undefined; readonly by: Queued }>()
  #queue: Queued[] = []
  #committing: readonly Queued[] = []
  /** What buffered writes replaced since the last sync: what a power cut brings back. */
  #unsynced: { readonly key: string; readonly before: Bytes | undefined }[] = []
  #lost = false
  #turnEndsMs = 0

  constructor(
    name: string,
    scheduler: Scheduler,
    random: SeededRandom,
    settings: DiskSettings = { readMs: 0.1, syncMs: 1.5, updatesAtOnce: true },
    note: Note = () => {},
  ) {
    this.name = name
    this.#scheduler = scheduler
    this.#random = random
    this.#settings = settings
    this.#note = note
  }

  /** One process at a time. */
  hold(life: Life): void {
    if (this.#holder?.alive === true) {
      throw new StorageError('store-locked', `${this.name} is held by another process`)
    }
    this.#holder = life
    // What an earlier process left in the system's memory is synced before anybody builds on it.
    this.#endUnsynced()
  }

  /** What a power cut would leave of this key, which is named one character a byte. */
  afterPowerCut(key: string): Bytes | undefined {
    const first = this.#unsynced.find((each) => each.key === key)
    return first === undefined ? this.read(key) : first.before
  }

  /** The keys that a power cut would set back. */
  get unsyncedKeys(): ReadonlySet<string> {
    return new Set(this.#unsynced.map(({ key }) => key))
  }

  /** The writes of the commit under way. */
  get underWay(): readonly Write[] {
    return this.#committing.flatMap(({ writes }) => writes)
  }

  /**
   * The process that held the disk died; with the power lost, buffered writes are gone too. Without, they are as much at
   * risk as before, until the next process has synced them. `torn` is a key of the
   * commit under way, whose record the disk was just writing: its sectors are new up to some byte, and old behind it.
   */
  crash(powerLost: boolean, torn?: Bytes): void {
    const reached = torn !== undefined || (this.#committing.length > 0 && this.#random.chance(0.5))
    const before = torn && this.read(toBinaryText(torn))
    if (reached) {
      const isSynced = this.#isSynced(this.#committing)
      this.#land(this.#committing, torn)
      if (isSynced) this.#endUnsynced()
    }
    this.hits.lostUpdates += this.#queue.length + (reached ? 0 : this.#committing.length)
    this.#forgetQueue()
    if (powerLost) {
      this.hits.unsynced += this.#unsynced.length
      for (const { key, before } of this.#unsynced.toReversed()) this.#medium.set(key, before)
      this.#unsynced = []
    }
    this.#holder = undefined
    if (torn !== undefined) this.#tear(torn, before)
  }

  /** A new, empty disk in the place of this one. */
  wipe(): void {
    this.restore(new Map())
  }

  /** What is durable now. */
  image(): Image {
    return this.#medium.image()
  }

  /** Another disk in the place of this one, with what an earlier image held. */
  restore(image: Image): void {
    this.#forgetQueue()
    this.#medium.restore(image)
    this.#unsynced = []
    this.#lost = false
    this.full = false
    this.#turnEndsMs = 0
  }

  /** One bit of a durable value turns over. */
  flipBit(key: Bytes, bit: number): void {
    const value = this.read(toBinaryText(key))?.slice()
    if (value === undefined) return
    value[bit >> 3]! ^= 1 << (bit & 7)
    this.#medium.set(toBinaryText(key), value)
  }

  /** What is durable, in the order of the keys. For the checker: here, and in `read`, nothing is copied. */
  entries(from?: Bytes, to?: Bytes): StoredEntry[] {
    return this.slice(from && toBinaryText(from), to && toBinaryText(to), Infinity)
  }

  /** What follows is the storage's side of a disk. */

  get isLost(): boolean {
    return this.#lost
  }

  get usedBytes(): number {
    return this.#medium.usedBytes
  }

  read(key: string): Bytes | undefined {
    return this.#medium.get(key)
  }

  slice(from: string | undefined, to: string | undefined, limit: number): StoredEntry[] {
    return this.#medium.slice(from, to, limit)
  }

  /** The newest state, queued or durable. */
  newest(key: string): Bytes | undefined {
    const queued = this.#overlay.get(key)
    return queued === undefined ? this.read(key) : queued.value
  }

  /** The keys of a range, queued or durable. */
  newestKeys(from: Bytes, to: Bytes): string[] {
    const [low, high] = [toBinaryText(from), toBinaryText(to)]
    const keys = new Set(this.slice(low, high, Infinity).map(({ key }) => toBinaryText(key)))
    for (const [key, { value }] of this.#overlay) {
      if (key < low || key >= high) continue
      if (value === undefined) keys.delete(key)
      else keys.add(key)
    }
    return [...keys]
  }

  readDelayMs(): number {
    return this.#delayMs(this.#settings.readMs)
  }

  /** Calls `turn` when the disk has read what an update needs; turns keep their order. */
  takeTurn(life: Life, turn: () => void): void {
    const { nowMs } = this.#scheduler
    if (this.#settings.updatesAtOnce) return turn()
    this.#turnEndsMs = Math.max(this.#turnEndsMs, nowMs + this.readDelayMs())
    life.after(this.#turnEndsMs - nowMs, turn)
  }

  enqueue(queued: Queued): void {
    this.#queue.push(queued)
    for (const { key, value } of queued.writes) {
      this.#overlay.set(toBinaryText(key), { value, by: queued })
    }
    if (this.#committing.length === 0) this.#commit()
  }

  #commit(): void {
    const life = this.#holder
    const batch = this.#queue
    if (batch.length === 0 || life === undefined) return
    this.#queue = []
    this.#committing = batch
    const synced = this.#isSynced(batch)
    this.onCommit('begins')
    life.after(synced ? this.#delayMs(this.#settings.syncMs) : 0, () =>
      this.#endCommit(batch, synced),
    )
  }

  #endCommit(batch: readonly Queued[], synced: boolean): void {
    const life = this.#holder
    const failure = this.#failure(batch, synced)
    if (failure !== undefined) return this.#failQueue(failure)
    this.#land(batch)
    if (synced) this.#endUnsynced()
    this.#committing = []
    for (const [key, { by }] of this.#overlay) if (batch.includes(by)) this.#overlay.delete(key)
    this.onCommit('ends')
    if (life?.alive !== true) return
    for (const { done } of batch) done()
    if (this.#committing.length === 0) this.#commit()
  }

  /** One synced update syncs all that stands before it; one that writes nothing only where there is anything to sync. */
  #isSynced(batch: readonly Queued[]): boolean {
    const isAny = this.#unsynced.length > 0 || batch.some(({ writes }) => writes.length > 0)
    return isAny && batch.some(({ durability }) => durability === 'synced')
  }

  #failure(batch: readonly Queued[], synced: boolean): StorageError | undefined {
    if (!this.#lost && synced && this.syncFails()) {
      this.#lost = true
      this.onLost()
    }
    if (this.#lost) return lostError(this.name)
    if (!this.full || batch.every(({ writes }) => writes.length === 0)) return undefined
    return new StorageError('store-full', `${this.name} is full`, { remedy: 'Free some space.' })
  }

  #failQueue(error: StorageError): void {
    const failed = [...this.#committing, ...this.#queue]
    this.#forgetQueue()
    this.hits.refused += failed.length
    for (const { fail } of failed) fail(error)
  }

  #forgetQueue(): void {
    this.#queue = []
    this.#committing = []
    this.#overlay.clear()
  }

  #endUnsynced(): void {
    const keys = this.unsyncedKeys
    this.#unsynced = []
    for (const key of keys) this.onSynced(key, this.read(key))
  }

  #tear(key: Bytes, before: Bytes | undefined): void {
    const whole = this.read(toBinaryText(key))
    if (whole === undefined || whole.length < 2) return
    const after = whole.slice()
    const cut = 1 + this.#random.whole(after.length - 1)
    const old = before?.subarray(cut, after.length) ?? new Uint8Array(0)
    after.fill(0, cut)
    after.set(old, cut)
    this.#medium.set(toBinaryText(key), after)
    if (equalBytes(after, whole)) this.onWrite(key, after)
    this.hits.torn++
  }

  /** Of a record that will be torn, nobody is told that it was written. */
  #land(batch: readonly Queued[], torn?: Bytes): void {
    for (const { writes } of batch) {
      for (const write of writes) {
        const key = toBinaryText(write.key)
        const before = this.#medium.get(key)
        this.#unsynced.push({ key, before })
        this.#medium.set(key, write.value)
        this.#note(`${this.name} stores`, write.value)
        if (torn !== undefined && equalBytes(write.key, torn)) continue
        this.onWrite(write.key, write.value, before)
      }
    }
  }

  #delayMs(mean: number): number {
    if (this.slowness > 1) this.hits.slowed++
    return this.slowness * (mean / 2 + this.#random.exponential(mean / 2))
  }
}

export function lostError(name: string): StorageError {
  return new StorageError('store-lost', `${name} failed to sync and counts as lost`, {
    outcome: 'unknown',
  })
}
