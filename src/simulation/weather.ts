/**
 * What becomes of a message on its way: how long it takes, and whether it arrives at all, twice, or out of order.
 *
 * Every pair of peers has a distance of its own, every message a jitter, and now and then a long wait. The faults turn
 * the rest up: loss, doubles, messages that wait until later ones have overtaken them, and the long tail of a network
 * in trouble, in which a mean says nothing.
 */
import type { PeerId } from '../protocol/membership.ts'
import { type SeededRandom, steady } from './random.ts'

export interface NetworkSettings {
  /** The fastest and the slowest link's one-way delay; each pair of peers draws its own between them. */
  readonly delayMs: readonly [number, number]
  /** Mean of what each message waits beyond that: what reorders messages. */
  readonly jitterMs: number
  /** How often a message waits up to three hundred times its jitter: long, and yet within every deadline. */
  readonly spikes: number
  /** When an end of a silent link gives it up. */
  readonly detectionMs: readonly [number, number]
  /** How fast a large state travels. */
  readonly bytesPerMs: number
}

export const networkSettings: NetworkSettings = {
  delayMs: [0.3, 12],
  jitterMs: 1.5,
  spikes: 0.005,
  detectionMs: [3900, 6500],
  bytesPerMs: 20_000,
}

/** How often each thing struck a message. */
export interface NetworkHits {
  lost: number
  duplicated: number
  /** Arrived after one that was sent later on the same link. */
  overtaken: number
  tailed: number
  clogged: number
  held: number
  late: number
  slowed: number
  /** Links given up and dials that met no answer because of a cut. */
  silent: number
}

const longestSpike = 300
/** No message arrives later than that, but for a cut. */
export const longestTailMs = 20_000

export class Weather {
  readonly hits: NetworkHits = {
    lost: 0,
    duplicated: 0,
    overtaken: 0,
    tailed: 0,
    clogged: 0,
    held: 0,
    late: 0,
    slowed: 0,
    silent: 0,
  }
  /** The chance that a message vanishes, arrives twice, lets others pass, or waits for seconds. */
  loss = 0
  duplication = 0
  reordering = 0
  tail = 0

  readonly #random: SeededRandom
  readonly #settings: NetworkSettings
  readonly #delays = new Map<PeerId, Map<PeerId, number>>()
  readonly #slow = new Set<(from: PeerId, to: PeerId) => number>()

  constructor(random: SeededRandom, settings: NetworkSettings) {
    this.#random = random
    this.#settings = settings
  }

  /** The delays after which a message arrives: none if it is lost, two if it is doubled. */
  fate(from: PeerId, to: PeerId, bytes: number): number[] {
    if (this.#random.chance(this.loss)) {
      this.hits.lost++
      return []
    }
    const twice = this.#random.chance(this.duplication)
    if (twice) this.hits.duplicated++
    const delays = [this.#messageMs(from, to, bytes)]
    if (twice) delays.push(this.#messageMs(from, to, bytes))
    return delays
  }

  /** The delay of one message, drawn anew for each. */
  delayMs(from: PeerId, to: PeerId): number {
    const { jitterMs, spikes } = this.#settings
    let delay = this.baseDelayMs(from, to) + this.#random.exponential(jitterMs)
    if (this.#random.chance(spikes)) delay += this.#random.between(0, longestSpike * jitterMs)
    for (const slow of this.#slow) {
      const more = slow(from, to)
      if (more > 0) this.hits.slowed++
      delay += more
    }
    return delay
  }

  baseDelayMs(from: PeerId, to: PeerId): number {
    const [low, high] = from < to ? [from, to] : [to, from]
    let delays = this.#delays.get(low)
    if (delays === undefined) this.#delays.set(low, (delays = new Map<PeerId, number>()))
    let delay = delays.get(high)
    if (delay === undefined)
      delays.set(high, (delay = this.#random.between(...this.#settings.delayMs)))
    return delay
  }

  /** When an end that hears nothing any more gives its link up. */
  detectionMs(): number {
    return this.#random.between(...this.#settings.detectionMs)
  }

  /** Of a backlog, when each message comes. */
  burstMs(): number {
    return this.#random.between(0, 2)
  }

  /** Delays messages by as many milliseconds as `delay` says, until the result is called. */
  slow(delay: (from: PeerId, to: PeerId) => number): () => void {
    this.#slow.add(delay)
    return () => void this.#slow.delete(delay)
  }

  #messageMs(from: PeerId, to: PeerId, bytes: number): number {
    let delay = this.delayMs(from, to) + bytes / this.#settings.bytesPerMs
    if (this.reordering > 0 && this.#random.chance(this.reordering)) {
      delay += this.#random.between(5, 150)
    }
    if (this.tail > 0 && this.#random.chance(this.tail)) {
      this.hits.tailed++
      delay += tailMs(this.#random.fraction())
    }
    return delay
  }
}

/** A Pareto tail: a tenth of a second mostly, and now and then longer than any deadline. */
function tailMs(fraction: number): number {
  return Math.min(longestTailMs, steady(100 * (1 - fraction) ** (-1 / 0.8)))
}
