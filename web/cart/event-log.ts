/**
 * The last events of this tab's peer, kept from the start, so that whoever opens the ring's panel sees how things came to be.
 */
import type { OpenOptions } from '../index.ts'

export type TracedEvent = Parameters<NonNullable<OpenOptions['trace']>>[0]

export interface LoggedEvent {
  /** Counts up: tells two events of one kind apart. */
  readonly number: number
  /** Milliseconds since 1970. */
  readonly at: number
  readonly event: TracedEvent
}

const kept = 50

export class EventLog {
  /** The oldest first. */
  events: readonly LoggedEvent[] = []
  #count = 0
  readonly #listeners = new Set<() => void>()

  add(event: TracedEvent): void {
    const logged = { number: this.#count++, at: Date.now(), event }
    this.events = [...this.events.slice(1 - kept), logged]
    for (const listener of this.#listeners) listener()
  }

  /** Calls `listener` after each event until the returned function is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}
