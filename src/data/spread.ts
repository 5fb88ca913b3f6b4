/**
 * How well the owners of the partitions are spread: over hosts, over zones, and whether there are enough of them.
 *
 * Two owners on one host are two copies on what may be one disk. To count such partitions is not enough, as there are two
 * causes, with different mends: the members may stand on too few hosts, and then it cannot be otherwise; or there are
 * enough, and the ring is wrong. So each partition is held against the best that these members could do. A few zones for
 * many owners are no fault at all: what counts is whether a zone has more of them than its part.
 */
import type { Ring, RingMember } from './ring.ts'

/** Partitions, each in ascending order. */
export interface Spread {
  /** They have fewer than N owners. */
  readonly short: readonly number[]
  /** Owners share a host, as there are too few hosts. */
  readonly hostShared: readonly number[]
  /** Owners share a host, though they need not. */
  readonly hostSharedNeedlessly: readonly number[]
  /** More owners in one zone than its part, though it need not be so. */
  readonly zoneSharedNeedlessly: readonly number[]
}

/** The spread of whatever says who owns what. */
export function spreadOf(ring: Pick<Ring, 'shape' | 'members' | 'ownersOf'>): Spread {
  const { shape, members } = ring
  const byId = new Map(members.map((member) => [member.id, member]))
  const best = bestOf(ring)
  const spread = {
    short: [] as number[],
    hostShared: [] as number[],
    hostSharedNeedlessly: [] as number[],
    zoneSharedNeedlessly: [] as number[],
  }
  for (let partition = 0; partition < shape.q; partition++) {
    const owners = ring.ownersOf(partition).map((id) => byId.get(id)!)
    const hosts = distinct(owners, 'host')
    if (owners.length < shape.n) spread.short.push(partition)
    if (hosts < Math.min(owners.length, best.hosts)) spread.hostSharedNeedlessly.push(partition)
    else if (hosts < owners.length) spread.hostShared.push(partition)
    if (mostInAZone(owners) > best.perZone) spread.zoneSharedNeedlessly.push(partition)
  }
  return spread
}

/** On how many hosts owners can stand, and into how few of them a zone can be kept. */
interface Best {
  readonly hosts: number
  /** Infinity where the members do not allow a zone to be kept to its part. */
  readonly perZone: number
}

/** The rules are those of `rounds.ts`: the places of durable owners first, and zones without any count for nothing then. */
function bestOf({ shape: { n, durableOwners }, members }: Pick<Ring, 'shape' | 'members'>): Best {
  const durable = members.filter((member) => member.class === 'durable')
  const reserved = Math.min(durableOwners, distinct(durable, 'host'))
  const eligible = reserved === n ? durable : members
  const perZone = Math.ceil(n / Math.max(1, distinct(eligible, 'zone')))
  const room = (some: readonly RingMember[]): number => {
    const zones = [...Map.groupBy(some, ({ zone }) => zone).values()]
    return zones.reduce((sum, zone) => sum + Math.min(perZone, distinct(zone, 'host')), 0)
  }
  const isKept = room(durable) >= reserved && room(eligible) >= n
  return { hosts: distinct(members, 'host'), perZone: isKept ? perZone : Infinity }
}

function distinct(members: readonly RingMember[], what: 'host' | 'zone'): number {
  return new Set(members.map((member) => member[what])).size
}

function mostInAZone(owners: readonly RingMember[]): number {
  const zones = Map.groupBy(owners, ({ zone }) => zone)
  return Math.max(0, ...[...zones.values()].map(({ length }) => length))
}
