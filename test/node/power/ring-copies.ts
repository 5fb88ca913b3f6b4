/**
 * How many disks of a ring hold what was acknowledged.
 *
 * Asking the ring would be too kind: two owners of three answer for the third. So each peer's store is opened, and looked
 * into.
 */
import { join } from 'node:path'
import { openDisk } from '../../../node/disk.ts'
import { DiskReader } from '../../../node/disk-reader.ts'
import { storePath } from '../../../node/disk-folder.ts'
import { decode } from '../../../src/protocol/codec.ts'
import {
  keyOfStored,
  decodeObject,
  shelfRange,
  storageKeys,
  storeIdentity,
} from '../../../src/protocol/record.ts'
import { type Key, makeKey, splitKey } from '../../../src/data/key.ts'
import { decodeStructured } from '../../../src/data/structured.ts'
import type { Bytes } from '../../../src/data/bytes.ts'
import type { StoredEntry } from '../../../src/ports.ts'

/** Key → the number that a store shows of it; the greatest, if it has siblings. */
export type Numbers = ReadonlyMap<string, number>

const pageEntries = 500

/** Of the store in `folder`, which nobody else may hold. Rejects with `StorageError`. */
export async function numbersIn(folder: string): Promise<Numbers> {
  const storage = await openDisk(folder)
  try {
    return await numbersOf((from, to) => storage.range(from, to, pageEntries))
  } finally {
    await storage.close()
  }
}

/** What of `known` the store in `folder` does not show yet, looked up beside the peer that holds it. */
export function missingBeside(folder: string, known: Numbers): Numbers {
  using reader = new DiskReader(storePath(folder), 2000)
  const missing = [...known].filter(([name, n]) => {
    const key = makeKey('load', name)
    const [stored] = reader.read([storageKeys.object(key)])
    return stored === undefined || numberIn(key, stored) < n
  })
  return new Map(missing)
}

/** What tells this store from one that was made anew. */
export function seedBeside(folder: string): string {
  using reader = new DiskReader(storePath(folder), 2000)
  const [stored] = reader.read([storageKeys.identity])
  return Buffer.from(decode(storeIdentity, stored!).seed).toString('hex')
}

/** The keys of which fewer than `least` of the stores show at least what was acknowledged. */
export function tooFew(acknowledged: Numbers, stores: readonly Numbers[], least: number): string[] {
  return [...acknowledged]
    .filter(([key, n]) => stores.filter((store) => (store.get(key) ?? 0) >= n).length < least)
    .map(([key]) => key)
}

export function folderOf(place: string, peer: number): string {
  return join(place, '.ringlet', `peer-${peer}`)
}

async function numbersOf(
  page: (from: Bytes, to: Bytes) => Promise<readonly StoredEntry[]>,
): Promise<Numbers> {
  const numbers = new Map<string, number>()
  const { from, to } = shelfRange('object')
  for (let at: Bytes | undefined = from; at !== undefined;) {
    const entries: readonly StoredEntry[] = await page(at, to)
    for (const { key, value } of entries) {
      const named = keyOfStored(key)
      numbers.set(splitKey(named).path[0], numberIn(named, value))
    }
    const last: StoredEntry | undefined = entries.at(-1)
    at = entries.length < pageEntries || last === undefined ? undefined : behind(last.key)
  }
  return numbers
}

function numberIn(key: Key, stored: Bytes): number {
  const { siblings } = decodeObject(key, stored).state
  return Math.max(0, ...siblings.map(({ value }) => (value.bytes ? valueOf(value.bytes) : 0)))
}

function valueOf(bytes: Bytes): number {
  return (decodeStructured(bytes) as { readonly n: number }).n
}

function behind(key: Bytes): Bytes {
  return new Uint8Array([...key, 0])
}
