/**
 * The data folder: made and synced up to its root, locked by one peer at a time, and cleared of a lost store.
 *
 * The lock is a SQLite file of its own, held in an exclusive transaction: the kernel lets go of it when the process
 * ends, also by `kill -9`, so that no stale lock file ever has to be judged or deleted.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const storeFiles = ['store.db', 'store.db-wal', 'store.db-shm']

export function storePath(folder: string): string {
  return join(folder, 'store.db')
}

/** Makes the folder and its parents; a power cut must not take a name on the way to a synced file. */
export function makeFolder(folder: string): void {
  const firstMade = mkdirSync(folder, { recursive: true })
  if (firstMade === undefined) return
  for (let made = folder; made !== dirname(firstMade); made = dirname(made)) syncFolder(made)
  syncFolder(dirname(firstMade))
}

/** Throws SQLite's "busy" if another store, of this process or another, is open in the folder. */
export function lockFolder(folder: string): Disposable {
  const lock = new DatabaseSync(join(folder, 'store.lock'), { timeout: 0 })
  try {
    lock.exec('pragma locking_mode = exclusive; begin exclusive')
  } catch (error) {
    lock.close()
    throw error
  }
  return lock
}

/**
 * Notes that the disk failed under the store, so that the next start does not trust it. The note may fail too, on
 * such a disk; the store then comes back as SQLite finds it.
 */
export function markLost(folder: string): void {
  try {
    writeFileSync(join(folder, 'store.lost'), '', { flush: true })
    syncFolder(folder)
  } catch {
    // Nothing better can be done on a disk that fails.
  }
}

/** Moves a store aside that was marked as lost, with its log: a log left alone would be replayed into the next. */
export function putLostAside(folder: string): void {
  const mark = join(folder, 'store.lost')
  if (!existsSync(mark)) return
  for (const name of storeFiles) {
    if (existsSync(join(folder, name))) renameSync(join(folder, name), join(folder, `lost-${name}`))
  }
  syncFolder(folder)
  rmSync(mark)
}

function syncFolder(folder: string): void {
  // Windows opens no folders, and needs no sync of them.
  if (process.platform === 'win32') return
  const opened = openSync(folder, 'r')
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
