/** The identity of a write, in short: `write('ann', 3)` is the third of ann. */
import type { WriteId } from '../../src/values/type.ts'

export function write(by: string, count: number): WriteId {
  return { id: `${by}:${count}`, by, count }
}

/** Numbers below `limit` that look drawn by lot, the same at each run (a linear congruence). */
export function lots(seed: number): (limit: number) => number {
  let state = seed
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
}
