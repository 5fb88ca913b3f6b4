/**
 * Every error a caller can meet: a class, a stable `code`, what happened, and what to do about it.
 *
 * The `outcome` of a failed write is never a guess: `refused` means that it is provably nowhere, `unknown` means
 * that some peer may have taken it, so that a retry with a context is safe and a blind one may appear twice.
 */

export type ErrorCode =
  // what a caller asked for
  | 'bad-argument'
  | 'value-too-large'
  | 'key-too-large'
  | 'bucket-name-too-large'
  | 'context-malformed'
  | 'context-of-another-key'
  | 'not-encodable'
  | 'not-mergeable'
  | 'too-many-siblings'
  // what the ring could not do
  | 'quorum-not-reached'
  | 'unreachable'
  | 'overloaded'
  | 'too-many-hints'
  | 'closed'
  | 'wrong-ring'
  | 'malformed'
  | 'not-understood'
  | 'not-admitted'
  | 'not-a-member'
  | 'defect'
  // what a disk could not do
  | 'store-locked'
  | 'store-not-writable'
  | 'store-full'
  | 'store-format'
  | 'store-lost'
  | 'store-corrupt'
  | 'slot-taken'
  | 'identity-in-use'
  // what a machine could not do
  | 'port-in-use'
  | 'ring-file'

/** Refused for what the request is, not for the state a peer is in: another peer, or a later time, refuses it too. */
const onItsMerits: ReadonlySet<string> = new Set<ErrorCode>([
  'bad-argument',
  'value-too-large',
  'key-too-large',
  'bucket-name-too-large',
  'context-malformed',
  'context-of-another-key',
  'too-many-siblings',
  'malformed',
  'not-admitted',
])

export function isRefusedOnItsMerits(code: string): boolean {
  return onItsMerits.has(code)
}

export type Outcome = 'refused' | 'unknown'

export interface ErrorDetails {
  readonly outcome?: Outcome
  /** What to do about it, as a sentence. */
  readonly remedy?: string
  readonly needed?: number
  readonly got?: number
  /** Who answered what: `{ '12D3…': 'deadline' }`. */
  readonly answers?: Readonly<Record<string, string>>
  readonly cause?: unknown
}

export class RingletError extends Error {
  readonly code: ErrorCode
  readonly outcome: Outcome
  readonly remedy: string | undefined
  readonly needed: number | undefined
  readonly got: number | undefined
  readonly answers: Readonly<Record<string, string>>

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'RingletError'
    this.code = code
    this.outcome = details.outcome ?? 'refused'
    this.remedy = details.remedy
    this.needed = details.needed
    this.got = details.got
    this.answers = details.answers ?? {}
  }
}

/** The same error, of a write that somebody may have taken all the same. */
export function outcomeUnknown(error: unknown): unknown {
  if (!(error instanceof RingletError) || error.outcome === 'unknown') return error
  const { code, message, needed, got, answers } = error
  return new RingletError(code, message, {
    outcome: 'unknown',
    answers,
    cause: error,
    ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    ...(needed === undefined ? {} : { needed }),
    ...(got === undefined ? {} : { got }),
  })
}

/** A store could not do what was asked; `store-lost` means its disk must be counted as lost. */
export class StorageError extends RingletError {
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(code, message, details)
    this.name = 'StorageError'
  }
}

/**
 * Whether nobody who was asked could say: not this device's own failure, nor a fault of the question. Members that refuse
 * for the state they are in, starting or out of space, are as good as absent.
 */
export function isOutOfReach(error: unknown): boolean {
  if (!(error instanceof RingletError) || error instanceof StorageError) return false
  return !isRefusedOnItsMerits(error.code)
}

export type TransportFailure =
  | 'unreachable'
  | 'link-lost'
  | 'deadline'
  | 'overloaded'
  | 'too-large'
  | 'wrong-ring'
  | 'closed'

/** A message got no reply. `sent` false: the receiver never saw it; true: nobody knows. */
export class TransportError extends Error {
  readonly failure: TransportFailure
  readonly sent: boolean

  constructor(failure: TransportFailure, sent: boolean, message: string = failure) {
    super(message)
    this.name = 'TransportError'
    this.failure = failure
    this.sent = sent
  }
}
