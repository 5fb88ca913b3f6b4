/**
 * What a member says next about the changes that are open, and what it does once one of them is decided.
 *
 * A joint change is one by whose two rings it writes and reads; there is one at a time. Others it rejects, those that come
 * later in an order that all share, so that of two changes from one roster it is the same one that everybody gives up. A
 * rejection by the author, or by a durable member, asks all others to reject as well who have not confirmed yet: so a
 * joiner withdraws that cannot get ready in time, and so others withdraw a joiner that is gone.
 */
import { type ChangingRules } from './changing-rules.ts'
import {
  isAllFilled,
  isToGo,
  jointChange,
  lackingIn,
  type OpenChange,
  type Situation,
  voteOf,
} from './situation.ts'
import { seatOf } from './seats.ts'
import type { Ballot, Change, ChangeId, Departure, Step, Vote } from './statement.ts'
import type { PeerId } from './view.ts'

/** What a peer knows of itself and of others, that no table says. */
export interface Judgement {
  /** It has lost nothing: then it knows how it has voted. */
  readonly mayVote: boolean
  /**
   * Whether it has lost a disk, and the change was open when it was whole again; until all others have said what they had
   * heard of its vote.
   */
  readonly mayHaveVoted: (change: ChangeId) => boolean
  /** The generation of its store, if that holds all that this change gives it. */
  readonly filled: (change: ChangeId) => string | undefined
  /** Whether an author of a change, or a member that must hold more first, has been away for so long that nobody waits for it. */
  readonly isAbsent: (peer: PeerId) => boolean
  /** Whether this peer takes back a change of its own: it cannot get ready in time. */
  readonly withdraws: (change: ChangeId) => boolean
}

/** This peer's votes as they should be now; those on changes that have passed are left out. */
export function votesOf(
  rules: ChangingRules,
  situation: Situation,
  self: PeerId,
  judgement: Judgement,
): readonly Vote[] {
  const { changes, facts } = situation
  const course = facts.courses.get(self)?.said
  const preferred = preferredOf(rules, situation, judgement)
  const joint = jointChange(rules, situation, self) ?? wanted(situation, preferred, self)
  return changes.flatMap((each) => {
    const before = voteOf(course, each.id)
    const isJoint = each === joint
    const isFirst = each === preferred[0]
    const ballot = ballotOn(rules, situation, self, judgement, each, isJoint, isFirst)
    const filled = isJoint ? judgement.filled(each.id) : undefined
    const vote: Vote = { change: each.id, joint: isJoint, ballot, filled }
    return before === undefined && !isJoint && ballot === 'open' ? [] : [vote]
  })
}

export function sameVotes(a: readonly Vote[], b: readonly Vote[]): boolean {
  return JSON.stringify(a.map(inOrder)) === JSON.stringify(b.map(inOrder))
}

/** The change that this peer would take up: the first that nobody has given up, if it is an owner in either ring. */
function wanted(
  situation: Situation,
  preferred: readonly OpenChange[],
  self: PeerId,
): OpenChange | undefined {
  const course = situation.facts.courses.get(self)?.said
  // What was completed is as good as settled.
  if (situation.changes.some(({ fate }) => fate === 'completed')) return undefined
  return preferred.find(({ id, roster }) => {
    const sits = seatOf(situation.roster, self) ?? seatOf(roster, self)
    return sits !== undefined && voteOf(course, id)?.ballot !== 'rejected'
  })
}

/**
 * Those that are not given up, first the one that should be completed. Where everything is filled there may be
 * confirmations already, and a rejection would leave nobody to decide: that one goes before all others.
 */
function preferredOf(
  rules: ChangingRules,
  situation: Situation,
  { isAbsent }: Judgement,
): readonly OpenChange[] {
  const open = situation.changes.filter((each) => {
    if (each.fate !== 'open' || isAskedToReject(situation, each)) return false
    return isAllFilled(rules, situation, each) || !isHopeless(rules, situation, each, isAbsent)
  })
  const [filled, others] = [true, false].map((wish) =>
    open.filter((each) => isAllFilled(rules, situation, each) === wish),
  )
  return [...filled!, ...others!]
}

