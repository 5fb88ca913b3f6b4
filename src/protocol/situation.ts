/**
 * What a table of facts means: which roster stands, which changes of it are open, and what has become of them.
 *
 * All of it is a function of the table alone, so that any two peers who have heard the same think the same, in whatever
 * order they heard it. A change counts only while the roster that it starts from stands; then the votes in its owners'
 * courses decide.
 */
import type { Ring } from '../data/ring.ts'
import { type ChangingRules, type Fate } from './changing-rules.ts'
import { type Facts, isRemoved } from './facts.ts'
import {
  type Alteration,
  altered,
  foundingRoster,
  ringOfRoster,
  type Roster,
  type Seat,
  seatOf,
} from './seats.ts'
import type { Change, ChangeId, Course, Signed, Vote } from './statement.ts'
import type { MemberRecord, PeerId, RingIdentity } from './view.ts'

export interface Situation {
  readonly identity: RingIdentity
  readonly facts: Facts
  readonly records: ReadonlyMap<PeerId, MemberRecord>
  readonly roster: Roster
  readonly ring: Ring
  /** Those that start from the roster, in the order in which they are preferred. */
  readonly changes: readonly OpenChange[]
}

export interface OpenChange {
  readonly id: ChangeId
  readonly change: Change
  /** Where it would lead. */
  readonly roster: Roster
  readonly ring: Ring
  /** Who must hold more, or make sure that it does, before the change is completed. */
  readonly toFill: ReadonlySet<PeerId>
  readonly fate: Fate
}

/** `foundingRing` is that of all records, where it has been made already. */
export function situationOf(
  rules: ChangingRules,
  identity: RingIdentity,
  records: ReadonlyMap<PeerId, MemberRecord>,
  facts: Facts,
  foundingRing?: Ring,
): Situation {
  const roster = facts.settled?.roster ?? founding(records)
  const foundedBy = facts.settled === undefined ? foundingRing : undefined
  const base = {
    identity,
    facts,
    records,
    roster,
    ring: foundedBy ?? ringOfRoster(identity, roster),
  }
  const changes = [...facts.changes]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([id, change]) => openChange(rules, base, id, change) ?? [])
  return { ...base, changes }
}

type Base = Omit<Situation, 'changes'>

export function voteOf(course: Course | undefined, change: ChangeId): Vote | undefined {
  return course?.votes.find((vote) => vote.change === change)
}

/** The change by whose ring as well as by the present one this peer writes and reads. */
export function jointChange(
  rules: ChangingRules,
  { facts, changes }: Pick<Situation, 'facts' | 'changes'>,
  peer: PeerId,
): OpenChange | undefined {
  const course = facts.courses.get(peer)?.said
  return changes.find(({ id, fate }) => {
    const vote = voteOf(course, id)
    return vote?.joint === true && !rules.isReleased(fate, vote.ballot)
  })
}

/** Whether everybody who must has said that it holds all of it. */
export function isAllFilled(
  rules: ChangingRules,
  situation: Pick<Situation, 'facts' | 'records'>,
  change: OpenChange,
): boolean {
  return lackingIn(rules, situation, change).length === 0
}

/** Those who must hold more before the change is completed, and have not said that they do. */
export function lackingIn(
  rules: ChangingRules,
  { facts, records }: Pick<Situation, 'facts' | 'records'>,
  { id, toFill }: OpenChange,
): readonly PeerId[] {
  return [...toFill].filter((peer) => {
    const record = records.get(peer)
    const filled = voteOf(facts.courses.get(peer)?.said, id)?.filled
    return record?.readiness !== 'ready' || !rules.isFilled(filled, record.generation)
  })
}

/** Whether the member that sits there is to go. */
export function isToGo({ orders }: Facts, seat: Seat | undefined): boolean {
  return seat !== undefined && (orders.get(seat.peer)?.said.join ?? -1) >= seat.join
}

