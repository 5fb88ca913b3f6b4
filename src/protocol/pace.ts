/**
 * How much background work there may be (paper §6.5): hints to drain, copies to compare, stores to make whole.
 *
 * None of it has a deadline, and all of it takes the disk and the thread that a put is waiting for. A fixed share of them
 * is too much on a busy day and too little on a quiet one. So the share follows what the foreground feels: its 99th
 * percentile against a target. It goes down by as much as the target is missed, at most to a half at a time, and up
 * more slowly; near the target it stays, so that it comes to rest. A least share is always left, however slow the
 * foreground: a ring that is busy for a week must not fall apart behind its back.
 */

/** Of a member's time: whatever happens, background work has this much. */
export const leastShare = 0.1

const fastestCut = 0.5
const fastestGrowth = 1.25
/** From here to the target nothing changes. */
const near = 0.8

/** The share of the next while; `p99Ms` undefined: too little foreground to speak of. */
export function nextShare(share: number, p99Ms: number | undefined, targetMs: number): number {
  const ratio = targetMs / (p99Ms ?? 0)
  if (ratio >= 1 && ratio <= 1 / near) return share
  const factor = Math.min(fastestGrowth, Math.max(fastestCut, ratio))
  return Math.min(1, Math.max(leastShare, share * factor))
}

/** How long to rest after so much background work, for it to have this share of the time. */
export function restAfter(share: number, workedMs: number): number {
  return workedMs * (1 / share - 1)
}
