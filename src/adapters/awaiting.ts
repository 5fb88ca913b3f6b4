/**
 * Requests that wait for their replies, and the one timer that ends their waiting.
 *
 * A timer per request would cost more than the rest of a request. Nearly every reply comes in time, so one
 * timer stands for the earliest deadline of all; when it rings, what is late is given up and the next
 * deadline is looked up.
 */

export interface Awaited {
  readonly resolve: (reply: Uint8Array) => void
  readonly reject: (error: Error) => void
  /** On the clock of `performance.now()`. */
  readonly expiresAt: number
}

export class Awaiting<Item extends Awaited> {
  readonly #expired: (items: readonly Item[]) => void
  readonly #items = new Map<number, Item>()
  #timer: ReturnType<typeof setTimeout> | undefined
  #timerAt = Infinity

  constructor(expired: (items: readonly Item[]) => void) {
    this.#expired = expired
  }

  get size(): number {
    return this.#items.size
  }

  has(number: number): boolean {
    return this.#items.has(number)
  }

  add(number: number, item: Item): void {
    this.#items.set(number, item)
    if (item.expiresAt < this.#timerAt) this.#wakeAt(item.expiresAt)
  }

  /** The request with this number, which no longer waits; undefined if it was given up, or never was. */
  take(number: number): Item | undefined {
    const item = this.#items.get(number)
    if (item !== undefined) this.#items.delete(number)
    return item
  }

  /** Everything that waits; nothing waits any more. */
  takeAll(): Item[] {
    const items = [...this.#items.values()]
    this.#items.clear()
    clearTimeout(this.#timer)
    this.#timerAt = Infinity
    return items
  }

  #wakeAt(at: number): void {
    clearTimeout(this.#timer)
    this.#timerAt = at
    this.#timer = setTimeout(() => this.#wake(), Math.max(at - performance.now(), 0))
  }

  #wake(): void {
    // Timers may ring up to a millisecond early.
    const now = performance.now() + 1
    const late: Item[] = []
    let next = Infinity
    for (const [number, item] of this.#items) {
      if (item.expiresAt > now) {
        next = Math.min(next, item.expiresAt)
        continue
      }
      this.#items.delete(number)
      late.push(item)
    }
    this.#timerAt = Infinity
    if (next < Infinity) this.#wakeAt(next)
    if (late.length > 0) this.#expired(late)
  }
}
