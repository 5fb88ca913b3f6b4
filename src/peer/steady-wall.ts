/**
 * Since when the wall clock has gone as steadily as the time awake.
 *
 * Notes that outlive their process carry the time on the wall, the only one that goes on meanwhile. But somebody may set
 * that clock: what was noted a second ago is then an hour old, and forgotten while a copy of its request is still on its way.
 * So what a note's age decides waits until the clock has gone steadily for as long; whatever was noted before that is then at
 * least so old.
 */
import type { Clock } from '../ports.ts'

/** Nobody sets a clock by less on purpose, and no clock that is being slewed gains so much between two looks. */
const jumpMs = 1000

export class SteadyWall {
  readonly #clock: Clock
  #aheadMs: number
  #sinceMs: number

  /** A process does not know how the clock went before it began. */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#aheadMs = clock.now() - clock.elapsed()
    this.#sinceMs = clock.elapsed()
  }

  /** Looks whether the clock was set; to be called every second or so. */
  tick(): void {
    const aheadMs = this.#clock.now() - this.#clock.elapsed()
    if (Math.abs(aheadMs - this.#aheadMs) > jumpMs) this.#sinceMs = this.#clock.elapsed()
    this.#aheadMs = aheadMs
  }

  /** Whether it has gone steadily for so long. */
  wasSteadyFor(ms: number): boolean {
    return this.#clock.elapsed() - this.#sinceMs >= ms
  }
}
