/**
 * What is on a disk, in order: no queue, no time, only bytes at rest, which an image can be taken of.
 */
import { type Bytes, compareText, fromBinaryText, toBinaryText } from '../data/bytes.ts'
import { showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { decodeObject, keyOfStored, shelfRange } from '../protocol/record.ts'
import type { StoredEntry } from '../ports.ts'

/** What a disk held at some moment. */
export type Image = ReadonlyMap<string, Bytes>

export class Medium {
  #values = new Map<string, Bytes>()
  #sorted: string[] = []

  get(key: string): Bytes | undefined {
    return this.#values.get(key)?.slice()
  }

  get usedBytes(): number {
    let bytes = 0
    for (const [key, value] of this.#values) bytes += key.length + value.length
    return bytes
  }

  slice(from: string | undefined, to: string | undefined, limit: number): StoredEntry[] {
    const entries: StoredEntry[] = []
    for (let i = from === undefined ? 0 : this.#place(from); i < this.#sorted.length; i++) {
      const key = this.#sorted[i]!
      if (entries.length >= limit || (to !== undefined && key >= to)) break
      entries.push({ key: fromBinaryText(key), value: this.#values.get(key)!.slice() })
    }
    return entries
  }

  set(key: string, value: Bytes | undefined): void {
    const known = this.#values.has(key)
    if (value === undefined) {
      if (known) this.#sorted.splice(this.#place(key), 1)
      this.#values.delete(key)
      return
    }
    if (!known) this.#sorted.splice(this.#place(key), 0, key)
    this.#values.set(key, value)
  }

  /** Values are replaced and never changed in place, so an image needs no copies of them. */
  image(): Image {
    return new Map(this.#values)
  }

  restore(image: Image): void {
    this.#values = new Map(image)
    this.#sorted = [...image.keys()].sort(compareText)
  }

  /** Where the key is in the order, or would be. */
  #place(key: string): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (compareText(this.#sorted[middle]!, key) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** The objects that an image holds, by `bucket/path`; what is damaged there is not held. */
export function statesIn(image: Image): Map<string, ObjectState> {
  const { from, to } = shelfRange('object')
  const [low, high] = [toBinaryText(from), toBinaryText(to)]
  const objects = [...image].filter(([text]) => text >= low && text < high)
  return statesAmong(objects.map(([text, value]) => ({ key: fromBinaryText(text), value })))
}

/** The same of what is stored on the shelf of objects. */
export function statesAmong(objects: readonly StoredEntry[]): Map<string, ObjectState> {
  const states = new Map<string, ObjectState>()
  for (const { key: storedKey, value } of objects) {
    const key = keyOfStored(storedKey)
    try {
      states.set(showKey(key), decodeObject(key, value).state)
    } catch {
      // As good as lost.
    }
  }
  return states
}
