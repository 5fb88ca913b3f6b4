/**
 * Group commit: every write that arrives while one commit runs joins the next, so that a hundred of them cost one
 * sync of the disk. A lone write waits for nobody.
 *
 * The naive way, read then write then wait, either makes an update wait for the one before it or lets it read
 * around it, and then two increments of one counter become one. So what is queued is laid over what is committed:
 * an update sees the newest state of its keys at once, and resolves once all that it saw or wrote is durable. The
 * overlay is for updates alone; a read that saw it would show what a power cut can still take back (paper §4.5: a
 * put is done when it is written, not when it is about to be).
 *
 * When a commit fails, whatever is queued behind it fails with the same error, because it may have been computed
 * from values that now never were.
 *
 * A commit that holds buffered writes alone is not synced. What it wrote is shown, as its callers have asked for, and
 * becomes durable with the next commit that is: the medium keeps their order. So a synced update that writes nothing, and
 * may have seen such a write, is a commit too, one of nothing but the sync.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Change, Durability, Write } from '../ports.ts'

type Values = (Bytes | undefined)[]

/** What lies under the overlay. */
export interface Committed {
  /** What is committed, in the order of `keys`: at once where the medium can, which spares every update a wait. */
  read(keys: readonly Bytes[]): Values | Promise<Values>
  /**
   * Makes all of `writes` durable, or none; called again only once the last call has settled. `buffered`: it may be taken
   * back by a power cut, until a synced commit comes, which may be one of no writes at all.
   */
  commit(writes: readonly Write[], durability: Durability): Promise<void>
}

/** Names a key in a map, one character a byte: `toBinaryText`, or the host's faster way. */
export type NameKey = (key: Bytes) => string

/** An update that has not seen its keys yet. */
interface Arrival {
  readonly keys: readonly Bytes[]
  readonly names: readonly string[]
  readonly synced: boolean
  /** Applies the change: what to write, and how to tell the caller once that is durable. */
  run(current: Values): { readonly writes: readonly Write[]; settle(): void }
  reject(error: unknown): void
}

/** What becomes durable at once, and who waits for it. */
interface Batch {
  /** By key: of two writes of one key the later counts. */
  readonly writes: Map<string, Write>
  readonly waiting: { settle(): void; reject(error: unknown): void }[]
  /** Whether anybody who waits for it asks for a sync. */
  synced: boolean
}

export class GroupCommit {
  readonly #committed: Committed
  readonly #nameOf: NameKey
  /** The overlay: the newest write of each key that has one queued or under way. */
  readonly #overlay = new Map<string, Write>()
  #arrived: Arrival[] = []
  #admitting = false
  #open = emptyBatch()
  #running: Batch | undefined
  #failures = 0
  /** Whether a buffered write was committed after the last sync. */
  #isUnsynced = false

  constructor(committed: Committed, nameOf: NameKey) {
    this.#committed = committed
    this.#nameOf = nameOf
  }

