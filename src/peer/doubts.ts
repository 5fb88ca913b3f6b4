/**
 * Keys of which this peer may hold less than it has acknowledged: a record of theirs was found damaged.
 *
 * The record may have been written anew a moment later, and look as good as any. So the doubt stands beside it, written in
 * the same step, and outlives the process; it goes when enough other owners have told what they hold of the key.
 */
import type { Key } from '../data/key.ts'
import { keyOfStored, shelfRange, storageKeys } from '../protocol/record.ts'
import type { Storage, Write } from '../ports.ts'
import { slices } from './slices.ts'

export class Doubts {
  readonly #storage: Storage
  /** And how often each was found damaged. */
  readonly #keys = new Map<string, { readonly key: Key; times: number }>()
  /** Called when a key is doubted that was not. */
  onNew: (key: Key) => void = () => {}

  constructor(storage: Storage) {
    this.#storage = storage
  }

  /** What an earlier process has left. */
  async load(): Promise<void> {
    for await (const slice of slices(this.#storage, shelfRange('doubt'))) {
      for (const { key: storedKey } of slice) {
        const key = keyOfStored(storedKey)
        this.#keys.set(key.text, { key, times: 1 })
      }
    }
  }

  get keys(): readonly Key[] {
    return [...this.#keys.values()].map(({ key }) => key)
  }

  has({ text }: Key): boolean {
    return this.#keys.has(text)
  }

  /** From now on; `writeOf` makes it outlive the process. */
  add(key: Key): void {
    const known = this.#keys.get(key.text)
    if (known !== undefined) known.times++
    else this.#keys.set(key.text, { key, times: 1 })
    if (known === undefined) this.onNew(key)
  }

  /** How often the key was found damaged; 0 for one that is not doubted. */
  times({ text }: Key): number {
    return this.#keys.get(text)?.times ?? 0
  }

  /** Notes it durably: what another owner cannot vouch for is no better here. */
  async keep(key: Key): Promise<void> {
    this.add(key)
    await this.#write(writeOf(key))
  }

  /** What was found damaged so often and no more is whole again. */
  async drop(key: Key, times: number): Promise<void> {
    if (this.times(key) !== times) return
    await this.#write({ key: storageKeys.doubt(key), value: undefined })
    if (this.times(key) === times) this.#keys.delete(key.text)
    else await this.#write(writeOf(key))
  }

  #write(write: Write): Promise<void> {
    return this.#storage.update([], () => ({ writes: [write], result: undefined }))
  }
}

/** To be written in the same step as what takes a damaged record's place. */
export function writeOf(key: Key): Write {
  return { key: storageKeys.doubt(key), value: Uint8Array.of(1) }
}
