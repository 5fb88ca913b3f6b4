/**
 * Who owns which part of the key space, whoever decided it: what all ways to decide it can be measured by.
 *
 * Load is the number of copies, with every key as likely as any other. *Balance* is the paper's efficiency (§6.2): the mean
 * load over the highest, 1 where all are alike. *Moved* is what must be fetched by somebody when a member joins or leaves,
 * over the least that must be: the even share of that member, or what it really owns where that is less. By the one alone a
 * way to decide would look calm that gives newcomers too little, by the other one that gives them too much.
 */
import type { Ring } from '../../src/data/ring.ts'

/** The key space goes from 0 to 1. The part that ends at `ends[i]`, and begins where the one before ends, has `owners[i]`. */
export interface Division {
  /** Ascending; the last is 1. */
  readonly ends: readonly number[]
  readonly owners: readonly (readonly string[])[]
}

/** The same members, with one more and with one less. */
export interface Changes {
  readonly now: Division
  readonly joined: Division
  readonly left: Division
}

export function evenEnds(q: number): number[] {
  return Array.from({ length: q }, (_, i) => (i + 1) / q)
}

export function divisionOf(ring: Ring): Division {
  const ends = evenEnds(ring.shape.q)
  return { ends, owners: ends.map((_, partition) => ring.ownersOf(partition)) }
}

/** Of each owner, how many times the whole key space it keeps. */
export function loadsOf({ ends, owners }: Division): Map<string, number> {
  const loads = new Map<string, number>()
  for (const [i, list] of owners.entries()) {
    const width = ends[i]! - (ends[i - 1] ?? 0)
    for (const owner of list) loads.set(owner, (loads.get(owner) ?? 0) + width)
  }
  return loads
}

/** The mean load of so many members over the highest. */
export function balanceOf(division: Division, members: number): number {
  const loads = [...loadsOf(division).values()]
  return loads.reduce((sum, load) => sum + load, 0) / members / Math.max(...loads)
}

/** The lowest load of so many members over the mean. */
export function lightestOf(division: Division, members: number): number {
  const loads = [...loadsOf(division).values()]
  const mean = loads.reduce((sum, load) => sum + load, 0) / members
  return loads.length < members ? 0 : Math.min(...loads) / mean
}

/** How many times the whole key space is fetched by owners that did not keep it `before`. */
export function fetched(before: Division, after: Division): number {
  let sum = 0
  for (let i = 0, j = 0, at = 0; i < before.ends.length && j < after.ends.length;) {
    const end = Math.min(before.ends[i]!, after.ends[j]!)
    const had = before.owners[i]!
    for (const owner of after.owners[j]!) if (!had.includes(owner)) sum += end - at
    at = end
    if (before.ends[i] === end) i++
    if (after.ends[j] === end) j++
  }
  return sum
}

/** In whole key spaces. */
export interface Movement {
  readonly fetched: number
  /** The least that must be. */
  readonly least: number
}

/** What moves when `newcomer` becomes one of so many members. */
export function joinOf(
  { now, joined }: Changes,
  newcomer: string,
  members: number,
  n: number,
): Movement {
  const even = Math.min(n, members) / members
  const least = Math.min(even, loadsOf(joined).get(newcomer) ?? 0)
  return { fetched: fetched(now, joined), least }
}

/** What moves when `leaver`, one of so many members, is gone. Where those who stay own everything, nothing has to. */
export function leaveOf(
  { now, left }: Changes,
  leaver: string,
  members: number,
  n: number,
): Movement {
  const least = members <= n ? 0 : Math.min(n / members, loadsOf(now).get(leaver) ?? 0)
  return { fetched: fetched(now, left), least }
}

/** What moved in all of them over the least; undefined where nothing had to. */
export function movedIn(movements: readonly Movement[]): number | undefined {
  const sum = (of: (movement: Movement) => number) =>
    movements.reduce((total, movement) => total + of(movement), 0)
  const least = sum((movement) => movement.least)
  return least === 0 ? undefined : sum((movement) => movement.fetched) / least
}
