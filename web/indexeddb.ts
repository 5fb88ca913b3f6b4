/**
 * The store of a tab: IndexedDB through `idb-keyval`, with a `UseStore` of our own.
 *
 * `idb-keyval` alone asks for no durability (relaxed transactions lost a quarter of what was acknowledged at a power
 * cut), knows no ranges, and stays with a database handle that the browser has closed. So transactions are strict where
 * they are not asked to be buffered, one commit carries all that is queued (the cost is per transaction), and a closed
 * handle is opened again.
 */
import { getMany, promisifyRequest, type UseStore } from 'idb-keyval'
import { storageOver, type StorageOptions, type Usage } from '../src/adapters/storage.ts'
import { compareBytes, type Bytes } from '../src/data/bytes.ts'
import type { Storage, StoredEntry, Write } from '../src/ports.ts'
import { IndexedDbConnection } from './indexeddb-connection.ts'

/**
 * Opens the database `name`, making it if it is not there. Rejects with `StorageError`: `store-not-writable`,
 * `store-full`, `store-format` or `store-corrupt`, each with a remedy. It is taken from whoever had it open: all that
 * they do with it from then on rejects with `slot-taken`.
 */
export async function openIndexedDb(name: string, options?: StorageOptions): Promise<Storage> {
  const connection = await IndexedDbConnection.open(name)
  const use: UseStore = (mode, callback) => connection.use(mode, callback)
  return storageOver(
    {
      read: (keys) => getMany<Bytes>(keys.map(asKey), use),
      range: (from, to, limit) => use('readonly', (store) => range(store, from, to, limit)),
      commit: (writes, durability) =>
        connection.use(
          'readwrite',
          (store, held) => commit(store, held, writes),
          durability === 'synced' ? 'strict' : 'relaxed',
        ),
      usage,
      close: () => connection.close(),
    },
    options,
  )
}

/** A text, which no range meets: written where nothing is but a sync. */
const syncKey = 'sync'

async function commit(
  store: IDBObjectStore,
  held: Promise<void>,
  writes: readonly Write[],
): Promise<void> {
  const { transaction } = store
  try {
    // A transaction that writes nothing syncs nothing.
    if (writes.length === 0) store.put(0, syncKey)
    for (const { key, value } of writes) {
      if (value === undefined) store.delete(asKey(key))
      else store.put(asWhole(value), asKey(key))
    }
  } catch (error) {
    // What was put before would be committed otherwise.
    transaction.abort()
    throw error
  }
  const done = promisifyRequest(transaction)
  await Promise.all([done, held.then(() => transaction.commit())])
}

async function range(
  store: IDBObjectStore,
  from: Bytes,
  to: Bytes,
  limit: number,
): Promise<StoredEntry[]> {
  if (compareBytes(from, to) >= 0) return []
  const bound = IDBKeyRange.bound(asKey(from), asKey(to), false, true)
  const most = Math.min(limit, 2 ** 32 - 1)
  const [keys, values] = await Promise.all([
    promisifyRequest(store.getAllKeys(bound, most)),
    promisifyRequest<Bytes[]>(store.getAll(bound, most)),
  ])
  return keys.map((key, i) => ({ key: new Uint8Array(key as ArrayBuffer), value: values[i]! }))
}

/** Insecure pages are told nothing of their space, nor whether it stays. */
async function usage(): Promise<Usage> {
  const { usage: usedBytes, quota: quotaBytes } = (await navigator.storage?.estimate()) ?? {}
  const persisted = await navigator.storage?.persisted?.()
  return {
    ...(persisted === undefined ? {} : { persisted }),
    ...(usedBytes === undefined ? {} : { usedBytes }),
    ...(quotaBytes === undefined ? {} : { quotaBytes }),
  }
}

/** A binary key, compared as unsigned bytes; the browser copies it. */
function asKey(key: Bytes): Uint8Array<ArrayBuffer> {
  return key as Uint8Array<ArrayBuffer>
}

/** A view would be stored with the whole buffer that it looks into. */
function asWhole(value: Bytes): Bytes {
  return value.byteLength === value.buffer.byteLength ? value : value.slice()
}
