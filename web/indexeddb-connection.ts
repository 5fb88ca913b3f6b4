/**
 * One database of IndexedDB, and a handle to it that is opened again when it was closed from outside.
 *
 * Browsers close handles: under memory pressure, when their storage process ends, when another tab upgrades or deletes
 * the database. What is opened again may not be what was closed, for a user can clear a site's data under an open tab.
 * Each database therefore has a random mark beside its format. Another mark, or none, is a lost store: a peer that
 * went on would mint its dots a second time.
 */
import { promisifyRequest } from 'idb-keyval'
import { systemRandom } from '../src/adapters/system.ts'
import { equalBytes, type Bytes } from '../src/data/bytes.ts'
import {
  asStorageError,
  clearedError,
  damagedError,
  formatError,
  isClosedHandle,
} from './indexeddb-errors.ts'

/** Raised when an older program could not read what a newer one wrote. */
export const storeFormat = 1

const entries = 'entries'

/** A text stands below all binary keys in IndexedDB's order, so that no range meets it. */
const formatKey = 'format'

interface FormatRecord {
  readonly format: number
  readonly mark: Bytes
}

export class IndexedDbConnection {
  readonly #name: string
  #handle: Promise<IDBDatabase> | undefined
  #mark: Bytes | undefined

  static async open(name: string): Promise<IndexedDbConnection> {
    const connection = new IndexedDbConnection(name)
    try {
      await connection.#open()
      return connection
    } catch (error) {
      throw asStorageError(error, name, 'opening')
    }
  }

  private constructor(name: string) {
    this.#name = name
  }

  /** Runs `callback` in a transaction of its own, a second time if the handle proved closed. */
  async use<T>(
    mode: IDBTransactionMode,
    callback: (store: IDBObjectStore) => T | PromiseLike<T>,
  ): Promise<T> {
    try {
      try {
        return await callback(storeOf(await this.#open(), mode))
      } catch (error) {
        if (!isClosedHandle(error)) throw error
        // The transaction was aborted, or never began: nothing of it is stored.
        await this.close()
        return await callback(storeOf(await this.#open(), mode))
      }
    } catch (error) {
      throw asStorageError(error, this.#name, 'using')
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.then(
      (database) => database.close(),
      () => {},
    )
  }

  #open(): Promise<IDBDatabase> {
    if (this.#handle !== undefined) return this.#handle
    const handle = this.#openHandle()
    this.#handle = handle
    const forget = () => {
      if (this.#handle === handle) this.#handle = undefined
    }
    handle.then((database) => {
      database.onclose = forget
      database.onversionchange = () => {
        forget()
        database.close()
      }
    }, forget)
    return handle
  }

  async #openHandle(): Promise<IDBDatabase> {
    const request = indexedDB.open(this.#name, 1)
    let isCleared = false
    request.onupgradeneeded = () => {
      isCleared = this.#mark !== undefined
      if (isCleared) request.transaction?.abort()
      else makeStore(request.result)
    }
    const database = await promisifyRequest(request).catch((error: unknown) => {
      throw isCleared ? clearedError(this.#name) : error
    })
    try {
      this.#mark = await this.#check(database)
    } catch (error) {
      database.close()
      throw error
    }
    return database
  }

  /** Reads the format in a writing transaction, which waits for those of whoever had the database before. */
  async #check(database: IDBDatabase): Promise<Bytes> {
    const store = storeOf(database, 'readwrite')
    const done = promisifyRequest(store.transaction)
    const record: unknown = await promisifyRequest(store.get(formatKey))
    await done
    if (!isFormatRecord(record)) throw damagedError(this.#name)
    if (record.format !== storeFormat) throw formatError(this.#name, record.format)
    if (this.#mark && !equalBytes(this.#mark, record.mark)) throw clearedError(this.#name)
    return record.mark
  }
}

function makeStore(database: IDBDatabase): void {
  const record: FormatRecord = { format: storeFormat, mark: systemRandom.bytes(16) }
  database.createObjectStore(entries).put(record, formatKey)
}

function storeOf(database: IDBDatabase, mode: IDBTransactionMode): IDBObjectStore {
  return database.transaction(entries, mode, { durability: 'strict' }).objectStore(entries)
}

function isFormatRecord(record: unknown): record is FormatRecord {
  if (typeof record !== 'object' || record === null) return false
  return 'format' in record && 'mark' in record && record.mark instanceof Uint8Array
}
