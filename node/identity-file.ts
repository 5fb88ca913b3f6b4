/**
 * Who this peer is, kept in its data folder: the 32-byte seed of its key, readable by its user alone.
 *
 * Written under another name and linked into place, so that a crash or a second process never leaves half a key: a peer
 * with another key is another peer, and its data is not its own any more.
 */
import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { StorageError } from '../src/protocol/errors.ts'
import { inStorageWords } from './disk-errors.ts'
import { makeFolder, syncFolder } from './disk-folder.ts'

const seedBytes = 32

/** The seed in `folder`, made if there is none. Throws `StorageError`. */
export function identitySeed(folder: string): Uint8Array {
  return inStorageWords(folder, () => {
    makeFolder(folder)
    const path = join(folder, 'identity.key')
    return checked(path, readIfThere(path) ?? makeSeed(path))
  })
}

function makeSeed(path: string): Uint8Array {
  const unfinished = `${path}.${process.pid}`
  try {
    writeFileSync(unfinished, randomBytes(seedBytes), { mode: 0o600, flush: true })
    linkSync(unfinished, path)
    syncName(path)
  } catch (error) {
    // Another process was faster: its key it is.
    if (!isCode(error, 'EEXIST')) throw error
  } finally {
    rmSync(unfinished, { force: true })
  }
  return readFileSync(path)
}

/** Its name too must last, or a power cut takes the key, and the data belongs to nobody. */
function syncName(path: string): void {
  try {
    syncFolder(dirname(path))
  } catch (error) {
    // A second sync would only seem to succeed: the next start shall make another key.
    rmSync(path)
    throw error
  }
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function checked(path: string, seed: Uint8Array): Uint8Array {
  if (seed.length === seedBytes) return new Uint8Array(seed)
  throw new StorageError('store-corrupt', `${path} is no key: it has ${seed.length} bytes.`, {
    remedy: `Put the key's ${seedBytes} bytes back, or move the data folder away and start anew.`,
  })
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
