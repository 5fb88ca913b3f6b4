/**
 * A peer's store as one finds it on the disk, from outside: read while the peer runs, damaged while it is stopped.
 *
 * The checker asks the disks and not the peers, so that a peer that answers wrongly is caught. Only the file itself is
 * damaged, once the log has been brought into it: a damaged log looks to SQLite like one that was never written to
 * the end, which makes the disk one that was set back, and what such a disk may do is another story.
 */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { storePath } from '../../node/disk-folder.ts'
import { DiskReader } from '../../node/disk-reader.ts'
import { type Bytes, fromBinaryText } from '../../src/data/bytes.ts'
import type { StoredEntry } from '../../src/ports.ts'
import { keyOfStored, shelfRange } from '../../src/protocol/record.ts'
import type { SeededRandom } from '../../src/simulation/random.ts'

const busyMs = 500
const files = ['store.db', 'store.db-wal', 'store.db-shm']
/** SQLite's usual page. */
const pageBytes = 4096

export class Store {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /** It cannot be read to its end. */
  get isLost(): boolean {
    const { from, to } = shelfRange('object')
    return this.#with((reader) => reader.range(from, to, 1_000_000)) === undefined
  }

  read(name: string): Bytes | undefined {
    return this.#with((reader) => reader.read([fromBinaryText(name)]))?.[0]
  }

  /** What can be read; an entry whose key is none is damage. */
  entries(from: Bytes, to: Bytes): readonly StoredEntry[] {
    const entries = this.#with((reader) => reader.range(from, to, 1_000_000)) ?? []
    return entries.filter(({ key }) => isKey(key))
  }

  /** Whether SQLite finds nothing amiss in the whole file. */
  get isSound(): boolean {
    try {
      using database = new DatabaseSync(storePath(this.folder), { readOnly: true, timeout: busyMs })
      return database.prepare('pragma integrity_check').get()?.['integrity_check'] === 'ok'
    } catch {
      return false
    }
  }

  /** Brings all that is in the log into the file. It is nobody's just now. */
  settle(): void {
    if (this.sizeBytes === 0) return
    try {
      using database = new DatabaseSync(storePath(this.folder), { timeout: busyMs })
      database.exec('pragma wal_checkpoint(truncate)')
    } catch {
      // It is damaged already.
    }
  }

  get sizeBytes(): number {
    const path = storePath(this.folder)
    return existsSync(path) ? readFileSync(path).length : 0
  }

  /** Turns some bytes over, each anywhere in the file. */
  flip(random: SeededRandom, count: number): void {
    const path = storePath(this.folder)
    const bytes = readFileSync(path)
    for (let i = 0; i < count; i++) {
      const at = random.whole(bytes.length)
      bytes[at] = bytes[at]! ^ (1 << random.whole(8))
    }
    writeFileSync(path, bytes)
  }

  /** Turns a bit of some records over, of which SQLite has no means to know. Returns how many. */
  flipRecords(random: SeededRandom, most: number): number {
    const { from, to } = shelfRange('object')
    const records = random.shuffled(this.entries(from, to)).slice(0, most)
    using database = new DatabaseSync(storePath(this.folder), { timeout: busyMs })
    const put = database.prepare('update entries set value = ? where key = ?')
    for (const { key, value } of records) {
      const bit = random.whole(value.length * 8)
      value[bit >> 3]! ^= 1 << (bit & 7)
      put.run(value, key)
    }
    database.exec('pragma wal_checkpoint(truncate)')
    return records.length
  }

  /** Cuts the file off, now in the middle of a page, now between two. */
  truncate(random: SeededRandom): void {
    const size = this.sizeBytes
    const at = random.whole(size)
    truncateSync(storePath(this.folder), random.chance(0.5) ? at : at - (at % pageBytes))
  }

  /** Puts the file aside, as the program's own remedy says; an empty one comes in its place. */
  putAside(): void {
    const aside = join(this.folder, 'aside')
    rmSync(aside, { recursive: true, force: true })
    mkdirSync(aside)
    for (const name of files) {
      const path = join(this.folder, name)
      if (existsSync(path)) renameSync(path, join(aside, name))
    }
  }

  /** Whether the peer itself has put a store aside since this was last asked. */
  takeGivenUp(): boolean {
    const path = join(this.folder, 'lost-store.db')
    const isThere = existsSync(path)
    if (isThere) renameSync(path, `${path}.seen`)
    return isThere
  }

  /** The disk is another, empty one; who the peer is stands elsewhere. */
  wipe(): void {
    for (const name of files) rmSync(join(this.folder, name), { force: true })
  }

  #with<T>(read: (reader: DiskReader) => T): T | undefined {
    try {
      using reader = new DiskReader(storePath(this.folder), busyMs)
      return read(reader)
    } catch {
      return undefined
    }
  }
}

function isKey(stored: Bytes): boolean {
  try {
    keyOfStored(stored)
    return true
  } catch {
    return false
  }
}
