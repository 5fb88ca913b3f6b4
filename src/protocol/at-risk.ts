/**
 * What would be left if a member went: whether an operator may take it out without saying twice that it is meant.
 *
 * A key is safe while all its owners but one are ready, since a disk may die at any time. Who leaves in peace hands all it owns
 * to the others first, so only the number of those that stay counts. Who is sent away hands over nothing, so what counts
 * are the owners that are ready at this moment.
 */
import type { MemberRecord, PeerId, View } from './view.ts'

/** Whether a ring without one of its seats still has N−1 owners for each key. */
export function mayShrink({ ring, identity }: View): boolean {
  return ring.members.length - 1 >= Math.max(1, identity.n - 1)
}

/**
 * How many of the member's partitions would have fewer than N−1 ready owners, or as many as there are other members, if that
 * were fewer. `isThere` says of each of the others whether it answers.
 */
export function atRiskWithout(
  { ring, identity, byPeer }: View,
  peer: PeerId,
  isThere: (peer: PeerId) => boolean,
): number {
  const isReady = (record: MemberRecord | undefined): boolean => record?.readiness === 'ready'
  const needed = Math.max(1, identity.n - 1)
  let atRisk = 0
  for (let partition = 0; partition < identity.q; partition++) {
    const owners = ring.ownersOf(partition)
    if (!owners.includes(peer)) continue
    const left = owners.filter((owner) => {
      return owner !== peer && isReady(byPeer.get(owner)?.record) && isThere(owner)
    })
    if (left.length < needed) atRisk++
  }
  return atRisk
}
