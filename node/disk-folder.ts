/**
 * The data folder: made and synced up to its root, locked by one peer at a time, and cleared of a lost store.
 *
 * A file that is synced is lost all the same if its name is not, and a name lasts once the folder around it is synced.
 * Whoever made the folders may have died before that, so they are synced at every start.
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
  rmdirSync,
  rmSync,
  statSync,
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
  try {
    syncUpwards(folder)
  } catch (error) {
    // A second sync of the same name would only seem to succeed: the next start shall make it anew.
    if (firstMade !== undefined) removeEmpty(folder, dirname(firstMade))
    throw error
  }
}

/** Removes `folder` and those around it up to `outer`, as far as nobody has put anything there. */
function removeEmpty(folder: string, outer: string): void {
  try {
    for (let at = folder; at !== outer; at = dirname(at)) rmdirSync(at)
  } catch {
    // Somebody else has found it, and begins there as in any folder that is there.
  }
}

function syncUpwards(folder: string): void {
  syncFolder(folder)
  const { dev } = statSync(folder)
  let at = folder
  while (at !== dirname(at)) {
    at = dirname(at)
    if (statSync(at).dev !== dev) return
    try {
      syncFolder(at)
    } catch (error) {
      // One that this user may not open holds no name that this user made.
      if ((error as NodeJS.ErrnoException).code === 'EIO') throw error
    }
  }
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

/** Makes the names in `folder` last. */
export function syncFolder(folder: string): void {
  // Windows opens no folders, and needs no sync of them.
  if (process.platform !== 'win32') syncPath(folder, 'r')
}

/** Makes the bytes of a file last. */
export function syncFile(path: string): void {
  syncPath(path, 'r+')
}

function syncPath(path: string, flags: 'r' | 'r+'): void {
  const opened = openSync(path, flags)
  try {
    fsyncSync(opened)
  } finally {
    closeSync(opened)
  }
}
