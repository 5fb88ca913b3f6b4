/**
 * Reads on the main thread, on a connection of its own that cannot write: a look-up takes microseconds, less than
 * asking another thread would, and sees only what is committed, however much is queued.
 */
import { DatabaseSync, type SQLOutputValue, type StatementSync } from 'node:sqlite'
import type { Bytes } from '../src/data/bytes.ts'
import type { StoredEntry } from '../src/ports.ts'
import { selectRange, selectValue } from './disk-file.ts'

export class DiskReader implements Disposable {
  readonly #database: DatabaseSync
  readonly #value: StatementSync
  readonly #range: StatementSync
  readonly #begin: StatementSync
  readonly #end: StatementSync

  /** The file must be there, made by the writer. */
  constructor(path: string, busyMs: number) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: busyMs })
    this.#value = this.#database.prepare(selectValue)
    this.#range = this.#database.prepare(selectRange)
    this.#begin = this.#database.prepare('begin')
    this.#end = this.#database.prepare('commit')
  }

  /** All of one moment: a commit on the other thread may end between two look-ups. */
  read(keys: readonly Bytes[]): (Bytes | undefined)[] {
    if (keys.length === 1) return [this.#get(keys[0]!)]
    this.#begin.run()
    try {
      return keys.map((key) => this.#get(key))
    } finally {
      this.#end.run()
    }
  }

  range(from: Bytes, to: Bytes, limit: number): StoredEntry[] {
    return this.#range.all(from, to, limit).map(({ key, value }) => ({
      key: asBytes(key),
      value: asBytes(value),
    }))
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }

  #get(key: Bytes): Bytes | undefined {
    const row = this.#value.get(key)
    return row === undefined ? undefined : asBytes(row['value'])
  }
}

/** The table is strict: its columns hold blobs and nothing else. */
function asBytes(column: SQLOutputValue | undefined): Bytes {
  if (column instanceof Uint8Array) return column
  throw new TypeError('a column that is no blob')
}
