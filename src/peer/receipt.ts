/**
 * A receipt that lives: it knows how far its write got, and tells whoever waits for more.
 */
import { RingletError } from '../protocol/errors.ts'
import { type Stage, stages } from '../protocol/copy.ts'
import type { Clock } from '../ports.ts'
import type { Receipt } from './api.ts'

interface Waiting {
  readonly stage: Stage
  readonly resolve: () => void
  readonly reject: (error: RingletError) => void
}

export interface Reached {
  readonly stage: Stage
  readonly context?: string
  readonly acks?: readonly string[]
  /** Those of them that have it in a buffer only. */
  readonly buffered?: readonly string[] | undefined
  readonly hints?: readonly { readonly holder: string; readonly owner: string }[]
}

export class LiveReceipt implements Receipt {
  readonly id: string
  context: string
  stage: Stage
  acks: readonly string[] = []
  buffered: readonly string[] = []
  hints: Readonly<Record<string, string>> = {}
  #failed: RingletError | undefined
  #waiting: Waiting[] = []
  /** Called when somebody waits for a stage that nobody looks for yet. */
  readonly #wanted: (stage: Stage) => void

  constructor(
    id: string,
    context: string,
    stage: Stage,
    wanted: (stage: Stage) => void = () => {},
  ) {
    this.id = id
    this.context = context
    this.stage = stage
    this.#wanted = wanted
  }

  reached(stage: Stage): Promise<void> {
    if (rank(stage) <= rank(this.stage)) return Promise.resolve()
    if (this.#failed !== undefined) return Promise.reject(this.#failed)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ stage, resolve, reject })
      this.#wanted(stage)
    })
  }

  advance({ stage, context, acks, buffered = [], hints }: Reached): void {
    if (rank(stage) > rank(this.stage)) this.stage = stage
    if (context !== undefined) this.context = context
    const isAll = stage === 'everywhere'
    // Owners say that they cover a write once that is durable; who is known to have it is not forgotten.
    if (isAll || acks !== undefined) this.buffered = isAll ? [] : buffered
    if (acks !== undefined && !(isAll && acks.length < this.acks.length)) this.acks = acks
    if (hints !== undefined) {
      this.hints = Object.fromEntries(hints.map(({ holder, owner }) => [holder, owner]))
    }
    const reached = this.#waiting.filter((one) => rank(one.stage) <= rank(this.stage))
    this.#waiting = this.#waiting.filter((one) => !reached.includes(one))
    for (const { resolve } of reached) resolve()
  }

  /** No stage comes any more: the write was refused for good, or nobody is left to look for it. */
  fail(error: RingletError): void {
    this.#failed = error
    this.giveUp(error)
  }

  /** Whoever waits now hears that nobody looks any more; whoever waits again is looked for again. */
  giveUp(error: RingletError): void {
    for (const { reject } of this.#waiting) reject(error)
    this.#waiting = []
  }
}

/** Waits for a stage, but no longer than `limitMs`: the write goes on either way. */
export async function reachedWithin(
  clock: Clock,
  limitMs: number,
  receipt: LiveReceipt,
  stage: Stage,
): Promise<void> {
  let cancel = (): void => {}
  const late = new Promise<never>((_, reject) => {
    cancel = clock.after(limitMs, () => reject(notYet(receipt, stage)))
  })
  try {
    await Promise.race([receipt.reached(stage), late])
  } finally {
    cancel()
  }
}

/** What those hear who still wait when the peer is closed. */
export function closedError(): RingletError {
  return new RingletError('closed', 'the peer was closed before the write got that far', {
    outcome: 'unknown',
    remedy: 'What this device has kept is delivered when the peer is opened again.',
  })
}

/** What the longest waiting hears when there are too many. */
export function tooManyAwaited(count: number): RingletError {
  return new RingletError('overloaded', `${count} writes are waited for to be everywhere`, {
    outcome: 'unknown',
    remedy: 'The write stands at a quorum; wait for fewer at a time.',
  })
}

function notYet({ id, stage }: LiveReceipt, wanted: Stage): RingletError {
  return new RingletError('quorum-not-reached', `at stage ${stage}, but not ${wanted} yet`, {
    outcome: 'unknown',
    remedy: `It is still on its way: peer.receipt('${id}') tells how far it got.`,
  })
}

function rank(stage: Stage): number {
  return stages.indexOf(stage)
}
