/**
 * Hedging: a read that takes longer than it nearly always does is asked of one more owner, and whoever answers first counts
 * (Dean and Barroso, "The tail at scale", 2013).
 *
 * A peer that pauses for half a second is not dead, and by the time it is suspect every reader has waited for it. So a
 * reader waits only as long as nineteen in twenty of that peer's answers took; where it pauses so often that these contain
 * pauses themselves, for a few times as long as every second answer took. But extra requests are load, and most
 * are wanted just when all are slow from too much of it: so there is one for ten reads at the most, and a few at once.
 */
import type { Limits } from '../protocol/limits.ts'
import { type LoadRules, loadRules } from '../protocol/load-rules.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Clock } from '../ports.ts'
import { Latencies } from './latencies.ts'

/** Nineteen answers in twenty come within this time. */
const usual = 0.95
/** So many medians are long, whatever is usual. */
const medians = 4

export class Hedging {
  readonly #clock: Clock
  readonly #limits: Limits
  readonly #rules: LoadRules
  readonly #reads = new Map<PeerId, Latencies>()
  /** How many more may be asked now; a fraction grows with each read. */
  #allowed = 0
  #extra = 0

  constructor(clock: Clock, limits: Limits, rules: LoadRules = loadRules) {
    this.#clock = clock
    this.#limits = limits
    this.#rules = rules
  }

  /** How many more owners were asked than needed. */
  get extra(): number {
    return this.#extra
  }

  /** This peer answered a read. */
  took(peer: PeerId, tookMs: number): void {
    let reads = this.#reads.get(peer)
    if (reads === undefined) this.#reads.set(peer, (reads = new Latencies()))
    reads.add(this.#clock.elapsed(), tookMs)
  }

  /** This peer is asked: after what time another may be; undefined while nobody knows what is usual. */
  patienceMs(peer: PeerId): number | undefined {
    const { hedgesPerRead, hedgesAtOnce, hedgedAfterReads } = this.#limits
    this.#allowed = Math.min(hedgesAtOnce, this.#allowed + hedgesPerRead)
    const reads = this.#reads.get(peer)
    const now = this.#clock.elapsed()
    if (reads === undefined || reads.count(now) < hedgedAfterReads) return undefined
    return Math.min(reads.quantile(now, usual)!, medians * reads.quantile(now, 0.5)!)
  }

  /** Whether one more may be asked for a read that was asked of so many more already; it counts as asked then. */
  take(already = 0): boolean {
    if (already >= this.#rules.mostHedges() || !this.#rules.mayHedge(this.#allowed)) return false
    this.#allowed--
    this.#extra++
    return true
  }
}
