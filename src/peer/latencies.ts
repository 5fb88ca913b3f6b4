/**
 * How long something took lately: the quantiles of the last minute.
 *
 * Means hide what people wait for, and quantiles need all the times, or nearly: so they are counted by size, in steps
 * of an eighth, in six parts of a minute. The oldest part is forgotten as a whole. That takes a few kilobytes, however
 * many there are, and no sorting.
 */

const partMs = 10_000
const parts = 6
/** From a twentieth of a millisecond to a quarter of a minute; what is beyond counts as the last. */
const shortestMs = 0.05
const growth = 1.125
const steps = 108
/** Up to what each step is. By multiplication: powers and logarithms differ from engine to engine in their last bit. */
const longest = [shortestMs]
while (longest.length < steps) longest.push(longest.at(-1)! * growth)

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

  /** So long took, to an eighth, all but the slowest: 0.99 leaves out one in a hundred. Undefined when there were none. */
  quantile(now: number, share: number): number | undefined {
    this.#forgetBefore(now)
    if (this.#count === 0) return undefined
    let below = share * this.#count
    for (const [step, count] of this.#all.entries()) {
      below -= count
      if (below <= 0) return longest[step]!
    }
    return longest.at(-1)!
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

/** The first step that is long enough. */
function stepOf(tookMs: number): number {
  let [low, high] = [0, steps - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if (longest[middle]! < tookMs) low = middle + 1
    else high = middle
  }
  return low
}
