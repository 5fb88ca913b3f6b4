/**
 * The disk of a Node peer: SQLite in one data folder, with group commit.
 *
 * Writes go to a thread of their own, because a sync blocks; reads stay on the main thread, because asking another
 * costs more than reading. Every commit is synced (`synchronous = full`, set and read back): with less, a power cut
 * takes back what was acknowledged. Only one that holds buffered writes alone is left to the next: the log has an order,
 * and a sync takes all that stands in it.
 *
 * When a write or a sync fails with an input or output error, be it a commit's, a checkpoint's or the opening's, the disk
 * counts as lost. The store refuses everything from then on, and the folder is marked, so that the next start begins with
 * an empty file instead of trusting this one. (A read that fails ends the store too, but marks nothing: it was no promise
 * that broke.)
 */
import { stat, statfs } from 'node:fs/promises'
import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { storageOver, type StorageOptions, type Usage } from '../src/adapters/storage.ts'
import type { Bytes } from '../src/data/bytes.ts'
import type { Storage } from '../src/ports.ts'
import { inStorageWords } from './disk-errors.ts'
import { lockFolder, makeFolder, putLostAside, storePath } from './disk-folder.ts'
import { DiskReader } from './disk-reader.ts'
import { DiskWriter } from './disk-writer.ts'

/** How long to wait for somebody who looks into the file with a tool. */
const busyMs = 2000

/**
 * Opens the store in `folder`, making both if they are not there. Rejects with `StorageError`: `store-locked`,
 * `store-not-writable`, `store-full`, `store-format`, `store-corrupt` or `store-lost`, each with a remedy.
 */
export async function openDisk(dataFolder: string, options?: StorageOptions): Promise<Storage> {
  const folder = resolve(dataFolder)
  const path = storePath(folder)
  await using opening = new AsyncDisposableStack()
  inStorageWords(folder, () => {
    makeFolder(folder)
    opening.use(lockFolder(folder))
    putLostAside(folder)
  })
  const writer = opening.use(await DiskWriter.open({ folder, path, busyMs }))
  const reader = opening.use(inStorageWords(folder, () => new DiskReader(path, busyMs)))
  const medium = await mediumOf(path)
  const held = opening.move()
  return storageOver(
    {
      read: (keys) => inStorageWords(folder, () => reader.read(keys)),
      async range(...asked) {
        // A scan in a loop would otherwise never let the network have its turn.
        await setImmediate()
        return inStorageWords(folder, () => reader.range(...asked))
      },
      commit: (writes, durability) => writer.commit(writes, durability),
      usage: () => usageOf(folder),
      close: () => held.disposeAsync(),
    },
    { nameKey: latin1, medium, ...options },
  )
}

/**
 * The file's number, and when it was made: a copy has others. Where a file system keeps no time of making, Node says the
 * year 1970, and the number has to do.
 */
async function mediumOf(path: string): Promise<string> {
  const { ino, birthtimeNs } = await stat(path, { bigint: true })
  return `${ino}.${birthtimeNs}`
}

async function usageOf(folder: string): Promise<Usage> {
  const path = storePath(folder)
  const sizes = await Promise.all(
    [path, `${path}-wal`].map((file) => stat(file).then(({ size }) => size)),
  )
  const usedBytes = sizes.reduce((sum, size) => sum + size, 0)
  const { bavail, bsize } = await statfs(folder)
  return { usedBytes, quotaBytes: usedBytes + bavail * bsize }
}

/** One character a byte, in native code: a twentieth of the time of a loop. */
function latin1(key: Bytes): string {
  return Buffer.prototype.latin1Slice.call(key, 0, key.length)
}
