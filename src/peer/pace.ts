/**
 * The background's lane: it works, and then rests so long that the foreground has its share (paper §6.5).
 *
 * What is measured of the foreground is this member's own part of it: from the turn in which a read or a write is asked of
 * its store to the turn in which it is answered. That is what its own background work makes longer, and nothing that
 * another member does or leaves undone: were whole requests measured, one dead peer would stop all repair.
 *
 * Evidence from before a cut speaks of a share that is no more, so with each cut it begins anew.
 */
import type { Limits } from '../protocol/limits.ts'
import { type LoadRules, loadRules } from '../protocol/load-rules.ts'
import { leastShare, restAfter } from '../protocol/pace.ts'
import type { Clock } from '../ports.ts'
import { Latencies } from './latencies.ts'

/** How often the share is looked at. */
const lookMs = 10_000
/** Fewer requests than this have no 99th percentile worth speaking of. */
const fewest = 20

export class Pace {
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #rules: LoadRules
  readonly #foreground = new Latencies()
  readonly #resting = new Set<() => void>()
  #share = 1
  #lookAt = lookMs
  /** When background work may go on. */
  #freeAt = 0

  constructor(clock: Clock, limits: Limits, rules: LoadRules = loadRules) {
    this.#clock = clock
    this.#limits = limits
    this.#rules = rules
  }

  /** What part of the time background work may take now, from a tenth to all. */
  get share(): number {
    return this.#share
  }

  /** The last minute's, or undefined when there was nothing to speak of. */
  get p99Ms(): number | undefined {
    const now = this.#clock.elapsed()
    return this.#foreground.count(now) < fewest ? undefined : this.#foreground.quantile(now, 0.99)
  }

  /** Passes on what somebody waits for, and notes how long it takes. */
  foreground<T>(work: Promise<T>): Promise<T> {
    const startMs = this.#clock.elapsed()
    const note = (): void => {
      const now = this.#clock.elapsed()
      this.#foreground.add(now, now - startMs)
    }
    work.then(note, note)
    return work
  }

  /** Does a piece of background work when it may, and lets the foreground go on for a while after it. */
  async background<T>(work: () => Promise<T>): Promise<T> {
    if (this.#clock.elapsed() < this.#freeAt) await this.#rest()
    const startMs = this.#clock.elapsed()
    try {
      return await work()
    } finally {
      const now = this.#clock.elapsed()
      const restMs = Math.min(this.#limits.restMs, restAfter(this.#share, now - startMs))
      this.#freeAt = Math.max(this.#freeAt, now) + restMs
    }
  }

  /** Looks at what the last minute was like, now and then. */
  tick(): void {
    const now = this.#clock.elapsed()
    if (now < this.#lookAt) return
    this.#lookAt = now + lookMs
    const before = this.#share
    this.#share = this.#rules.nextShare(before, this.p99Ms, this.#limits.foregroundMs)
    if (this.#share < before || before === leastShare) this.#foreground.forget()
  }

  /** Nobody rests any more: this peer is about to close. */
  hurry(): void {
    this.#share = 1
    this.#freeAt = 0
    for (const wake of this.#resting) wake()
  }

  /** Whoever has rested as long as one may goes on, though others have worked meanwhile: nothing starves. */
  async #rest(): Promise<void> {
    const latest = this.#clock.elapsed() + this.#limits.restMs
    for (;;) {
      const now = this.#clock.elapsed()
      const leftMs = Math.min(this.#freeAt, latest) - now
      if (leftMs <= 0) return
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          cancel()
          this.#resting.delete(wake)
          resolve()
        }
        const cancel = this.#clock.after(Math.ceil(leftMs), wake)
        this.#resting.add(wake)
      })
    }
  }
}
