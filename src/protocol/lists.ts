/**
 * The owners of a partition while one ring goes over into another, and what two peers must see alike of them.
 *
 * A write goes to the owners by the ring that stands and by the one that is next; a strict one needs its quorum in each,
 * and so does a strict read. Neither is any use if the other side of the exchange holds other rings to be standing. So
 * the lists that a strict request carries name the change as well as all owners: of two changes that lead to the same ring
 * one may be withdrawn, and what its gainers were told is worth nothing for the other.
 */
import { utf8 } from '../data/bytes.ts'
import { type Digest, digestOf } from '../data/hash.ts'
import type { Ring } from '../data/ring.ts'
import type { ChangeId } from './statement.ts'
import type { MemberRecord, PeerId, View } from './view.ts'

/** A ring on its way. */
export type NextRing = NonNullable<View['next']>

export interface OwnerLists {
  readonly now: readonly PeerId[]
  /** Where the change gives the partition other owners. */
  readonly next: { readonly change: ChangeId; readonly owners: readonly PeerId[] } | undefined
}

/** Of partitions whose owners stay the same it is as if nothing happened. */
export function ownerLists(partition: number, ring: Ring, next: NextRing | undefined): OwnerLists {
  const now = ring.ownersOf(partition)
  const later = next?.ring.ownersOf(partition)
  if (next === undefined || later === undefined || sameOwners(now, later)) {
    return { now, next: undefined }
  }
  return { now, next: { change: next.change, owners: later } }
}

/** Everybody on these lists: those who own now, and behind them those who gain. */
export function allOwners({ now, next }: OwnerLists): readonly PeerId[] {
  if (next === undefined) return now
  return [...now, ...next.owners.filter((peer) => !now.includes(peer))]
}

/** `digest` says how one list of owners is summed up. */
export function ownersDigest(
  { now, next }: OwnerLists,
  recordOf: (peer: PeerId) => MemberRecord,
  digest: (owners: readonly MemberRecord[]) => Digest,
): Digest {
  const standing = digest(now.map(recordOf))
  if (next === undefined) return standing
  return digestOf(standing, utf8(next.change), digest(next.owners.map(recordOf)))
}

function sameOwners(a: readonly PeerId[], b: readonly PeerId[]): boolean {
  return a.length === b.length && a.every((peer) => b.includes(peer))
}
