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
  /** So many of the answers come from owners. */
  readonly pw?: number | undefined
  /** So many come from durable members that have it on their disks. */
  readonly dw?: number | undefined
  readonly strict?: boolean | undefined
  /** All but one of those who take it may keep it in a buffer at first. */
  readonly buffered?: boolean | undefined
}

/** What a caller may name of them. */
export type Numbers = Readonly<Partial<Record<'r' | 'pr' | 'w' | 'pw' | 'dw', number | undefined>>>

/** What is needed to know what may be asked for. */
interface Ring {
  readonly rules: Pick<Rules, 'strictLeast'>
  view(): { readonly identity: { readonly n: number } }
}

/** What a read asks for, where R is usually `r`. Throws `RingletError`, `bad-argument`. */
export function readDemands(
  { rules, view }: Ring,
  r: number,
  consistency: 'strict' | 'quorum' | 'local',
  numbers: Pick<Numbers, 'r' | 'pr'>,
): ReadDemands {
  const strict = consistency === 'strict'
  const { n } = view().identity
  checkNumbers(rules, n, numbers, strict)
  const least = strict ? Math.max(r, rules.strictLeast(n)) : r
  return { r: numbers.r ?? least, pr: numbers.pr, strict }
}

/** What a write asks for, where W is usually `w`. Throws `RingletError`, `bad-argument`. */
export function writeDemands(
  { rules, view }: Ring,
  w: number,
  asked: Partial<WriteDemands> | undefined,
): WriteDemands {
  if (asked === undefined) return { w }
  const { strict = false, buffered = false, ...numbers } = asked
  const { n } = view().identity
  checkNumbers(rules, n, numbers, strict)
  if (buffered) checkBuffered('buffered', strict, numbers.dw)
  const least = strict ? Math.max(w, rules.strictLeast(n)) : w
  return { ...numbers, w: numbers.w ?? least, strict, ...(buffered && { buffered }) }
}

/** Throws `RingletError`, `bad-argument`, for what no buffered write can give, and for what is no durability. */
export function checkBuffered(durability: string, strict: boolean, dw = 0): void {
  if (durability === 'buffered' && !strict && dw <= 1) return
  const what = strict ? ', strictly' : dw > 1 ? ` with dw = ${dw}` : ''
  throw new RingletError('bad-argument', `a write that is ${durability}${what}`, {
    remedy: 'Use a synced bucket.',
  })
}

/** What one write asks for that speaks for all of these; undefined stands for W, which is `w` in this ring. */
export function joinDemands(
  all: readonly (WriteDemands | undefined)[],
  w: number,
): WriteDemands | undefined {
  if (all.every((each) => each === undefined)) return undefined
  const most = (of: (each: WriteDemands) => number | undefined): number => {
    return Math.max(...all.map((each) => of(each ?? { w }) ?? 0))
  }
  return {
    w: most((each) => each.w),
    pw: most((each) => each.pw),
    dw: most((each) => each.dw),
    strict: all.some((each) => each?.strict === true),
    // Only in memory: what an earlier process has left to deliver is delivered synced.
    ...(all.every((each) => each?.buffered === true) && { buffered: true }),
  }
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
