/**
 * One database of IndexedDB, and a handle to it that is opened again when it was closed from outside.
 *
 * Browsers close handles: under memory pressure, when their storage process ends, when another tab upgrades or deletes
 * the database. What is opened again may not be what was closed, for a user can clear a site's data under an open tab.
 * Each database therefore has a random mark beside its format. Another mark, or none, is a lost store: a peer that
 * went on would mint its dots a second time.
 *
 * So would a tab that hung, lost its database to another tab, and then came back to itself: it does not know, and a lock
 * that was taken from it stops it from nothing. Whoever opens a database therefore commits a random token of its own
 * beside the mark, and every later transaction looks for it *in that transaction*: a look before it says nothing about
 * the moment of the commit. Who finds another's token there has lost the database for good.
 */
import { promisifyRequest } from 'idb-keyval'
import { systemRandom } from '../src/adapters/system.ts'
import { equalBytes, type Bytes } from '../src/data/bytes.ts'
import {
  asStorageError,
  clearedError,
  damagedError,
  formatError,
  inDoubt,
  isClosedHandle,
  neverBegan,
  takenError,
} from './indexeddb-errors.ts'

/** Raised when an older program could not read what a newer one wrote. */
export const storeFormat = 1

const entries = 'entries'

/** A text stands below all binary keys in IndexedDB's order, so that no range meets it. */
const formatKey = 'format'

interface FormatRecord {
  readonly format: number
  readonly mark: Bytes
  /** Of whoever opened it last; none in a database that an earlier program made. */
  readonly holder?: Bytes
}

/** `held` rejects where the database is another's by now: what writes commits after it, and never before. */
export type Use<T> = (store: IDBObjectStore, held: Promise<void>) => T | PromiseLike<T>

export class IndexedDbConnection {
  readonly #name: string
  readonly #token = systemRandom.bytes(16)
  #handle: Promise<IDBDatabase> | undefined
  #mark: Bytes | undefined

  /** Takes the database, from whoever holds it still. */
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
    callback: Use<T>,
    durability: IDBTransactionDurability = 'strict',
  ): Promise<T> {
    let isInDoubt = false
    try {
      try {
        return await this.#run(mode, callback, durability)
      } catch (error) {
        if (!isClosedHandle(error)) throw error
        // What was closed in the middle of its commit may be stored; to write the same again changes nothing.
        isInDoubt = mode === 'readwrite' && !neverBegan(error)
        await this.close()
        return await this.#run(mode, callback, durability)
      }
    } catch (error) {
      const failure = asStorageError(error, this.#name, 'using')
      throw isInDoubt ? inDoubt(failure) : failure
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

  async #run<T>(
    mode: IDBTransactionMode,
    callback: Use<T>,
    durability: IDBTransactionDurability,
  ): Promise<T> {
    const store = storeOf(await this.#open(), mode, durability)
    const held = this.#mustHold(store)
    const [result] = await Promise.all([callback(store, held), held])
    return result
  }

  /** The first request of the transaction; those that follow are on their way before it is answered. */
  async #mustHold(store: IDBObjectStore): Promise<void> {
    const record: unknown = await promisifyRequest(store.get(formatKey))
    try {
      this.#compare(record)
    } catch (error) {
      store.transaction.abort()
      throw error
    }
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
      await this.#take(database)
    } catch (error) {
      database.close()
      throw error
    }
    return database
  }

  /**
   * The first time the database is taken; after that it must still be what it was, and ours. By a writing transaction,
   * which waits for those of whoever had the database before.
   */
  async #take(database: IDBDatabase): Promise<void> {
    const store = storeOf(database, 'readwrite')
    const done = promisifyRequest(store.transaction)
    const record: unknown = await promisifyRequest(store.get(formatKey))
    const isFirst = this.#mark === undefined
    if (isFirst && isReadable(record)) store.put({ ...record, holder: this.#token }, formatKey)
    await done
    if (!isFormatRecord(record)) throw damagedError(this.#name)
    if (record.format !== storeFormat) throw formatError(this.#name, record.format)
    if (isFirst) this.#mark = record.mark
    else this.#compare(record)
  }

  #compare(record: unknown): void {
    const { mark, holder } = isFormatRecord(record) ? record : {}
    if (!isSame(mark, this.#mark)) throw clearedError(this.#name)
    if (!isSame(holder, this.#token)) throw takenError(this.#name)
  }
}

function makeStore(database: IDBDatabase): void {
  const record: FormatRecord = { format: storeFormat, mark: systemRandom.bytes(16) }
  database.createObjectStore(entries).put(record, formatKey)
}

function storeOf(
  database: IDBDatabase,
  mode: IDBTransactionMode,
  durability: IDBTransactionDurability = 'strict',
): IDBObjectStore {
  return database.transaction(entries, mode, { durability }).objectStore(entries)
}

function isReadable(record: unknown): record is FormatRecord {
  return isFormatRecord(record) && record.format === storeFormat
}

function isFormatRecord(record: unknown): record is FormatRecord {
  if (typeof record !== 'object' || record === null) return false
  return 'format' in record && 'mark' in record && record.mark instanceof Uint8Array
}

function isSame(a: Bytes | undefined, b: Bytes | undefined): boolean {
  return a instanceof Uint8Array && b !== undefined && equalBytes(a, b)
}
