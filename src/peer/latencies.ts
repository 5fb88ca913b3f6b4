/**
 * How long something took lately: the quantiles of the last minute.
 *
 * Means hide what people wait for, and quantiles need all the times, or nearly: so they are counted by size, in steps
 * of a twelfth, in six parts of a minute. The oldest part is forgotten as a whole. That takes a few kilobytes, however
 * many there are, and no sorting.
 */

const partMs = 10_000
const parts = 6
/** Times from a twentieth of a millisecond to a quarter of a minute; what is beyond counts as the last. */
const shortestMs = 0.05
const stepsPerDoubling = 6
const steps = 18 * stepsPerDoubling

export class Latencies {
  /** By size: in each part, and in all of them. */
  readonly #parts = Array.from({ length: parts }, () => new Uint32Array(steps))
  readonly #all = new Uint32Array(steps)
  #count = 0
  /** The part that is being filled, counted from the first. */
  #part = 0

  /** `now` is awake time, as that of the other calls. */
  add(now: number, tookMs: number): void {
    this.#forgetBefore(now)
    const step = stepOf(tookMs)
    this.#parts[this.#part % parts]![step]!++
    this.#all[step]!++
    this.#count++
  }

  /** How many there were. */
  count(now: number): number {
    this.#forgetBefore(now)
    return this.#count
  }

  /** So long took, to a twelfth, all but the slowest: 0.99 leaves out one in a hundred. Undefined when there were none. */
  quantile(now: number, share: number): number | undefined {
    this.#forgetBefore(now)
    if (this.#count === 0) return undefined
    let below = share * this.#count
    for (const [step, count] of this.#all.entries()) {
      below -= count
      if (below <= 0) return longestOf(step)
    }
    return longestOf(steps - 1)
  }

  forget(): void {
    for (const counts of [...this.#parts, this.#all]) counts.fill(0)
    this.#count = 0
  }

  #forgetBefore(now: number): void {
    const part = Math.floor(now / partMs)
    for (let skipped = Math.min(part - this.#part, parts); skipped > 0; skipped--) {
      this.#drop(this.#parts[(part - skipped + 1) % parts]!)
    }
    this.#part = Math.max(part, this.#part)
  }

  #drop(counts: Uint32Array): void {
    for (const [step, count] of counts.entries()) {
      this.#all[step]! -= count
      this.#count -= count
    }
    counts.fill(0)
  }
}

function stepOf(tookMs: number): number {
  const step = Math.ceil(Math.log2(Math.max(tookMs, shortestMs) / shortestMs) * stepsPerDoubling)
  return Math.min(step, steps - 1)
}

function longestOf(step: number): number {
  return shortestMs * 2 ** (step / stepsPerDoubling)
}
