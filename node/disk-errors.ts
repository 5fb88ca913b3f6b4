/**
 * What SQLite and the file system say, in the words of `StorageError`: what happened, and what to do about it.
 *
 * A full disk is a passing trouble: nothing of the commit was written, reads go on, and so do writes once there is
 * room. An input or output error is not: after a failed sync the kernel may show pages that the disk never got, so
 * that a second try would only seem to succeed. That disk counts as lost.
 */
import { StorageError, type ErrorCode, type ErrorDetails } from '../src/protocol/errors.ts'

interface Trouble {
  readonly code: ErrorCode
  readonly what: string
  readonly remedy: string
  readonly outcome?: 'unknown'
}

const locked: Trouble = {
  code: 'store-locked',
  what: 'another process holds it',
  remedy: 'Stop the peer that runs on this data folder, or give this one a folder of its own.',
}
const notWritable: Trouble = {
  code: 'store-not-writable',
  what: 'it cannot be written',
  remedy: 'Let this user write to the folder, or name another data folder.',
}
const full: Trouble = {
  code: 'store-full',
  what: 'the disk is full',
  remedy: 'Make room on the disk; reads go on, and writes work again as soon as there is room.',
}
const lost: Trouble = {
  code: 'store-lost',
  what: 'the disk failed',
  remedy: 'Restart the peer on a sound disk: it begins empty and fetches its data from the others.',
  outcome: 'unknown',
}
const corrupt: Trouble = {
  code: 'store-corrupt',
  what: 'it is damaged, or no store of this program',
  remedy:
    'Move store.db out of the folder: the peer begins anew and fetches its data from the others.',
}
const noMemory: Trouble = {
  code: 'overloaded',
  what: 'the machine is out of memory',
  remedy: 'Give the peer more memory.',
}

/** By SQLite's primary result code: https://sqlite.org/rescode.html */
const bySqliteCode: Readonly<Record<number, Trouble>> = {
  1: corrupt, // ERROR: a table is not what it should be
  3: notWritable, // PERM
  5: locked, // BUSY
  6: locked, // LOCKED
  7: noMemory, // NOMEM
  8: notWritable, // READONLY
  10: lost, // IOERR
  11: corrupt, // CORRUPT
  13: full, // FULL
  14: notWritable, // CANTOPEN
  26: corrupt, // NOTADB
}

/** IOERR_NOMEM, the one input or output error that is no disk's fault. */
const ioErrorNoMemory = 3082

const byFileCode: Readonly<Record<string, Trouble>> = {
  EACCES: notWritable,
  EPERM: notWritable,
  EROFS: notWritable,
  ENOTDIR: notWritable,
  EEXIST: notWritable,
  ENOSPC: full,
  EDQUOT: full,
  EIO: lost,
}

/** The error as a `StorageError` if the disk or the folder is to blame; else as it is. */
export function storageErrorOf(error: unknown, folder: string): unknown {
  if (!(error instanceof Error) || error instanceof StorageError) return error
  const trouble = troubleOf(error)
  if (trouble === undefined) return error
  const { code, what, ...details } = trouble
  const message = `The store in ${folder} failed: ${what} (${error.message}).`
  return new StorageError(code, message, { ...details, cause: error })
}

/** SQLite's IOERR_READ and IOERR_SHORT_READ. */
const readErrors: readonly unknown[] = [266, 522]

/** Whether the disk may not hold what it was given; of a failed read this does not follow. */
export function losesDisk(error: unknown): boolean {
  if (!(error instanceof Error) || troubleOf(error) !== lost) return false
  return !('errcode' in error && readErrors.includes(error.errcode))
}

/** Runs `act`, and throws what it throws in the words of `StorageError`. */
export function inStorageWords<T>(folder: string, act: () => T): T {
  try {
    return act()
  } catch (error) {
    throw storageErrorOf(error, folder)
  }
}

/** A `StorageError` as plain data, to cross from one thread to another. */
export interface PlainFailure extends Pick<ErrorDetails, 'outcome' | 'remedy'> {
  readonly code: ErrorCode
  readonly message: string
}

/** Undefined if no disk is to blame. */
export function plainFailure(error: unknown): PlainFailure | undefined {
  if (!(error instanceof StorageError)) return undefined
  const { code, message, outcome, remedy } = error
  return { code, message, outcome, ...(remedy === undefined ? {} : { remedy }) }
}

export function fromPlainFailure({ code, message, ...details }: PlainFailure): StorageError {
  return new StorageError(code, message, details)
}

function troubleOf(error: Error): Trouble | undefined {
  if ('errcode' in error && typeof error.errcode === 'number') {
    if (error.errcode === ioErrorNoMemory) return noMemory
    return bySqliteCode[error.errcode & 0xff]
  }
  return 'code' in error ? byFileCode[String(error.code)] : undefined
}
