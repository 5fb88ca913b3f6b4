/**
 * How much a request asks for: so many answers, so many of them from owners, so many from synced disks of durable
 * members, and whether it is strict (paper §4.5, §4.6).
 *
 * A sloppy request is met by any hosts that answer. A strict one counts ready owners alone, at least a majority of N for
 * reads and writes alike, so that what is read has been written to one of them. Numbers that could never be met, or
 * would make *strict* mean less, are refused before anybody is asked.
 */
import { RingletError } from './errors.ts'
import type { Rules } from './rules.ts'

export interface ReadDemands {
  readonly r: number
  /** So many of the answers come from owners. */
  readonly pr?: number | undefined
  readonly strict?: boolean | undefined
}

export interface WriteDemands {
  readonly w: number
  readonly pw?: number | undefined
  /** So many come from durable members. */
  readonly dw?: number | undefined
  readonly strict?: boolean | undefined
}

/** What a caller may name of them. */
export type Numbers = Readonly<Partial<Record<'r' | 'pr' | 'w' | 'pw' | 'dw', number | undefined>>>

/** The least that a strict request asks for, or what the ring asks for anyway. */
export function leastFor(
  rules: Pick<Rules, 'strictLeast'>,
  n: number,
  usual: number,
  strict: boolean,
): number {
  return strict ? Math.max(usual, rules.strictLeast(n)) : usual
}

/** Throws `RingletError`, `bad-argument`, for numbers that mean nothing in a ring of N copies. */
export function checkNumbers(
  rules: Pick<Rules, 'strictLeast'>,
  n: number,
  numbers: Numbers,
  strict: boolean,
): void {
  for (const [name, value] of Object.entries(numbers)) {
    if (value === undefined) continue
    const least = strict && (name === 'r' || name === 'w') ? rules.strictLeast(n) : 1
    if (Number.isInteger(value) && value >= least && value <= n) continue
    const kind = strict ? 'a strict request' : 'a request'
    throw new RingletError('bad-argument', `${kind} with ${name} = ${String(value)}`, {
      remedy: `Pass a whole number from ${least} to ${n}: the ring keeps ${n} copies.`,
      needed: least,
    })
  }
}
