/**
 * The ring: which members own which partition. A pure function of the ring's shape and the set of its members, so
 * that peers with the same members agree on every owner without a word.
 *
 * The paper's first strategy puts random tokens on a circle: shares differ widely, and each join recuts the ranges,
 * so that digests must be rebuilt. Here, as in its third (§6.2), the partitions are fixed and equal, and only
 * their owners change: `score` says who prefers whom, `matching` settles it, `rounds` and `capacity` say
 * within which rules, and `levelling` mends what is left uneven.
 */
import { compareText } from './bytes.ts'
import { levelOut } from './levelling.ts'
import { bestFirst, type Contestant, matchOwners } from './matching.ts'
import { checkShape, type RingShape } from './ring-shape.ts'
import { levellingOf, roundsOf } from './rounds.ts'
import { drawerOf } from './score.ts'

export interface RingMember {
  readonly id: string
  readonly class: 'durable' | 'transient'
  /** Where its disk is; owners of one partition have distinct hosts. */
  readonly host: string
  readonly zone: string
  /** A whole number from 1 to `maxWeight`: twice the weight, twice the share. */
  readonly weight: number
}

export interface Ring {
  readonly shape: RingShape
  /** Sorted by id. */
  readonly members: readonly RingMember[]
  /** `min(n, members)` of them, in preference order. */
  ownersOf(partition: number): readonly string[]
  /** Every member, preferred first; worked out at each call. */
  preferenceOf(partition: number): readonly string[]
  /** The member's share of all replicas, from 0 to 1; 0 for a stranger. */
  shareOf(member: string): number
}

/** A member costs one hash per unit of weight and partition. */
export const maxWeight = 64

/** The ring of these members, in whatever order they are given. Throws a `RangeError` on what is no ring. */
export function makeRing(shape: RingShape, members: readonly RingMember[]): Ring {
  checkShape(shape)
  const sorted = members.toSorted((a, b) => compareText(a.id, b.id))
  for (const [index, member] of sorted.entries()) checkMember(member, sorted[index - 1])

  const contestants = sorted.map((member) => contestantOf(member, shape))
  const wanted = { partitions: shape.q, owners: shape.n, durableOwners: shape.durableOwners }
  const matched = matchOwners(contestants, shape.q, roundsOf(wanted, sorted))
  const { owners, loads } = levelOut(contestants, matched, levellingOf(wanted, sorted))
  const names = owners.map((list) => list.map((index) => sorted[index]!.id))
  const replicas = shape.q * Math.min(shape.n, sorted.length)
  const shares = new Map(sorted.map(({ id }, index) => [id, loads[index]! / replicas]))
  return {
    shape,
    members: sorted,
    ownersOf: (partition) => {
      checkPartition(partition, shape)
      return names[partition]!
    },
    preferenceOf: (partition) => {
      checkPartition(partition, shape)
      return bestFirst(contestants, partition, [...sorted.keys()]).map((index) => sorted[index]!.id)
    },
    shareOf: (member) => shares.get(member) ?? 0,
  }
}

function contestantOf({ id, host, zone, weight }: RingMember, { q }: RingShape): Contestant {
  return { drawer: drawerOf(id, weight, q), host, zone }
}

function checkMember({ id, weight, ...member }: RingMember, before: RingMember | undefined): void {
  if (id === '') throw new RangeError('a member has an id')
  if (id === before?.id) throw new RangeError(`a member is in the ring once: ${id}`)
  if (!Number.isInteger(weight) || weight < 1 || weight > maxWeight) {
    throw new RangeError(
      `a weight is a whole number, 1 to ${maxWeight}: that of ${id} is ${weight}`,
    )
  }
  if (member.class !== 'durable' && member.class !== 'transient') {
    throw new RangeError(`a member is durable or transient: ${id} is ${String(member.class)}`)
  }
}

function checkPartition(partition: number, { q }: RingShape): void {
  if (!Number.isInteger(partition) || partition < 0 || partition >= q) {
    throw new RangeError(`partitions go from 0 to ${q - 1}: there is no ${partition}`)
  }
}
