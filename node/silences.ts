/**
 * Since when a member has been silent, as far as this process has noticed.
 *
 * Who is suspected is known to the peer; since when is not, as no decision depends on it. An operator asks it first: a
 * member that went a second ago may be starting again, one that went on Friday is not. The peer's events say it all.
 */
import type { PeerEvent } from '../src/protocol/event.ts'

export class Silences {
  readonly #now: () => number
  readonly #since = new Map<string, number>()

  /** `now` is wall time, in milliseconds since 1970. */
  constructor(now: () => number) {
    this.#now = now
  }

  note({ type, to }: PeerEvent): void {
    if (to === undefined) return
    if (type === 'suspect' && !this.#since.has(to)) this.#since.set(to, this.#now())
    if (type === 'trusted') this.#since.delete(to)
  }

  /** When it was noticed that the peer does not answer; undefined for one that does, or was never noticed. */
  since(peer: string): number | undefined {
    return this.#since.get(peer)
  }
}
