/**
 * What IndexedDB says, in the words of `StorageError`: what happened, and what to do about it.
 *
 * Browsers differ in when they say what: a full disk comes as an error of a request or of the whole transaction, a
 * private window as a refusal to open, a closed handle as any of three names.
 */
import { StorageError } from '../src/protocol/errors.ts'

/** Whether the database could not be opened at all, or stopped working once it was open. */
export type Stage = 'opening' | 'using'

/** The handle was closed from outside, before or during a transaction. An abort that nobody asked for has no error. */
export function isClosedHandle(error: unknown): boolean {
  if (error === null || error === undefined) return true
  return ['InvalidStateError', 'AbortError', 'UnknownError'].includes(nameOf(error))
}

/** The handle was closed before the transaction began, or the transaction was undone before its commit. */
export function neverBegan(error: unknown): boolean {
  return nameOf(error) === 'InvalidStateError'
}

/** The same failure, of writes that may be stored all the same. */
export function inDoubt(failure: StorageError): StorageError {
  const { code, message, remedy } = failure
  const details = remedy === undefined ? {} : { remedy }
  return new StorageError(code, message, { ...details, outcome: 'unknown', cause: failure })
}

export function asStorageError(error: unknown, database: string, stage: Stage): StorageError {
  if (error instanceof StorageError) return error
  const message = (what: string) => `The store ${database} failed: ${what} (${String(error)}).`
  switch (nameOf(error)) {
    case 'QuotaExceededError':
      return new StorageError('store-full', message('this site may store no more'), {
        remedy: 'Make room in the browser, or let the site keep its data; reads go on.',
        cause: error,
      })
    case 'VersionError':
      return new StorageError('store-format', message('a newer program made it'), {
        remedy: 'Reload the page to get the newer program.',
        cause: error,
      })
    case 'NotFoundError':
    case 'NotReadableError':
    case 'DataError':
      return damagedError(database, error)
  }
  if (stage === 'opening') {
    return new StorageError('store-not-writable', message('the browser does not open it'), {
      remedy: 'Allow this site to store data; some private windows never do.',
      cause: error,
    })
  }
  return new StorageError('store-lost', message('the browser no longer reaches it'), {
    outcome: 'unknown',
    remedy: 'Reload the page.',
    cause: error,
  })
}

export function clearedError(database: string): StorageError {
  return new StorageError('store-lost', `The store ${database} was cleared while it was open.`, {
    remedy: 'Reload the page: it begins with an empty store.',
  })
}

/** Nothing of what was asked is stored; what was stored before is in the hands of whoever has the store now. */
export function takenError(database: string): StorageError {
  const message = `The store ${database} is another tab’s by now: this one did not answer for too long.`
  return new StorageError('slot-taken', message, {
    remedy: 'Reload the page; what it had saved is kept, and delivered.',
  })
}

export function formatError(database: string, format: unknown): StorageError {
  const message = `The store ${database} has format ${String(format)}, which is not known here.`
  return new StorageError('store-format', message, {
    remedy: 'Reload the page to get the newer program.',
  })
}

export function damagedError(database: string, cause?: unknown): StorageError {
  return new StorageError('store-corrupt', `The store ${database} is damaged, or not ours.`, {
    remedy: 'Clear the data of this site in the browser, and reload the page.',
    cause,
  })
}

function nameOf(error: unknown): string {
  return error instanceof Error || error instanceof DOMException ? error.name : ''
}
