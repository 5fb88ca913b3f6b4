/**
 * The file `store.db`: one ordered table of byte keys, in SQLite's write-ahead log, synced at every commit.
 *
 * The table has row ids and a unique index on the key, although a table ordered by the key itself looks simpler. Keys
 * begin with a partition's number, which is to say at random: there, each write of a kibibyte rewrites a page of its
 * own. Here values are appended one after the other, and only the index, which is small, is written all over
 * (measured: 32 random keys of 1 KiB a commit, 36,000 writes a second against 12,000).
 *
 * SQLite keeps some failed syncs to itself: those of the folder, those of a checkpoint that it begins of its own accord,
 * and those of a statement that is not run to its end. Whoever goes on after one of them acknowledges what the disk never
 * got. So the file is made and its log is named here, with syncs that are heard of, and a checkpoint is asked for.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { Durability } from '../src/ports.ts'
import { StorageError } from '../src/protocol/errors.ts'
import { losesDisk } from './disk-errors.ts'
import { syncFile, syncFolder } from './disk-folder.ts'

/** Raised when an older program could not read what a newer one wrote. */
export const storeFormat = 1

/** 'Ring' in ASCII: tells a store from any other program's database. */
const applicationId = 0x52696e67

export const insertEntry =
  'insert into entries values (?, ?) on conflict (key) do update set value = excluded.value'
export const deleteEntry = 'delete from entries where key = ?'
export const selectValue = 'select value from entries where key = ?'
export const selectRange =
  'select key, value from entries where key >= ? and key < ? order by key limit ?'

/** Writes what stands there already. */
export const writeFormat = `pragma user_version = ${storeFormat}`

const makeTable = `
  create table entries (key blob not null unique, value blob not null) strict;
  pragma application_id = ${applicationId};
  pragma user_version = ${storeFormat};
`

/**
 * Makes the file if it is not there, whole or not at all, and its log, so that both names last before anything is
 * acknowledged: SQLite syncs the folder of a new log too, but tells nobody when that fails.
 */
export function makeFile(path: string): void {
  if (!existsSync(path)) {
    const unfinished = `${path}-new`
    for (const end of ['', '-wal', '-shm']) rmSync(`${unfinished}${end}`, { force: true })
    const database = new DatabaseSync(unfinished)
    try {
      database.exec(`pragma synchronous = off; pragma journal_mode = wal; ${makeTable}`)
    } finally {
      database.close()
    }
    syncFile(unfinished)
    renameSync(unfinished, path)
  }
  closeSync(openSync(`${path}-wal`, 'a'))
  // What an earlier process committed and did not sync is durable before anybody builds on it.
  syncFile(`${path}-wal`)
  syncFolder(dirname(path))
}

/** Makes the table in a new file, refuses a file of a newer format or of another program, and sets the sync. */
export function prepareFile(database: DatabaseSync, folder: string): void {
  const format = pragma(database, 'user_version')
  const isNew = pragma(database, 'schema_version') === 0
  if (!isNew && pragma(database, 'application_id') !== applicationId) {
    throw new StorageError(
      'store-corrupt',
      `store.db in ${folder} is another program's database.`,
      {
        remedy: 'Name another data folder.',
      },
    )
  }
  if (!isNew && format !== storeFormat) throw formatError(folder, format)
  setSync(database, folder)
  if (!isNew) return
  database.exec(`begin immediate; ${makeTable} commit;`)
}

/** How many pages of the log begin a checkpoint: as many as SQLite would wait for. */
const checkpointPages = 1000

/**
 * Moves what is committed from the log into the file, and throws if the disk fails one of the two. On a full disk the log
 * grows instead.
 */
export class Checkpoint {
  readonly #look: StatementSync
  readonly #move: StatementSync

  constructor(database: DatabaseSync) {
    database.exec('pragma wal_autocheckpoint = 0')
    // An older SQLite does not know this word, and moves at each look: slower, and as safe.
    this.#look = database.prepare('pragma wal_checkpoint(noop)')
    this.#move = database.prepare('pragma wal_checkpoint(passive)')
  }

  whenDue(): void {
    if (Number(this.#look.get()?.['log']) >= checkpointPages) this.now()
  }

  now(): void {
    try {
      this.#move.get()
    } catch (error) {
      if (losesDisk(error)) throw error
    }
  }
}

/**
 * Whether a commit syncs the log. One that does not leaves that to the next: the log is one file, and what a power cut
 * leaves of it is read up to the first frame that is not whole. A checkpoint syncs the log before it takes from it, which
 * it would not do with `synchronous = off`.
 */
export class CommitSync {
  readonly #database: DatabaseSync
  #isFull = true

  constructor(database: DatabaseSync) {
    this.#database = database
  }

  /** Between commits only. */
  set(durability: Durability): void {
    const isFull = durability === 'synced'
    if (isFull === this.#isFull) return
    // Run anew each time: a prepared one acts when it is prepared.
    this.#database.exec(`pragma synchronous = ${isFull ? 'full' : 'normal'}`)
    this.#isFull = isFull
  }
}

/** Set and read back: on some file systems SQLite quietly keeps what it had. */
function setSync(database: DatabaseSync, folder: string): void {
  // To its end: the last step is the one that syncs.
  const [mode] = database.prepare('pragma journal_mode = wal').all()
  database.exec('pragma synchronous = full')
  const isFull = pragma(database, 'synchronous') === 2
  if (mode?.['journal_mode'] === 'wal' && isFull) return
  throw new StorageError('store-not-writable', `The disk of ${folder} cannot be synced.`, {
    remedy:
      'Put the data folder on a local disk: this file system has no shared memory or no sync.',
  })
}

function pragma(database: DatabaseSync, name: string): unknown {
  return database.prepare(`pragma ${name}`).get()?.[name]
}

function formatError(folder: string, format: unknown): StorageError {
  const message = `The store in ${folder} has format ${String(format)}; this program knows ${storeFormat}.`
  return new StorageError('store-format', message, {
    remedy: 'Run the newer version of Ringlet that wrote it, or name another data folder.',
  })
}
