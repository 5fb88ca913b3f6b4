/**
 * Values that expire, and whether each is shown for exactly as long as it lives (P6).
 *
 * Whoever reads goes by its own clock, and clocks differ by minutes here, so there is no one moment at which a value is to
 * go. But each reader's own clock is known to the simulation: what that says to be over when a read begins and when it ends
 * must not be shown, and what that says to live on must be. And it is forgotten for good only once the clocks of all members
 * have said that it is over.
 */
import { hasExpired, type ObjectState } from '../data/siblings.ts'
import type { History, Operation } from './history.ts'
import type { WallClock } from './life.ts'
import type { SeededRandom } from './random.ts'
import type { Violation } from './violation.ts'

/** How often a put expires, and after how long, in milliseconds. */
export interface ExpirySettings {
  readonly chance: number
  readonly meanMs: number
}

/** Clocks tell whole milliseconds. */
const roundedMs = 2

export class Expiries {
  readonly violations: Violation[] = []
  /** How many reads showed a value to be over. */
  shownOver = 0
  readonly #history: History
  readonly #settings: ExpirySettings
  readonly #byWrite = new Map<number, number>()

  constructor(history: History, settings: ExpirySettings) {
    this.#history = history
    this.#settings = settings
  }

  /** When this write's value is to expire, by its writer's clock; undefined if it is to stay. */
  draw(write: number, random: SeededRandom, nowMs: number): number | undefined {
    const { chance, meanMs } = this.#settings
    if (chance === 0 || !random.chance(chance)) return undefined
    const expiresAt = Math.ceil(nowMs + 1 + random.exponential(meanMs))
    this.#byWrite.set(write, expiresAt)
    return expiresAt
  }

  /** What a read showed; the reader's clock said `fromMs` when it began and `untilMs` when it ended, so much later. */
  reads(
    get: Operation,
    { siblings }: ObjectState,
    fromMs: number,
    untilMs: number,
    tookMs: number,
  ): void {
    // Of a clock that was set meanwhile nobody knows here all that it said.
    if (Math.abs(untilMs - fromMs - tookMs) > roundedMs) return
    for (const { value } of siblings) {
      const write = this.#history.writeOf(value)
      const expiresAt = write === undefined ? undefined : this.#byWrite.get(write)
      if (expiresAt === undefined) continue
      const isShown = value.bytes !== undefined
      if (!isShown) this.shownOver++
      const isOver = expiresAt <= Math.min(fromMs, untilMs)
      const isLive = expiresAt > Math.max(fromMs, untilMs)
      if (!(isShown ? isOver : isLive)) continue
      const what = isShown ? 'is shown, and has expired' : 'is shown as over, and has not expired'
      const text = `w${write} ${what} by the clock of ${get.via}, in w${get.id}`
      this.violations.push({ promise: 'P6', key: get.key, text })
    }
  }
}

/** Whether all values of a dropped state that were to expire had done so by every one of these clocks, at some time. */
export function hadExpired({ siblings }: ObjectState, clocks: readonly WallClock[]): boolean {
  const soonest = Math.min(...clocks.map(({ latestMs }) => latestMs))
  return siblings.every(({ value }) => value.bytes === undefined || hasExpired(value, soonest))
}
