/**
 * One incarnation of a peer's process: what dies with it, and what time it is there.
 *
 * A crash must leave nothing behind that still acts: a timer that fires, or a reply that wakes an old request, would be
 * a ghost writing to the disk of the process that came after. So whatever reaches a process goes through its life, and a
 * life that has ended runs nothing. A frozen one (a tab in the background, a stopped process) runs it all late, at once.
 */
import type { Clock } from '../ports.ts'
import type { Scheduler } from './scheduler.ts'

export class Life {
  readonly #scheduler: Scheduler
  readonly #bornMs: number
  #alive = true
  #frozenUntilMs = 0

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler
    this.#bornMs = scheduler.nowMs
  }

  get alive(): boolean {
    return this.#alive
  }

  get ageMs(): number {
    return this.#scheduler.nowMs - this.#bornMs
  }

  get isFrozen(): boolean {
    return this.#frozenUntilMs > this.#scheduler.nowMs
  }

  end(): void {
    this.#alive = false
  }

  freeze(forMs: number): void {
    this.#frozenUntilMs = Math.max(this.#frozenUntilMs, this.#scheduler.nowMs + forMs)
  }

  /** Runs `run` now; at the thaw while frozen; never once ended. */
  run(run: () => void): void {
    if (!this.#alive) return
    const waitMs = this.#frozenUntilMs - this.#scheduler.nowMs
    if (waitMs > 0) this.#scheduler.after(waitMs, () => this.run(run))
    else run()
  }

  /** Runs `run` in `delayMs` if this life lasts that long; the result cancels. */
  after(delayMs: number, run: () => void): () => void {
    let cancelled = false
    const cancel = this.#scheduler.after(delayMs, () => {
      // Cancelled while it waited for the thaw: it is still not to run.
      this.run(() => {
        if (!cancelled) run()
      })
    })
    return () => {
      cancelled = true
      cancel()
    }
  }
}

/** The machine's wall clock: it survives restarts, is off by some skew, and may jump either way. */
export interface WallClock {
  offsetMs: number
  /** The latest time that it ever told. */
  latestMs: number
}

/** A day in 2030: late enough to be no real time, early enough to be a sane one. */
const epochMs = 1_900_000_000_000

/** What a wall clock shows just now. */
export function told(scheduler: { readonly nowMs: number }, { offsetMs }: WallClock): number {
  return Math.floor(epochMs + scheduler.nowMs + offsetMs)
}

/** Awake time starts at zero with every life, as it does in a real process: whoever stores it is wrong. */
export function clockOf(life: Life, scheduler: Scheduler, wall: WallClock): Clock {
  return {
    now: () => {
      const nowMs = told(scheduler, wall)
      wall.latestMs = Math.max(wall.latestMs, nowMs)
      return nowMs
    },
    elapsed: () => life.ageMs,
    after: (delayMs, run) => life.after(delayMs, run),
  }
}
