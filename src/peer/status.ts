/**
 * What a peer shows of itself: a plain snapshot that answers "is it saved, where, and what is still on its way?"
 *
 * Nothing in it is remembered: it is put together from what the peer knows at the moment somebody looks.
 */
import type { PeerId, View } from '../protocol/membership.ts'
import type { LoadStatus, MemberStatus, PeerStatus } from './api.ts'
import type { World } from './world.ts'

/** What the world beneath does not know of itself. */
export interface Standing {
  readonly kind: PeerStatus['kind']
  readonly r: number
  readonly w: number
  readonly pendingWrites: number
  readonly hints: number
  readonly gate: PeerStatus['gate']
  readonly activity: PeerStatus['activity']
  readonly storage: PeerStatus['storage']
  readonly warnings: readonly string[]
  readonly load?: LoadStatus
}

export function statusOf(world: World, { kind, r, w, ...standing }: Standing): PeerStatus {
  const view = world.view()
  const links = world.transport.links()
  const members = view.members.map(({ record }) => memberStatus(world, view, record.peer))
  const answering = members.filter(({ id, state }) => {
    return state === 'self' || (state === 'up' && links.some(({ peer }) => peer === id))
  })
  const reach = answering.length === 0 ? 'none' : answering.length < members.length ? 'some' : 'all'
  return {
    id: world.self,
    kind,
    ring: { name: view.identity.name, n: view.identity.n, r, w },
    reach: standing.gate === 'closed' ? 'none' : reach,
    members,
    links: links.map(({ peer, roundTripMs }) => ({ peer, roundTripMs })),
    ...standing,
  }
}

function memberStatus(world: World, view: View, peer: PeerId): MemberStatus {
  const { record } = view.byPeer.get(peer)!
  const state = peer === world.self ? 'self' : world.links.isSuspect(peer) ? 'suspect' : 'up'
  return {
    id: peer,
    state,
    class: record.class,
    host: record.host,
    zone: record.zone,
    weight: record.weight,
    addresses: record.addresses,
    share: view.ring.shareOf(peer),
    readiness: record.readiness,
  }
}
