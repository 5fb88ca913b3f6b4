/**
 * The ring as a picture, for applications: which members own which partition.
 */
import { partitionOf } from '../data/key.ts'
import { makeCheckedKey } from '../protocol/arguments.ts'
import type { View } from '../protocol/membership.ts'
import type { RingSnapshot } from './api.ts'

const snapshots = new WeakMap<View, RingSnapshot>()

/** The same object for the same view. */
export function ringSnapshot(view: View): RingSnapshot {
  let snapshot = snapshots.get(view)
  if (snapshot === undefined) {
    const { ring } = view
    const { q } = ring.shape
    snapshot = Object.freeze<RingSnapshot>({
      partitions: q,
      members: Object.freeze(ring.members.map(({ id }) => id)),
      // A copy: the ring's own list is everybody's.
      owners: (partition) => [...ring.ownersOf(partition)],
      partitionOf: (bucket, key) => partitionOf(makeCheckedKey(bucket, key).position, q),
    })
    snapshots.set(view, snapshot)
  }
  return snapshot
}
