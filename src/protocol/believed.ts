/**
 * Whose word counts for what: which statements of a message a peer takes into its table.
 *
 * A good signature says only who speaks. Of itself everybody may speak. What has become of the ring is told by those who
 * have a seat in it, as this peer knows it or comes to know it step by step; that somebody must go, by the operator where
 * the ring has one, else by a durable member, or one that is on its way to be one.
 */
import { altered, type Roster, seatOf } from './seats.ts'
import type { Situation } from './situation.ts'
import type { Facts, Settled, Statements } from './facts.ts'
import type { Departure, Signed, Step } from './statement.ts'
import type { PeerId } from './view.ts'

/**
 * Of statements with good signatures those that are believed. Whoever knows of no roster yet believes the first that is told
 * by somebody who sits there: so one comes into a ring.
 */
export function believed(
  { facts, roster, records }: Situation,
  said: Statements,
  operator?: PeerId,
): Statements {
  const told = [...(said.steps ?? []), ...(said.settled ? [said.settled.step] : [])]
  const { last, steps } = followed(roster, told)
  const settled =
    said.settled && isNext(facts, [roster, last], said.settled) ? said.settled : undefined
  const now = settled !== undefined && settled.roster.number > last.number ? settled.roster : last
  const mayDismiss = ({ said: { by } }: Signed<Departure>): boolean =>
    operator === undefined ? isDurable([roster, now], by) || isComing(by) : by === operator
  // Who replaces another says so on its way.
  const isComing = (peer: PeerId): boolean => {
    const course =
      facts.courses.get(peer)?.said ?? said.courses?.find((each) => each.said.peer === peer)?.said
    return course?.status === 'joining' && records.get(peer)?.class === 'durable'
  }
  return {
    settled,
    // Those before a roster that is believed tell what was missed.
    steps: settled === undefined ? steps : (said.steps ?? []),
    courses: said.courses ?? [],
    // Whoever still sits there cannot have gone: that is told by a step.
    removals: (said.removals ?? []).filter((each) => {
      const { by, peer } = each.said
      return !sits(now, each.said) && (by === peer || mayDismiss(each))
    }),
    orders: (said.orders ?? []).filter(mayDismiss),
    changes: (said.changes ?? []).filter(({ said: { author, alterations } }) => {
      return (
        isSeated([roster, now], author) || alterations.every(({ after }) => after?.peer === author)
      )
    }),
  }
}

/** Whether it is what known steps lead to, or told by somebody who sits in what is known. */
function isNext(
  { settled: known }: Facts,
  rosters: readonly Roster[],
  { roster, step }: Settled,
): boolean {
  const believedIn = known === undefined ? [...rosters, roster] : rosters
  return rosters.some(({ id }) => id === roster.id) || isSeated(believedIn, step.said.by)
}

/** As far as each step begins where the one before ended, and is told by somebody of either side of it. */
function followed(
  from: Roster,
  steps: readonly Signed<Step>[],
): { last: Roster; steps: readonly Signed<Step>[] } {
  const taken: Signed<Step>[] = []
  let last = from
  for (const step of steps.toSorted((a, b) => a.said.number - b.said.number)) {
    const { by, base, alterations, roster } = step.said
    if (base !== last.id) continue
    const next = altered(last, alterations)
    if (next === undefined || next.id !== roster || !isSeated([last, next], by)) continue
    taken.push(step)
    last = next
  }
  return { last, steps: taken }
}

function sits(roster: Roster, { peer, join }: Departure): boolean {
  const seat = seatOf(roster, peer)
  return seat !== undefined && seat.join <= join
}

function isSeated(rosters: readonly Roster[], peer: PeerId): boolean {
  return rosters.some((roster) => seatOf(roster, peer) !== undefined)
}

function isDurable(rosters: readonly Roster[], peer: PeerId): boolean {
  return rosters.some((roster) => seatOf(roster, peer)?.class === 'durable')
}
