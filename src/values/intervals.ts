/**
 * Sets of counts as intervals.
 *
 * A type that must remember for ever which writes are over would grow with every write. But a device's writes are
 * counted one by one, so that those which are over soon lie close together, and `[1, 9999]` says ten thousand. An
 * interval never bridges a gap: a count that is missing may be the write of somebody who is offline.
 */
/** The highest count of a write: where the ring's own counters end. */
const lastCount = 2 ** 48

/** From the first to the second, both included. */
export type Interval = readonly [from: number, to: number]

/** Ascending, with at least one count missing between any two. */
export type Intervals = readonly Interval[]

export function hasCount(intervals: Intervals, count: number): boolean {
  // By halves: a value from elsewhere may have as many intervals as fit, and be asked for as many counts.
  let low = 0
  let high = intervals.length
  while (low < high) {
    const middle = (low + high) >> 1
    const [from, to] = intervals[middle]!
    if (count < from) high = middle
    else if (count > to) low = middle + 1
    else return true
  }
  return false
}

export function joinIntervals(a: Intervals, b: Intervals): Intervals {
  const joined: [number, number][] = []
  for (const [from, to] of [...a, ...b].sort(([x], [y]) => x - y)) {
    const last = joined.at(-1)
    if (last === undefined || from > last[1] + 1) joined.push([from, to])
    else last[1] = Math.max(last[1], to)
  }
  return joined
}

/** Whether this is a set of counts in its one form; total. */
export function isIntervals(value: unknown): value is Intervals {
  if (!Array.isArray(value) || value.length === 0) return false
  let beyond = -1
  for (const interval of value as unknown[]) {
    if (!Array.isArray(interval) || interval.length !== 2) return false
    const [from, to] = interval as unknown[]
    if (!isCount(from) || !isCount(to) || from > to || from <= beyond + 1) return false
    beyond = to
  }
  return true
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= lastCount
}
