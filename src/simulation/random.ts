/**
 * Chance that can be replayed: a generator that one text decides, and that forks by label.
 *
 * With one stream for everything, a single extra draw anywhere (one more round of gossip) would reshuffle all that
 * follows, and a failing seed would lose its failure with the first line of debugging. So each component draws from
 * its own fork. A fork depends on its labels alone, never on how much its parent has drawn.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Random } from '../ports.ts'

export interface SeededRandom extends Random {
  /** From `low` to `high`. */
  between(low: number, high: number): number
  /** A whole number from 0 (included) to `below` (excluded). */
  whole(below: number): number
  chance(probability: number): boolean
  pick<T>(items: readonly T[]): T
  shuffled<T>(items: readonly T[]): T[]
  /** Waiting times without memory: mostly short, now and then long. */
  exponential(mean: number): number
  fork(label: string | number): SeededRandom
}

/** Engines differ in the last bit of a logarithm or a power: what is to be the same in all of them leaves it out. */
export function steady(value: number): number {
  return Math.round(value * 1e6) / 1e6
}

export function seededRandom(seed: string | number): SeededRandom {
  const next = sfc32(...fourWords(String(seed)))
  const fraction = (): number => next() / 0x1_0000_0000
  const whole = (below: number): number => Math.floor(fraction() * below)

  return {
    fraction,
    whole,
    bytes: (length) => randomBytes(length, next),
    between: (low, high) => low + fraction() * (high - low),
    chance: (probability) => fraction() < probability,
    exponential: (mean) => steady(-mean * Math.log(1 - fraction())),
    fork: (label) => seededRandom(`${seed}/${label}`),
    pick(items) {
      if (items.length === 0) throw new RangeError('nothing to pick from')
      return items[whole(items.length)]!
    },
    shuffled(items) {
      const mixed = [...items]
      for (let i = mixed.length - 1; i > 0; i--) {
        const j = whole(i + 1)
        ;[mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!]
      }
      return mixed
    },
  }
}

function randomBytes(length: number, next: () => number): Bytes {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = next() >>> 24
  return bytes
}

/** Chris Doty-Humphrey's small fast counting generator: 32 bits a call. */
function sfc32(a: number, b: number, c: number, counter: number): () => number {
  const next = (): number => {
    const result = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = ((c << 21) | (c >>> 11)) + result
    c |= 0
    return result >>> 0
  }
  // Texts that differ in one letter start out alike; a few rounds set them apart.
  for (let i = 0; i < 15; i++) next()
  return next
}

/** Spreads a text over the generator's four words. */
function fourWords(text: string): [number, number, number, number] {
  const words: [number, number, number, number] = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x1b873593]
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    words[0] = Math.imul(words[0] ^ unit, 0x85ebca6b) ^ (words[3] >>> 15)
    words[1] = Math.imul(words[1] ^ unit, 0xc2b2ae35) ^ (words[0] >>> 13)
    words[2] = Math.imul(words[2] ^ unit, 0x27d4eb2f) ^ (words[1] >>> 16)
    words[3] = Math.imul(words[3] ^ unit, 0x165667b1) ^ (words[2] >>> 14)
  }
  return words
}
