/**
 * The decisions of `rules.ts` that a device takes by itself, before it has met anybody: a page begins with these alone.
 */
import { asOf, type ObjectState } from '../data/siblings.ts'
import { type Dot, type Seen, withDot } from '../data/vector.ts'

export const deviceRules = {
  /**
   * What a put hands back: what its caller had seen and the new write. Not what the object has seen, which would
   * cover concurrent values that the caller never saw.
   */
  contextAfterPut: (given: Seen, dot: Dot, _object: ObjectState): Seen => withDot(given, dot),

  /** What is shown of a state by a clock: what has expired is a tombstone, nothing else is another. */
  shownAt: (state: ObjectState, nowMs: number): ObjectState => asOf(state, nowMs),

  /** The least R and W of a strict request: two sets of so many owners have one in common. */
  strictLeast: (n: number): number => Math.floor(n / 2) + 1,
}

export type DeviceRules = typeof deviceRules
