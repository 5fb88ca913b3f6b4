/**
 * Where a key lives: the owners of its partition, and the fallbacks that stand in for them (paper §4.3, §4.6).
 * Every request asks, so the answer is made once per partition and ring. Most requests never need a fallback; their
 * order is worked out when the first one does.
 */
import { partitionOf } from '../data/key.ts'
import type { Ring } from '../data/ring.ts'
import type { PeerId, View } from './membership.ts'
import type { Quota } from './quorum.ts'

export interface Placement {
  readonly partition: number
  /** In preference order. */
  readonly owners: readonly PeerId[]
  /** All other members, preferred first. */
  readonly fallbacks: readonly PeerId[]
  /** Two members on one host count once towards a quorum. Throws a `RangeError` for a stranger. */
  hostOf(peer: PeerId): string
}

/** The same place with nobody to stand in. */
export function ownersOnly({ partition, owners, hostOf }: Placement): Placement {
  return { partition, owners, fallbacks: [], hostOf }
}

/** So many answers of owners. */
export function ownersQuota({ owners }: Placement, needed: number): Quota {
  return { needed, among: (peer) => owners.includes(peer) }
}

interface Placements {
  readonly hosts: ReadonlyMap<PeerId, string>
  readonly byPartition: (Placement | undefined)[]
}

const placementsOf = new WeakMap<Ring, Placements>()

/** The placement of a key by its position; the same object each time it is asked of the same ring. */
export function placementOf(ring: Ring, position: number): Placement {
  let placements = placementsOf.get(ring)
  if (placements === undefined) {
    const hosts = new Map(ring.members.map(({ id, host }) => [id, host]))
    placements = { hosts, byPartition: [] }
    placementsOf.set(ring, placements)
  }
  const partition = partitionOf(position, ring.shape.q)
  return (placements.byPartition[partition] ??= makePlacement(ring, partition, placements.hosts))
}

/**
 * The placement of a key by both rings that stand while one goes over into the other: all owners of either, those of the
 * present one first. Quorums in each are asked for apart. Members that sit in neither, on their way in or out, have hosts too.
 */
export function placementIn(view: View, position: number): Placement {
  const now = placementOf(view.ring, position)
  const later = view.next === undefined ? now : placementOf(view.next.ring, position)
  const gainers = later.owners.filter((peer) => !now.owners.includes(peer))
  if (gainers.length === 0 && view.ring.members.length === view.members.length) return now
  return {
    partition: now.partition,
    owners: [...now.owners, ...gainers],
    get fallbacks() {
      return now.fallbacks.filter((peer) => !gainers.includes(peer))
    },
    hostOf: (peer) => view.byPeer.get(peer)?.record.host ?? later.hostOf(peer),
  }
}

function makePlacement(
  ring: Ring,
  partition: number,
  hosts: ReadonlyMap<PeerId, string>,
): Placement {
  const owners = ring.ownersOf(partition)
  let fallbacks: readonly PeerId[] | undefined
  return {
    partition,
    owners,
    get fallbacks() {
      fallbacks ??= ring.preferenceOf(partition).filter((peer) => !owners.includes(peer))
      return fallbacks
    },
    hostOf(peer) {
      const host = hosts.get(peer)
      if (host === undefined) throw new RangeError(`no member of the ring: ${peer}`)
      return host
    },
  }
}
