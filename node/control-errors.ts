/**
 * Errors as the control port tells them: the same code, outcome, remedy and numbers that a caller in the process would
 * get, and the HTTP status that fits best.
 */
import { type ErrorCode, RingletError } from '../src/protocol/errors.ts'

export interface PlainError {
  readonly code: string
  readonly message: string
  readonly outcome: 'refused' | 'unknown'
  readonly remedy?: string | undefined
  readonly needed?: number | undefined
  readonly got?: number | undefined
  readonly answers?: Readonly<Record<string, string>>
}

const statuses: Partial<Record<ErrorCode, number>> = {
  'bad-argument': 400,
  'context-malformed': 400,
  'context-of-another-key': 400,
  'not-encodable': 400,
  'bucket-name-too-large': 400,
  'key-too-large': 400,
  'value-too-large': 413,
  'not-admitted': 403,
  'too-many-siblings': 409,
  overloaded: 429,
  'store-full': 507,
}

export function statusOf(error: unknown): number {
  if (!(error instanceof RingletError)) return 500
  return statuses[error.code] ?? 503
}

/** A defect says that it is one, and no more: its insides are for the log. */
export function plainError(error: unknown): PlainError {
  if (!(error instanceof RingletError)) {
    return { code: 'defect', message: 'the peer failed at this request', outcome: 'unknown' }
  }
  const { code, message, outcome, remedy, needed, got, answers } = error
  return { code, message, outcome, remedy, needed, got, answers }
}
