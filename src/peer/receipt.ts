/**
 * A receipt that lives: it knows how far its write got, and tells whoever waits for more.
 */
import type { RingletError } from '../protocol/errors.ts'
import { type Stage, stages } from '../protocol/copy.ts'
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
  readonly hints?: readonly { readonly holder: string; readonly owner: string }[]
}

export class LiveReceipt implements Receipt {
  readonly id: string
  context: string
  stage: Stage
  acks: readonly string[] = []
  hints: Readonly<Record<string, string>> = {}
  #refused: RingletError | undefined
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
    if (this.#refused !== undefined) return Promise.reject(this.#refused)
    return new Promise((resolve, reject) => {
      this.#waiting.push({ stage, resolve, reject })
      this.#wanted(stage)
    })
  }

  advance({ stage, context, acks, hints }: Reached): void {
    if (rank(stage) > rank(this.stage)) this.stage = stage
    if (context !== undefined) this.context = context
    if (acks !== undefined) this.acks = acks
    if (hints !== undefined) {
      this.hints = Object.fromEntries(hints.map(({ holder, owner }) => [holder, owner]))
    }
    const reached = this.#waiting.filter((one) => rank(one.stage) <= rank(this.stage))
    this.#waiting = this.#waiting.filter((one) => !reached.includes(one))
    for (const { resolve } of reached) resolve()
  }

  /** The write is provably nowhere, and stays so. */
  refuse(error: RingletError): void {
    this.#refused = error
    for (const { reject } of this.#waiting) reject(error)
    this.#waiting = []
  }
}

function rank(stage: Stage): number {
  return stages.indexOf(stage)
}