function openChange(
  rules: ChangingRules,
  base: Base,
  id: ChangeId,
  signed: Signed<Change>,
): OpenChange | undefined {
  const { said: change } = signed
  const { identity, facts, roster } = base
  if (change.base !== roster.id || !isSound(facts, roster, change)) return undefined
  const next = nextRoster(roster, signed)
  if (next === undefined || next.number !== change.number || next.seats.length === 0) {
    return undefined
  }
  const ring = change.alterations.length === 0 ? base.ring : ringOfRoster(identity, next)
  const toFill = toFillOf(rules, base.ring, ring)
  return { id, change, roster: next, ring, toFill, fate: fateOf(rules, base, id) }
}

/** Who may propose it: a seat is its holder's own to take and to give up, unless there is an order. */
function isSound(facts: Facts, roster: Roster, { author, alterations }: Change): boolean {
  if (alterations.length === 0) return seatOf(roster, author) !== undefined
  const areOrdered = alterations.every((each) => isOrdered(facts, each))
  if (areOrdered && seatOf(roster, author) !== undefined) return true
  const [one] = alterations
  return alterations.length === 1 && isOwn(facts, author, one!)
}

function isOrdered(facts: Facts, { before, after }: Alteration): boolean {
  return after === undefined && isToGo(facts, before)
}

function isOwn(facts: Facts, author: PeerId, { before, after }: Alteration): boolean {
  if (after === undefined) return before?.peer === author
  return after.peer === author && !isRemoved(facts, author, after.join)
}

/** Who votes is an owner now; what a partition's owners confirm or reject must be so of every one, or of one. */
function fateOf(rules: ChangingRules, { identity, facts, ring }: Base, id: ChangeId): Fate {
  const ballots = new Map(
    [...facts.courses].map(([peer, { said }]) => [peer, voteOf(said, id)?.ballot]),
  )
  let isConfirmed = ring.members.length > 0
  for (let partition = 0; partition < identity.q; partition++) {
    const owners = ring.ownersOf(partition)
    const count = { confirmed: 0, rejected: 0 }
    for (const owner of owners) {
      const ballot = ballots.get(owner)
      if (ballot === 'confirmed' || ballot === 'rejected') count[ballot]++
    }
    if (count.rejected >= rules.rejectsNeeded(identity.n, owners.length)) return 'withdrawn'
    if (count.confirmed < rules.confirmsNeeded(identity.n, owners.length)) isConfirmed = false
  }
  return isConfirmed ? 'completed' : 'open'
}

const toFillBy = new WeakMap<Ring, WeakMap<Ring, ReadonlySet<PeerId>>>()

function toFillOf(rules: ChangingRules, before: Ring, after: Ring): ReadonlySet<PeerId> {
  const known = toFillBy.get(before) ?? new WeakMap<Ring, ReadonlySet<PeerId>>()
  toFillBy.set(before, known)
  let peers = known.get(after)
  if (peers === undefined) {
    const found = new Set<PeerId>()
    for (let partition = 0; before !== after && partition < after.shape.q; partition++) {
      const filled = rules.fills(before.ownersOf(partition), after.ownersOf(partition))
      for (const peer of filled) found.add(peer)
    }
    peers = found
    known.set(after, peers)
  }
  return peers
}

const nextRosters = new WeakMap<Signed<Change>, Roster>()

/** Worked out once, so that its ring is made once. */
function nextRoster(roster: Roster, change: Signed<Change>): Roster | undefined {
  const known = nextRosters.get(change)
  if (known !== undefined) return known
  const next = altered(roster, change.said.alterations)
  if (next !== undefined) nextRosters.set(change, next)
  return next
}

const foundings = new Map<string, Roster>()
/** Of a ring that is being founded the members come one by one. */
const foundingsKept = 8

function founding(records: ReadonlyMap<PeerId, MemberRecord>): Roster {
  const roster = foundingRoster(records.values())
  const known = foundings.get(roster.id)
  if (known !== undefined) return known
  if (foundings.size >= foundingsKept) foundings.clear()
  foundings.set(roster.id, roster)
  return roster
}