  update<T>(
    keys: readonly Bytes[],
    change: Change<T>,
    durability: Durability = 'synced',
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const run = (current: Values) => {
        const { writes, result } = change(current)
        return { writes, settle: () => resolve(result) }
      }
      const synced = durability === 'synced'
      this.#arrived.push({ keys, names: keys.map(this.#nameOf), synced, run, reject })
      this.#admit()
    })
  }

  /** Resolves once every update called before this has settled. */
  settled(): Promise<void> {
    return this.update([], () => ({ writes: [], result: undefined })).catch(() => {})
  }

  /** Lets in all that have arrived, in the order of their calls, with one reading for all of them. */
  #admit(): void {
    if (this.#admitting || this.#arrived.length === 0) return
    const round = this.#arrived
    this.#arrived = []
    this.#admitting = true
    const failures = this.#failures
    const { seen, missing } = this.#pin(round)
    const finish = (values: Values) => {
      let i = 0
      for (const name of missing.keys()) seen.set(name, values[i++])
      // If a commit failed meanwhile, what was pinned may never have been: read again.
      if (failures !== this.#failures) this.#arrived = [...round, ...this.#arrived]
      else for (const arrival of round) this.#apply(arrival, seen)
      this.#admitting = false
      this.#admit()
    }
    const fail = (error: unknown) => {
      for (const { reject } of round) reject(error)
      this.#admitting = false
      this.#admit()
    }
    try {
      const values = missing.size === 0 ? [] : this.#committed.read([...missing.values()])
      if (values instanceof Promise) values.then(finish, fail)
      else finish(values)
    } catch (error) {
      fail(error)
    }
  }

  /**
   * The queued values that a round will see, and the keys that are to be read. Pinned before the reading begins,
   * because a commit may end, and the overlay drop its values, before the reading does.
   */
  #pin(round: readonly Arrival[]) {
    const seen = new Map<string, Bytes | undefined>()
    const missing = new Map<string, Bytes>()
    for (const { keys, names } of round) {
      for (const [i, name] of names.entries()) {
        const queued = this.#overlay.get(name)
        if (queued === undefined) missing.set(name, keys[i]!)
        else seen.set(name, queued.value)
      }
    }
    return { seen, missing }
  }

  #apply(arrival: Arrival, seen: ReadonlyMap<string, Bytes | undefined>): void {
    const current = arrival.names.map((name) => {
      const queued = this.#overlay.get(name)
      return queued === undefined ? seen.get(name) : queued.value
    })
    const { synced, reject } = arrival
    try {
      const { writes, settle } = arrival.run(current)
      // Named before any is queued, so that a malformed key leaves nothing half written.
      const names = writes.map((write) => this.#nameOf(write.key))
      for (const [i, write] of writes.entries()) this.#queue(names[i]!, write)
      this.#wait({ settle, reject }, synced)
    } catch (error) {
      // Even a refusal may tell of what it saw: it waits its turn like a result.
      this.#wait({ settle: () => reject(error), reject }, synced)
    }
  }

  #queue(name: string, write: Write): void {
    this.#overlay.set(name, write)
    this.#open.writes.set(name, write)
    if (this.#open.writes.size === 1) this.#commitSoon()
  }

  /** One turn's updates go together; while a commit runs, its end starts the next. */
  #commitSoon(): void {
    if (this.#running === undefined) queueMicrotask(() => this.#commit())
  }

  /** Whoever wrote nothing waits too, for the newest batch: what it saw may be in there. */
  #wait(waiter: Batch['waiting'][number], synced: boolean): void {
    const batch = isEmpty(this.#open) ? this.#running : this.#open
    const isEnough = batch === undefined ? !this.#isUnsynced : batch.synced
    if (synced && !isEnough) return this.#waitForSync(waiter)
    if (batch === undefined) waiter.settle()
    else batch.waiting.push(waiter)
  }

  #waitForSync(waiter: Batch['waiting'][number]): void {
    if (isEmpty(this.#open)) this.#commitSoon()
    this.#open.synced = true
    this.#open.waiting.push(waiter)
  }

  #commit(): void {
    if (this.#running !== undefined || isEmpty(this.#open)) return
    const batch = this.#open
    this.#running = batch
    this.#open = emptyBatch()
    const durability = batch.synced ? 'synced' : 'buffered'
    this.#committed.commit([...batch.writes.values()], durability).then(
      () => this.#succeed(batch),
      (error: unknown) => this.#fail(batch, error),
    )
  }

  #succeed(batch: Batch): void {
    for (const [name, write] of batch.writes) {
      if (this.#overlay.get(name) === write) this.#overlay.delete(name)
    }
    this.#isUnsynced = !batch.synced
    this.#running = undefined
    // The medium first, so that it works while the callers go on.
    this.#commit()
    for (const { settle } of batch.waiting) settle()
  }

  #fail(batch: Batch, error: unknown): void {
    const behind = this.#open
    this.#overlay.clear()
    this.#running = undefined
    this.#open = emptyBatch()
    this.#failures++
    for (const { reject } of [...batch.waiting, ...behind.waiting]) reject(error)
  }
}

function emptyBatch(): Batch {
  return { writes: new Map(), waiting: [], synced: false }
}

function isEmpty({ writes, synced }: Batch): boolean {
  return writes.size === 0 && !synced
}
