/**
 * A copy of the program that was broken on purpose, to see that the tests notice.
 *
 * Each break replaces one text of one file, which must stand there exactly once: a test that has nothing to bite on any
 * more fails instead of passing.
 */
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Break {
  /** From the root of the sources. */
  readonly file: string
  readonly from: string
  readonly to: string
}

/** The same adapter with syncing off; it reads its setting back, so that has to be broken too. */
export const unsynced: readonly Break[] = [
  { file: 'node/disk-file.ts', from: 'synchronous = full', to: 'synchronous = off' },
  { file: 'node/disk-file.ts', from: "'synchronous') === 2", to: "'synchronous') === 0" },
]

/** Checkpoints left to SQLite, which keeps their failed syncs to itself. */
export const deaf: readonly Break[] = [
  { file: 'node/disk-file.ts', from: 'wal_autocheckpoint = 0', to: 'wal_autocheckpoint = 1000' },
  { file: 'node/disk-file.ts', from: 'checkpointPages = 1000', to: 'checkpointPages = Infinity' },
]

/** A failed sync is a passing trouble, like a full disk: the next commit tries again. */
export const stubborn: readonly Break[] = [
  { file: 'node/disk-errors.ts', from: '10: lost,', to: '10: full,' },
]

/** Copies the sources into `folder`, which must be empty, and breaks them. */
export function brokenCopy(folder: string, breaks: readonly Break[]): string {
  const root = join(import.meta.dirname, '..', '..', '..')
  for (const part of ['node', 'src', 'package.json']) {
    cpSync(join(root, part), join(folder, part), { recursive: true })
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  for (const { file, from, to } of breaks) {
    const path = join(folder, file)
    const parts = readFileSync(path, 'utf8').split(from)
    if (parts.length !== 2) throw new Error(`${from} stands ${parts.length - 1} times in ${file}`)
    writeFileSync(path, parts.join(to))
  }
  return folder
}
