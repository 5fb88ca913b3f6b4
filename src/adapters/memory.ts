/**
 * A store in memory: for tests, and for a private window that gives a page no other.
 *
 * It keeps the whole contract but one clause: nothing in it survives the process, synced or buffered. The content is an object of its own,
 * so that a test can close a store and open it again, or crash a peer and start it on what it had.
 */
import { compareText, fromBinaryText, toBinaryText, type Bytes } from '../data/bytes.ts'
import type { Storage, StoredEntry, Write } from '../ports.ts'
import { storageOver, type Medium, type StorageOptions } from './storage.ts'

/** What a memory store holds; outlives the stores opened on it. */
export class MemoryContent {
  /** By key, one character a byte, which sorts as the bytes do. */
  readonly values = new Map<string, Bytes>()
  #order: readonly string[] | undefined

  /** All keys, ascending: sorted when first asked for after a key came or went. */
  get order(): readonly string[] {
    this.#order ??= [...this.values.keys()].sort(compareText)
    return this.#order
  }

  set(name: string, value: Bytes | undefined): void {
    const isNew = !this.values.has(name)
    if (isNew || value === undefined) this.#order = undefined
    if (value === undefined) this.values.delete(name)
    else this.values.set(name, value)
  }
}

/** Opens a store on `content`, or on nothing. */
export function openMemory(content = new MemoryContent(), options?: StorageOptions): Storage {
  return storageOver(memoryMedium(content), options)
}

/** The medium alone, for whoever wants other behaviour around it. */
export function memoryMedium(content: MemoryContent): Medium {
  return {
    // Copies both ways: what a caller does to its bytes afterwards is its own affair.
    read: (keys) => keys.map((key) => content.values.get(toBinaryText(key))?.slice()),
    async commit(writes: readonly Write[]) {
      for (const { key, value } of writes) content.set(toBinaryText(key), value?.slice())
    },
    range: (from, to, limit) => range(content, toBinaryText(from), toBinaryText(to), limit),
    usage() {
      let usedBytes = 0
      for (const [name, value] of content.values) usedBytes += name.length + value.length
      return { usedBytes }
    },
    close() {},
  }
}

function range(content: MemoryContent, from: string, to: string, limit: number): StoredEntry[] {
  const entries: StoredEntry[] = []
  for (let i = firstAtOrAbove(content.order, from); i < content.order.length; i++) {
    const name = content.order[i]!
    if (name >= to || entries.length >= limit) break
    entries.push({ key: fromBinaryText(name), value: content.values.get(name)!.slice() })
  }
  return entries
}

/** The place of the first name that is not below `bound`, by halving. */
function firstAtOrAbove(order: readonly string[], bound: string): number {
  let low = 0
  let high = order.length
  while (low < high) {
    const middle = (low + high) >> 1
    if (order[middle]! < bound) low = middle + 1
    else high = middle
  }
  return low
}
