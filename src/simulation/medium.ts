/**
 * What is on a disk, in order: no queue, no time, only bytes at rest, which an image can be taken of.
 */
import { type Bytes, compareText, fromBinaryText, toBinaryText } from '../data/bytes.ts'
import { showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { shelfRange } from '../protocol/record.ts'
import type { StoredEntry } from '../ports.ts'
import { keyAtRest, objectAtRest } from './at-rest.ts'

/** What a disk held at some moment. */
export type Image = ReadonlyMap<string, Bytes>

export class Medium {
  #entries = new Map<string, StoredEntry>()
  #sorted: string[] = []

  /** The value itself, which nobody may change. */
  get(key: string): Bytes | undefined {
    return this.#entries.get(key)?.value
  }

  get usedBytes(): number {
    let bytes = 0
    for (const { key, value } of this.#entries.values()) bytes += key.length + value.length
    return bytes
  }

  slice(from: string | undefined, to: string | undefined, limit: number): StoredEntry[] {
    const entries: StoredEntry[] = []
    for (let i = from === undefined ? 0 : this.#place(from); i < this.#sorted.length; i++) {
      const key = this.#sorted[i]!
      if (entries.length >= limit || (to !== undefined && key >= to)) break
      entries.push(this.#entries.get(key)!)
    }
    return entries
  }

  set(key: string, value: Bytes | undefined): void {
    const known = this.#entries.get(key)
    if (value === undefined) {
      if (known !== undefined) this.#sorted.splice(this.#place(key), 1)
      this.#entries.delete(key)
      return
    }
    if (known === undefined) this.#sorted.splice(this.#place(key), 0, key)
    this.#entries.set(key, { key: known?.key ?? fromBinaryText(key), value })
  }

  /** Values are replaced and never changed in place, so an image needs no copies of them. */
  image(): Image {
    return new Map([...this.#entries].map(([key, { value }]) => [key, value]))
  }

  restore(image: Image): void {
    this.#entries = new Map(
      [...image].map(([key, value]) => [key, { key: fromBinaryText(key), value }]),
    )
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
    const key = keyAtRest(storedKey)
    const object = objectAtRest(key, value)
    // What is damaged is as good as lost.
    if (object !== undefined) states.set(showKey(key), object.state)
  }
  return states
}
