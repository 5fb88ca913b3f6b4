/**
 * A question without an answer, as a value: what went wrong, whether the receiver may have acted on it, and what the
 * application hears of it.
 */
import { RingletError } from '../protocol/errors.ts'
import type { Refusal } from '../protocol/message.ts'

export interface Failure {
  readonly failed: true
  /** `deadline`, `unreachable`, `link-lost`…, or the code of a refusal. */
  readonly why: string
  /** The receiver may have acted on it. */
  readonly sent: boolean
  readonly refusal: Refusal | undefined
}

/** What to do where there is too much to do. */
export const tryLater =
  'Try again in a second, or with fewer requests at one time; where it stays so, the ring needs more peers.'

/** There is nobody to ask yet. */
export const nobody: Failure = {
  failed: true,
  why: 'unreachable',
  sent: false,
  refusal: undefined,
}

export function isFailure(answer: object): answer is Failure {
  return 'failed' in answer
}

/** What a refusal is to the application that asked. */
export function errorOfRefusal(refusal: Refusal): RingletError {
  const { code, message, outcome, remedy, needed, got, answers } = refusal
  return new RingletError(code as RingletError['code'], message, {
    outcome,
    needed,
    got,
    answers: Object.fromEntries(answers.map(({ peer, answer }) => [peer, answer])),
    ...(remedy === undefined ? {} : { remedy }),
  })
}

/** What an application hears of a failure; a refusal proves nothing about the members that were asked before. */
export function errorOfFailure({ why, sent, refusal }: Failure): RingletError {
  const outcome = sent ? 'unknown' : 'refused'
  if (refusal !== undefined) return errorOfRefusal({ ...refusal, outcome } satisfies Refusal)
  if (why === 'overloaded') {
    return new RingletError(
      'overloaded',
      'the members have as much to do as they take at one time',
      {
        outcome,
        remedy: tryLater,
      },
    )
  }
  if (why === 'closed') return new RingletError('closed', 'this peer is closed', { outcome })
  return new RingletError('unreachable', `no member of the ring answers (${why})`, {
    outcome,
    remedy: 'Check the connection; a followed key can be read and written meanwhile.',
  })
}
