/**
 * What a ring is before it has members: how many owners a partition has, how many partitions there are.
 */

export interface RingShape {
  /** Owners a partition. */
  readonly n: number
  /** Partitions: a power of two, at most `maxPartitions`. */
  readonly q: number
  /** So many owners are durable members, as far as there are any. */
  readonly durableOwners: number
}

export const maxPartitions = 2 ** 16

/** Throws a `RangeError` on what is no shape. */
export function checkShape({ n, q, durableOwners }: RingShape): void {
  if (!Number.isSafeInteger(n) || n < 1) {
    throw new RangeError(`a partition has a whole number of owners, at least 1: n is ${n}`)
  }
  if (!Number.isInteger(q) || q < 1 || q > maxPartitions || (q & (q - 1)) !== 0) {
    throw new RangeError(`partitions are a power of two, 1 to ${maxPartitions}: q is ${q}`)
  }
  if (!Number.isSafeInteger(durableOwners) || durableOwners < 0 || durableOwners > n) {
    throw new RangeError(`durableOwners is a whole number, 0 to n: it is ${durableOwners} of ${n}`)
  }
}
