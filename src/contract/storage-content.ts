/** What the cases of the storage contract write and count: bytes by number, plain puts, and counters. */
import type { Bytes } from '../data/bytes.ts'
import type { Change, Storage } from '../ports.ts'

/** A key and what it is to hold; undefined deletes. */
export type Pair = readonly [Bytes, Bytes | undefined]

export function bytes(...values: readonly number[]): Bytes {
  return Uint8Array.from(values)
}

export function entry(key: Bytes, value: Bytes): Pair {
  return [key, value]
}

/** Writes all pairs in one update, without looking. */
export function put(storage: Storage, ...pairs: readonly Pair[]): Promise<void> {
  return storage.update([], () => ({
    writes: pairs.map(([key, value]) => ({ key, value })),
    result: undefined,
  }))
}

export function numberOf(value: Bytes | undefined): number {
  return value === undefined ? 0 : new DataView(value.buffer, value.byteOffset).getUint32(0)
}

export function bytesOf(number: number): Bytes {
  const value = new Uint8Array(4)
  new DataView(value.buffer).setUint32(0, number)
  return value
}

/** One more in the counter `key`; the result is what it then holds. */
export function increment(storage: Storage, key: Bytes): Promise<number> {
  return storage.update([key], incremented(key))
}

export function incremented(key: Bytes): Change<number> {
  return ([current]) => {
    const result = numberOf(current) + 1
    return { writes: [{ key, value: bytesOf(result) }], result }
  }
}

/** Looks, and writes nothing. */
export function look(storage: Storage, key: Bytes): Promise<number> {
  return storage.update([key], ([current]) => ({ writes: [], result: numberOf(current) }))
}
