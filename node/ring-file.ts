/**
 * The ring's public file on disk. Made once: a second `init` over it would found another ring, and every peer of the first
 * would refuse every peer of the second.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { RingletError } from '../src/protocol/errors.ts'
import type { RingIdentity } from '../src/protocol/membership.ts'
import {
  readIdentity,
  readRingFile,
  type RingFile,
  writeRingFile,
} from '../src/protocol/ring-file.ts'
import { syncFolder } from './disk-folder.ts'

/** A new ring's identity; what `wanted` leaves open is N = 3 and Q = 4096, all owners durable. */
export function newRingIdentity(
  wanted: Pick<RingIdentity, 'name'> & Partial<Omit<RingIdentity, 'id'>>,
): RingIdentity {
  const { name, n = 3, q = 4096, durableOwners = n } = wanted
  return readIdentity({ name, id: randomBytes(16).toString('base64url'), n, q, durableOwners })
}

/** Throws `RingletError`, `ring-file`: not there, not readable, no ring. */
export function loadRingFile(path: string): RingFile {
  let json: unknown
  try {
    json = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    const what = cause instanceof SyntaxError ? 'is no JSON' : 'cannot be read'
    throw new RingletError('ring-file', `The ring file ${path} ${what}.`, {
      remedy: 'Make a ring with `ringlet init`, or name the file of one with --ring.',
      cause,
    })
  }
  return readRingFile(json)
}

/** Throws `RingletError`, `ring-file`, if something stands there already. */
export function createRingFile(path: string, file: RingFile): void {
  try {
    writeFileSync(path, writeRingFile(file), { flag: 'wx', flush: true })
    syncFolder(dirname(resolve(path)))
  } catch (cause) {
    const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST'
    const what = isThere ? 'is there already, and stays as it is' : 'cannot be written'
    throw new RingletError('ring-file', `${path} ${what}.`, {
      remedy: 'Name another file; a ring is made only once.',
      cause,
    })
  }
}

/** The same ring, found at other addresses. */
export function replaceRingFile(path: string, file: RingFile): void {
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, writeRingFile(file), { flush: true })
  renameSync(unfinished, path)
}
