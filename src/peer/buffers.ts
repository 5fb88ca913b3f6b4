/**
 * What this member has written and not synced yet, and when it is.
 *
 * Each durable write that is asked for would be a sync, and while the disk syncs it takes nothing else. So syncs that are
 * asked for come a few milliseconds apart, each for all that wait; a lone one comes at once. What nobody asks for is synced
 * all the same, before it is older than `bufferedMs`.
 */
import { type BufferingRules } from '../protocol/buffering.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Clock, Storage } from '../ports.ts'
import type { Tasks } from './tasks.ts'
import type { Troubles } from './troubles.ts'

interface Surroundings {
  readonly storage: Storage
  readonly clock: Clock
  readonly limits: Limits
  readonly tasks: Tasks
  readonly troubles: Troubles
}

export class Buffers {
  readonly #world: Surroundings
  readonly #rules: BufferingRules
  /** Steps that were asked to be buffered, and how many of them are known to be durable. */
  #asked = 0
  #durable = 0
  /** When the first step was asked for that may not be durable, by awake time. */
  #sinceMs = 0
  #syncedMs = -Infinity
  #syncing: Promise<void> = Promise.resolve()
  /** The sync that whoever asks now waits for. */
  #next: Promise<void> | undefined

  constructor(world: Surroundings, rules: BufferingRules) {
    this.#world = world
    this.#rules = rules
  }

  /** Whether a power cut may take anything back. */
  get isDirty(): boolean {
    return this.#asked > this.#durable
  }

  /** Called before the store is asked to buffer. */
  wrote(): void {
    if (!this.isDirty) this.#sinceMs = this.#world.clock.elapsed()
    this.#asked++
  }

  /** Resolves once all is durable that was asked for until now; rejects with `StorageError`. */
  settled(): Promise<void> {
    if (!this.isDirty) return Promise.resolve()
    this.#next ??= this.#syncNext()
    return this.#next
  }

  tick(): void {
    const { clock, limits, tasks, troubles } = this.#world
    if (!this.isDirty || this.#next !== undefined) return
    if (!this.#rules.isDue(clock.elapsed() - this.#sinceMs, limits.bufferedMs)) return
    tasks.run(
      'sync',
      troubles.watch('store', () => this.settled()),
    )
  }

  async #syncNext(): Promise<void> {
    await this.#syncing
    await this.#pause()
    this.#next = undefined
    const sync = this.#sync()
    this.#syncing = sync.catch(() => {})
    return sync
  }

  async #sync(): Promise<void> {
    const { storage, clock } = this.#world
    const asked = this.#asked
    const sinceMs = clock.elapsed()
    // Whatever was called before it is durable with it.
    await storage.update([], () => ({ writes: [], result: undefined }))
    this.#syncedMs = clock.elapsed()
    this.#durable = Math.max(this.#durable, asked)
    this.#sinceMs = sinceMs
  }

  #pause(): Promise<void> | undefined {
    const { clock, limits } = this.#world
    const leftMs = this.#syncedMs + limits.syncsApartMs - clock.elapsed()
    if (leftMs <= 0) return undefined
    return new Promise((resolve) => {
      clock.after(leftMs, resolve)
    })
  }
}
