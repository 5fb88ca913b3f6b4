/**
 * What all stores have in common, over whatever medium holds the bytes: the group commit, a store that is closed
 * refuses, and one that lost its disk refuses for good.
 *
 * An adapter is then only a medium: read, range, commit, usage, close.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Change, Durability, Storage, StoredEntry, Write } from '../ports.ts'
import { toBinaryText } from '../data/bytes.ts'
import { StorageError } from '../protocol/errors.ts'
import { GroupCommit, type Committed, type NameKey } from './group-commit.ts'

/** What holds the bytes. It rejects with `StorageError`; `store-lost` ends the store. */
export interface Medium extends Committed {
  range(from: Bytes, to: Bytes, limit: number): StoredEntry[] | Promise<StoredEntry[]>
  usage(): Usage | Promise<Usage>
  /** Called once, when nothing is queued any more. */
  close(): void | Promise<void>
}

export type Usage = Awaited<ReturnType<Storage['usage']>>

export interface StorageOptions {
  /** As the port has it. */
  readonly medium?: string
  /** Runs before each commit: one that waits holds it back, one that throws makes it fail. For tests. */
  readonly beforeCommit?: BeforeCommit
  readonly nameKey?: NameKey
}

export type BeforeCommit = (writes: readonly Write[]) => void | Promise<void>

/** A store over `medium`, open until it is closed. */
export function storageOver(medium: Medium, options: StorageOptions = {}): Storage {
  return new MediumStorage(medium, options)
}

class MediumStorage implements Storage {
  readonly medium: string | undefined
  readonly #medium: Medium
  readonly #commits: GroupCommit
  readonly #beforeCommit: BeforeCommit | undefined
  #closing: Promise<void> | undefined
  #lost: StorageError | undefined

  constructor(medium: Medium, options: StorageOptions) {
    this.#medium = medium
    this.medium = options.medium
    this.#beforeCommit = options.beforeCommit
    this.#commits = new GroupCommit(
      {
        read: (keys) => this.#use(() => medium.read(keys)),
        commit: async (...asked) => this.#use(() => this.#commit(...asked)),
      },
      options.nameKey ?? toBinaryText,
    )
  }

  async get(key: Bytes): Promise<Bytes | undefined> {
    return (await this.getMany([key]))[0]
  }

  async getMany(keys: readonly Bytes[]): Promise<(Bytes | undefined)[]> {
    this.#refuse()
    return this.#use(() => (keys.length > 0 ? this.#medium.read(keys) : []))
  }

  async range(from: Bytes, to: Bytes, limit: number): Promise<StoredEntry[]> {
    this.#refuse()
    return this.#use(() => (limit > 0 ? this.#medium.range(from, to, limit) : []))
  }

  /** Not `async`: a few turns less, on the path of every write. */
  update<T>(keys: readonly Bytes[], change: Change<T>, durability?: Durability): Promise<T> {
    const refusal = this.#refusal()
    return refusal ? Promise.reject(refusal) : this.#commits.update(keys, change, durability)
  }

  async usage(): Promise<Usage> {
    this.#refuse()
    return this.#use(() => this.#medium.usage())
  }

  close(): Promise<void> {
    this.#closing ??= this.#commits.settled().then(() => this.#medium.close())
    return this.#closing
  }

  async #commit(writes: readonly Write[], durability: Durability): Promise<void> {
    await this.#beforeCommit?.(writes)
    await this.#medium.commit(writes, durability)
  }

  #refusal(): StorageError | undefined {
    return this.#closing === undefined ? this.#lost : closedError()
  }

  #refuse(): void {
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
  }

  /** What the medium does, at once if it can; a disk that was lost is not asked again. */
  #use<T>(act: () => T | Promise<T>): T | Promise<T> {
    if (this.#lost !== undefined) throw this.#lost
    try {
      const done = act()
      return done instanceof Promise ? done.catch((error: unknown) => this.#rethrow(error)) : done
    } catch (error) {
      return this.#rethrow(error)
    }
  }

  #rethrow(error: unknown): never {
    if (error instanceof StorageError && error.code === 'store-lost') this.#lost ??= error
    throw error
  }
}

function closedError(): StorageError {
  return new StorageError('closed', 'This store is closed.', { remedy: 'Open it again.' })
}
