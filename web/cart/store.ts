/**
 * What the page shows, in one value. Whoever learns of something sets its part; drawing happens once a turn, from the whole,
 * so that no part of the page can be behind another.
 */
import type { Attempt, Shown } from './shown.ts'

export class Store {
  #now: Shown
  #isDue = false
  readonly #draw: (shown: Shown) => void

  constructor(first: Shown, draw: (shown: Shown) => void) {
    this.#now = first
    this.#draw = draw
  }

  get now(): Shown {
    return this.#now
  }

  set(some: Partial<Shown>): void {
    this.#now = { ...this.#now, ...some }
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      this.#draw(this.#now)
    })
  }

  fail(what: Attempt, error: unknown): void {
    this.set({ failures: { ...this.#now.failures, [what]: error } })
  }

  succeed(what: Attempt): void {
    if (!(what in this.#now.failures)) return
    const { [what]: _over, ...failures } = this.#now.failures
    this.set({ failures })
  }
}