/**
 * Whether nobody waits for a change: its author is away, or somebody is who must hold more first, or that one is to go itself.
 * Else a member that is dead holds up all other changes, its own dismissal among them.
 */
function isHopeless(
  rules: ChangingRules,
  situation: Situation,
  each: OpenChange,
  isAbsent: Judgement['isAbsent'],
): boolean {
  if (isAbsent(each.change.author)) return true
  return lackingIn(rules, situation, each).some((peer) => {
    return isAbsent(peer) || isToGo(situation.facts, seatOf(each.roster, peer))
  })
}

function ballotOn(
  rules: ChangingRules,
  situation: Situation,
  self: PeerId,
  judgement: Judgement,
  each: OpenChange,
  isJoint: boolean,
  isFirst: boolean,
): Ballot {
  const before = voteOf(situation.facts.courses.get(self)?.said, each.id)?.ballot
  const known = before === undefined || before === 'abstained' ? 'open' : before
  const ballot = known === 'open' && judgement.mayHaveVoted(each.id) ? 'abstained' : known
  if (each.fate !== 'open' || ballot === 'rejected' || ballot === 'abstained') return ballot
  const isAuthor = each.change.author === self
  const isOwner = seatOf(situation.roster, self) !== undefined
  // Of what it has lost it cannot know whether it was a vote.
  if (isOwner ? !judgement.mayVote : !isAuthor) return ballot
  if (!isFirst || judgement.withdraws(each.id)) return rules.mayReject(ballot) ? 'rejected' : ballot
  if (!isOwner || !isJoint) return ballot
  return rules.mayConfirm(isAllFilled(rules, situation, each)) ? 'confirmed' : ballot
}

/** Whether its author, or a durable member, has rejected it. */
function isAskedToReject({ facts, roster }: Situation, { id, change }: OpenChange): boolean {
  return [...facts.courses].some(([peer, { said }]) => {
    if (voteOf(said, id)?.ballot !== 'rejected') return false
    return peer === change.author || seatOf(roster, peer)?.class === 'durable'
  })
}

/** The step that a member who sees a change completed tells everybody. */
export function stepDue(
  { changes }: Situation,
  by: PeerId,
): { step: Step; change: OpenChange } | undefined {
  const change = changes.find(({ fate }) => fate === 'completed')
  if (change === undefined) return undefined
  const { base, number, alterations } = change.change
  const step = { by, change: change.id, base, number, alterations, roster: change.roster.id }
  return { step, change }
}

/** Of those who were ordered to go, who has: a durable member says so of each. */
export function removalsDue({ facts, roster }: Situation, by: PeerId): readonly Departure[] {
  if (seatOf(roster, by)?.class !== 'durable') return []
  return [...facts.orders.values()].flatMap(({ said: { peer, join } }) => {
    const seat = seatOf(roster, peer)
    const hasGone = seat === undefined || seat.join > join
    return hasGone ? [{ by, peer, join, why: 'evicted' as const }] : []
  })
}

/** The change that carries out all orders that stand; undefined where there is none, or another change is under way. */
export function evictionDue(
  { facts, roster, changes }: Situation,
  author: PeerId,
  attempt: number,
): Change | undefined {
  if (seatOf(roster, author)?.class !== 'durable') return undefined
  if (changes.some(({ fate }) => fate !== 'withdrawn')) return undefined
  const alterations = roster.seats
    .filter((seat) => isToGo(facts, seat))
    .map((seat) => ({ before: seat, after: undefined }))
  if (alterations.length === 0 || alterations.length === roster.seats.length) return undefined
  return { author, base: roster.id, number: roster.number + 1, attempt, alterations }
}

function inOrder({ change, joint, ballot, filled }: Vote): readonly unknown[] {
  return [change, joint, ballot, filled ?? null]
}
