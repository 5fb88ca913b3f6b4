/**
 * What a peer missed that was away: the partitions that are its own now and were somebody else's meanwhile.
 *
 * What was acknowledged in that time was acknowledged without it, so it must ask for these anew. Completed changes can be
 * undone one after the other, from the roster that is settled back to the one that the peer stood on; where one of
 * them is not remembered any more nobody knows, and then it is all partitions.
 */
import type { RingIdentity } from './view.ts'
import { beforeOf, ringOfRoster, type Roster } from './seats.ts'
import type { Facts } from './facts.ts'
import type { PeerId } from './view.ts'

/** The rosters from the settled one back to that with this number; undefined where a step between is not known. */
export function rostersSince(facts: Facts, number: number): readonly Roster[] | undefined {
  const { settled, steps } = facts
  if (settled === undefined) return number === 0 ? [] : undefined
  const rosters = [settled.roster]
  for (let roster = settled.roster; roster.number > number;) {
    const step = roster === settled.roster ? settled.step.said : steps.get(roster.number)?.said
    if (step === undefined || step.roster !== roster.id) return undefined
    const before = beforeOf(roster, step.alterations)
    // The roster of the founding has a name that its seats alone do not give, if somebody came late.
    if (before === undefined || before.id !== step.base) return undefined
    rosters.push(before)
    roster = before
  }
  return rosters
}

/** The partitions that this peer owns by the settled roster, and did not own by all since the one that it stood on. */
export function skippedBy(
  identity: RingIdentity,
  facts: Facts,
  self: PeerId,
  stood: number,
): readonly number[] {
  if (facts.settled === undefined) return []
  const now = ringOfRoster(identity, facts.settled.roster)
  const between = rostersSince(facts, stood)?.map((roster) => ringOfRoster(identity, roster))
  return Array.from({ length: identity.q }, (_, partition) => partition).filter((partition) => {
    if (!now.ownersOf(partition).includes(self)) return false
    return between?.every((ring) => ring.ownersOf(partition).includes(self)) !== true
  })
}
