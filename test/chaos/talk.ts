/**
 * Questions to a process on another host, and its answers: over the channel of Node, which no cut of the test's network
 * touches. What a client hears is then what its own peer told it, and nothing gets lost on the way to the record.
 */
import type { ChildProcess } from 'node:child_process'
import { RingletError } from '../../src/protocol/errors.ts'

/** What came of an operation that did not succeed. */
export class Failed extends Error {
  readonly outcome: 'refused' | 'unknown'
  readonly code: string

  constructor(outcome: 'refused' | 'unknown', code: string) {
    super(code)
    this.outcome = outcome
    this.code = code
  }
}

interface Question<Q> {
  readonly id: number
  readonly asked: Q
}

type Answer<A> =
  | { readonly id: number; readonly answer: A }
  | { readonly id: number; readonly outcome: 'refused' | 'unknown'; readonly code: string }

type Word<A, N> = Answer<A> | { readonly news: N } | { readonly ready: true }

/** The side that asks. `Q` and `A` are questions and answers, `N` is what the process says unasked. */
export class Talk<Q, A, N = never> {
  readonly ready: Promise<void>
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, { resolve(answer: A): void; reject(error: Failed): void }>()
  #count = 0
  #over = false

  constructor(child: ChildProcess, heard: (news: N) => void = () => {}) {
    this.#child = child
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.ready = promise
    // Whoever waits for it hears of it; nobody else need.
    promise.catch(() => {})
    child.on('message', (word: Word<A, N>) => {
      if ('ready' in word) resolve()
      else if ('news' in word) heard(word.news)
      else this.#settle(word)
    })
    child.on('exit', () => {
      this.#over = true
      reject(new Error('the process ended before it was ready'))
      for (const { reject: fail } of this.#waiting.values()) fail(new Failed('unknown', 'crashed'))
      this.#waiting.clear()
    })
  }

  /** Rejects with `Failed`. */
  ask(asked: Q): Promise<A> {
    if (this.#over || !this.#child.connected) return Promise.reject(new Failed('refused', 'gone'))
    const id = this.#count++
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      this.#child.send({ id, asked } satisfies Question<Q>, () => {})
    })
  }

  #settle(word: Answer<A>): void {
    const waiting = this.#waiting.get(word.id)
    this.#waiting.delete(word.id)
    if ('answer' in word) waiting?.resolve(word.answer)
    else waiting?.reject(new Failed(word.outcome, word.code))
  }
}

/** The side that answers; it ends with the one that asks. */
export function answerBy<Q, A>(answer: (asked: Q) => Promise<A>): void {
  process.on('message', ({ id, asked }: Question<Q>) => {
    answer(asked).then(
      (result) => tell({ id, answer: result }),
      (error: unknown) => tell({ id, ...failureOf(error) }),
    )
  })
  process.on('disconnect', () => process.exit())
  tell({ ready: true })
}

export function tellNews(news: unknown): void {
  tell({ news })
}

export function failureOf(error: unknown): { outcome: 'refused' | 'unknown'; code: string } {
  if (error instanceof Failed || error instanceof RingletError) {
    const { outcome, code } = error
    return { outcome, code }
  }
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return { outcome: 'unknown', code: `defect: ${said}` }
}

function tell(word: Word<unknown, unknown>): void {
  if (process.connected) process.send!(word, () => {})
}
