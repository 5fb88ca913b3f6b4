/** How a ring changes: who votes what, what becomes of it, and that no strict read misses a write on the way. */
import { describe, expect, it, test } from 'vitest'
import { changingRules as rules } from '../../src/protocol/changing-rules.ts'
import { believed } from '../../src/protocol/believed.ts'
import { type Facts, heard, noFacts, type Statements } from '../../src/protocol/facts.ts'
import { ownerLists, ownersDigest } from '../../src/protocol/lists.ts'
import { rules as allRules } from '../../src/protocol/rules.ts'
import { type Alteration, makeRoster, ringOfRoster, type Roster } from '../../src/protocol/seats.ts'
import { isAllFilled, type Situation, situationOf } from '../../src/protocol/situation.ts'
import {
  type Change,
  changeId,
  changeKind,
  orderKind,
  removalKind,
  type Signed,
  stepKind,
  type Vote,
} from '../../src/protocol/statement.ts'
import type { MemberRecord } from '../../src/protocol/view.ts'
import {
  evictionDue,
  type Judgement,
  removalsDue,
  stepDue,
  votesOf,
} from '../../src/protocol/voting.ts'
import { Model, type Omissions } from './changing-model.ts'
import { courseFor, oneRing, recordFor, seatFor, unsigned } from './statements.ts'

const founders = ['a', 'b', 'c']
const everybody = ['a', 'b', 'c', 'd', 'e']
const records = new Map(everybody.map((peer) => [peer, recordFor(peer)]))
const first = makeRoster(
  1,
  founders.map((peer) => seatFor(peer)),
)
const start = heard(noFacts, { settled: settledBy('a', first) })

const calm: Judgement = {
  mayVote: true,
  mayHaveVoted: () => false,
  filled: () => undefined,
  isAbsent: () => false,
  withdraws: () => false,
}

function settledBy(by: string, roster: Roster): NonNullable<Statements['settled']> {
  const { number, id } = roster
  const said = { by, change: '', base: '', number, alterations: [], roster: id }
  return { roster, step: unsigned(stepKind, said) }
}

function propose(author: string, ...alterations: Alteration[]): Signed<Change> {
  const change = { author, base: first.id, number: 2, attempt: 1, alterations }
  return unsigned(changeKind, change)
}

function joins(peer: string): Alteration {
  return { before: undefined, after: seatFor(peer) }
}

function leaves(peer: string): Alteration {
  return { before: seatFor(peer), after: undefined }
}

function situation(facts: Facts, known: ReadonlyMap<string, MemberRecord> = records): Situation {
  return situationOf(rules, { ...oneRing, q: 16 }, known, facts)
}

/** These members vote so on a change, and say nothing else. */
function voting(facts: Facts, change: Signed<Change>, votes: Record<string, Partial<Vote>>): Facts {
  const courses = Object.entries(votes).map(([peer, vote]) => {
    const whole: Vote = {
      change: changeId(change),
      joint: true,
      ballot: 'open',
      filled: undefined,
      ...vote,
    }
    return courseFor(peer, (facts.courses.get(peer)?.said.version ?? 0) + 1, [whole])
  })
  return heard(facts, { courses })
}

describe('a change of the ring', () => {
  const join = propose('d', joins('d'))
  const proposed = heard(start, { changes: [join] })
  const [openOne] = situation(proposed).changes

  it('leads to the roster that it names, and says who is to be filled', () => {
    expect(openOne).toMatchObject({ id: changeId(join), fate: 'open' })
    expect(openOne!.roster.seats.map(({ peer }) => peer)).toEqual(['a', 'b', 'c', 'd'])
    expect([...openOne!.toFill]).toEqual(['d'])
  })

  it('has everybody fill up where a list gets shorter', () => {
    const leave = heard(start, { changes: [propose('c', leaves('c'))] })
    expect([...situation(leave).changes[0]!.toFill].sort()).toEqual(['a', 'b'])
  })

  it('counts only from the roster that stands', () => {
    const stranger = unsigned(changeKind, { ...join.said, base: 'another' })
    expect(situation(heard(start, { changes: [stranger] })).changes).toEqual([])
  })

  test.each<[string, Signed<Change>]>([
    ['takes a seat for another', propose('d', joins('e'))],
    ['takes the seat of another away', propose('a', leaves('b'))],
    ['takes two seats', propose('d', joins('d'), joins('e'))],
    [
      'begins with a seat that is not so',
      propose('a', { before: seatFor('a', 0, 9), after: undefined }),
    ],
    ['is by a stranger, of nothing', propose('e')],
    ['takes a seat for a joining that is over', propose('e', joins('e'))],
  ])('is none that %s', (_what, change) => {
    const removal = unsigned(removalKind, { by: 'a', peer: 'e', join: 0, why: 'evicted' })
    const facts = heard(start, { changes: [change], removals: [removal] })
    expect(situation(facts).changes).toEqual([])
  })

  it('takes out whoever was ordered to go, whoever proposes it', () => {
    const change = propose('a', leaves('b'))
    const order = unsigned(orderKind, { by: 'c', peer: 'b', join: 0, why: 'evicted' })
    expect(situation(heard(start, { changes: [change], orders: [order] })).changes).toHaveLength(1)
  })

  it('is completed by q owners who confirm it, and withdrawn when no q are left', () => {
    const fateAfter = (votes: Record<string, Partial<Vote>>): string =>
      situation(voting(proposed, join, votes)).changes[0]!.fate
    expect(fateAfter({ a: { ballot: 'confirmed' } })).toBe('open')
    expect(fateAfter({ a: { ballot: 'confirmed' }, c: { ballot: 'confirmed' } })).toBe('completed')
    expect(fateAfter({ a: { ballot: 'confirmed' }, c: { ballot: 'rejected' } })).toBe('open')
    expect(fateAfter({ a: { ballot: 'rejected' }, c: { ballot: 'rejected' } })).toBe('withdrawn')
    expect(fateAfter({ a: { ballot: 'abstained' }, c: { ballot: 'abstained' } })).toBe('open')
    // Who is no owner has no vote.
    expect(fateAfter({ a: { ballot: 'confirmed' }, d: { ballot: 'confirmed' } })).toBe('open')
  })
})

describe('a vote', () => {
  const other = propose('e', joins('e'))
  const join = propose('d', joins('d'))
  const [early, late] = [other, join].sort((x, y) => (changeId(x) < changeId(y) ? -1 : 1)) as [
    Signed<Change>,
    Signed<Change>,
  ]
  const vote = (facts: Facts, self: string, more: Partial<Judgement> = {}): Record<string, Vote> =>
    Object.fromEntries(
      votesOf(rules, situation(facts), self, { ...calm, ...more }).map((each) => [
        each.change,
        each,
      ]),
    )
  const of = (votes: Record<string, Vote>, change: Signed<Change>): Vote | undefined =>
    votes[changeId(change)]
  const both = heard(start, { changes: [early, late] })

  it('takes up one change and rejects the other, the same one everywhere', () => {
    for (const self of founders) {
      expect(of(vote(both, self), early)).toMatchObject({ joint: true })
      expect(of(vote(both, self), late)).toMatchObject({ joint: false, ballot: 'rejected' })
    }
  })

  it('gives up what it took up first, and goes on by both rings until that is decided', () => {
    const facts = voting(heard(start, { changes: [late] }), late, { a: {} })
    const votes = vote(heard(facts, { changes: [early] }), 'a')
    expect(of(votes, late)).toMatchObject({ joint: true, ballot: 'rejected' })
    expect(of(votes, early)).toBeUndefined()
    const decided = voting(facts, late, {
      a: { ballot: 'rejected' },
      b: { joint: false, ballot: 'rejected' },
    })
    const after = vote(heard(decided, { changes: [early] }), 'a')
    expect(of(after, late)).toMatchObject({ joint: false, ballot: 'rejected' })
    expect(of(after, early)).toMatchObject({ joint: true })
  })

  it('confirms when all that must have been filled, with the stores that they have', () => {
    const facts = voting(heard(start, { changes: [early] }), early, { a: {}, b: {} })
    const filled = [...situation(facts).changes[0]!.toFill]
    const by = (generation: (peer: string) => string): Facts =>
      voting(
        facts,
        early,
        Object.fromEntries(filled.map((peer) => [peer, { filled: generation(peer) }])),
      )
    const now = by((peer) => recordFor(peer).generation)
    expect(of(vote(now, 'a'), early)).toMatchObject({ ballot: 'confirmed' })
    if (filled.length > 0) {
      expect(of(vote(facts, 'a'), early)).toMatchObject({ ballot: 'open' })
      expect(
        of(
          vote(
            by(() => 'an earlier one'),
            'a',
          ),
          early,
        ),
      ).toMatchObject({ ballot: 'open' })
    }
  })

  it('stays what it was: what was confirmed is not rejected, and the other way round', () => {
    const confirmed = voting(heard(start, { changes: [late] }), late, {
      a: { ballot: 'confirmed' },
    })
    expect(of(vote(heard(confirmed, { changes: [early] }), 'a'), late)).toMatchObject({
      ballot: 'confirmed',
    })
    const rejected = voting(heard(start, { changes: [late] }), late, { a: { ballot: 'rejected' } })
    expect(of(vote(rejected, 'a'), late)).toMatchObject({ ballot: 'rejected' })
  })

  it('is none of who has lost its disk, and an abstention once it is whole again', () => {
    const one = heard(start, { changes: [early] })
    const isAbsent = (): boolean => true
    expect(of(vote(one, 'a', { isAbsent, mayVote: false }), early)).toBeUndefined()
    const whole = vote(one, 'a', { mayHaveVoted: () => true })
    expect(of(whole, early)).toMatchObject({ joint: true, ballot: 'abstained' })
  })

  it('follows an author who withdraws, and a durable member who rejects', () => {
    const one = heard(start, { changes: [join] })
    expect(of(vote(one, 'd', { withdraws: () => true }), join)).toMatchObject({
      ballot: 'rejected',
    })
    for (const by of ['d', 'b']) {
      const asked = voting(one, join, { [by]: { ballot: 'rejected' } })
      expect(of(vote(asked, 'a'), join)).toMatchObject({ joint: false, ballot: 'rejected' })
    }
  })

  it('gives up a joiner that is away', () => {
    const one = heard(start, { changes: [join] })
    const votes = vote(one, 'a', { isAbsent: (peer) => peer === 'd' })
    expect(of(votes, join)).toMatchObject({ ballot: 'rejected' })
  })

  it('gives up a change for which a member must hold more that is away, or is to go', () => {
    const members = ['a', 'b', 'c', 'e'].map((peer) => seatFor(peer))
    const roster = makeRoster(1, members)
    const settled = heard(noFacts, { settled: settledBy('a', roster) })
    const base = { author: 'a', base: roster.id, number: 2, attempt: 1 }
    const gone = unsigned(changeKind, { ...base, alterations: [leaves('a')] })
    const open = heard(settled, { changes: [gone] })
    expect(situation(open).changes[0]!.toFill.has('e')).toBe(true)
    expect(of(vote(open, 'b'), gone)).toMatchObject({ joint: true, ballot: 'open' })
    const away = vote(open, 'b', { isAbsent: (peer) => peer === 'e' })
    expect(of(away, gone)).toMatchObject({ ballot: 'rejected' })
    const order = unsigned(orderKind, { by: 'b', peer: 'e', join: 0, why: 'evicted' })
    const ordered = heard(open, { orders: [order] })
    expect(of(vote(ordered, 'b'), gone)).toMatchObject({ ballot: 'rejected' })
  })

  it('takes up nothing else once a change is completed', () => {
    const facts = voting(heard(start, { changes: [late] }), late, {
      a: { ballot: 'confirmed' },
      b: { ballot: 'confirmed' },
    })
    const votes = vote(heard(facts, { changes: [early] }), 'a')
    expect(of(votes, late)).toMatchObject({ joint: true })
    expect(of(votes, early)?.joint ?? false).toBe(false)
    const due = stepDue(situation(facts), 'a')
    expect(due?.step).toMatchObject({ by: 'a', change: changeId(late), number: 2, base: first.id })
  })
})

describe('a member that is ordered to go', () => {
  const order = unsigned(orderKind, { by: 'a', peer: 'b', join: 0, why: 'evicted' })
  const ordered = heard(start, { orders: [order] })

  it('is taken out by a change that a durable member proposes, while no other is open', () => {
    const change = evictionDue(situation(ordered), 'c', 7)
    expect(change).toMatchObject({
      author: 'c',
      attempt: 7,
      base: first.id,
      alterations: [leaves('b')],
    })
    expect(evictionDue(situation(ordered), 'd', 7)).toBeUndefined()
    const busy = heard(ordered, { changes: [unsigned(changeKind, change!)] })
    expect(evictionDue(situation(busy), 'c', 8)).toBeUndefined()
  })

  it('is removed once it has no seat, and its order is over then', () => {
    expect(removalsDue(situation(ordered), 'a')).toEqual([])
    const after = makeRoster(2, [seatFor('a'), seatFor('c')])
    const gone = heard(ordered, { settled: settledBy('a', after) })
    const [removal] = removalsDue(situation(gone), 'a')
    expect(removal).toEqual({ by: 'a', peer: 'b', join: 0, why: 'evicted' })
    const over = heard(gone, { removals: [unsigned(removalKind, removal!)] })
    expect(over.orders.size).toBe(0)
    expect(removalsDue(situation(over), 'a')).toEqual([])
  })
})

describe('whose word counts', () => {
  const next = makeRoster(2, [...first.seats, seatFor('d')])
  const step = (by: string): Statements['settled'] => {
    const said = {
      by,
      change: 'x',
      base: first.id,
      number: 2,
      alterations: [joins('d')],
      roster: next.id,
    }
    return { roster: next, step: unsigned(stepKind, said) }
  }

  it('of a roster that follows: who sits there', () => {
    for (const by of ['a', 'd']) {
      const settled = step(by)
      // Its own step may come with it alone.
      expect(believed(situation(start), { settled }).settled).toBe(settled)
    }
    const settled = step('e')
    expect(believed(situation(start), { settled, steps: [settled!.step] })).toMatchObject({
      settled: undefined,
      steps: [],
    })
  })

  it('of a roster further on: who sits in one that the steps between lead to', () => {
    const third = makeRoster(
      3,
      next.seats.filter(({ peer }) => peer !== 'a'),
    )
    const said = {
      by: 'd',
      change: 'y',
      base: next.id,
      number: 3,
      alterations: [leaves('a')],
      roster: third.id,
    }
    const settled = { roster: third, step: unsigned(stepKind, said) }
    const steps = [settled.step, step('b')!.step]
    expect(believed(situation(start), { settled, steps }).settled).toBe(settled)
    expect(believed(situation(start), { settled, steps: [settled.step] }).settled).toBeUndefined()
  })

  it('that somebody is to go: a durable member, or the operator where there is one', () => {
    const order = unsigned(orderKind, { by: 'a', peer: 'b', join: 0, why: 'evicted' as const })
    const stranger = unsigned(orderKind, { by: 'e', peer: 'b', join: 0, why: 'evicted' as const })
    const orders = [order, stranger]
    expect(believed(situation(start), { orders }).orders).toEqual([order])
    expect(believed(situation(start), { orders }, 'e').orders).toEqual([stranger])
    // Who comes in the place of another says so on its way.
    const courses = [courseFor('e', 1, [], { status: 'joining' })]
    expect(believed(situation(start), { orders, courses }).orders).toEqual(orders)
    expect(believed(situation(heard(start, { courses })), { orders }).orders).toEqual(orders)
    expect(believed(situation(start), { orders, courses }, 'a').orders).toEqual([order])
  })

  it('that somebody has gone: nobody, while it has a seat', () => {
    const removals = [unsigned(removalKind, { by: 'b', peer: 'b', join: 0, why: 'left' as const })]
    expect(believed(situation(start), { removals }).removals).toEqual([])
    const gone = heard(start, {
      settled: settledBy('a', makeRoster(2, [seatFor('a'), seatFor('c')])),
    })
    expect(believed(situation(gone), { removals }).removals).toEqual(removals)
  })
})

describe('an owner that was none for a while', () => {
  const ring = { ...oneRing, q: 64 }
  const sitting = everybody.map((peer) => seatFor(peer))
  const before = makeRoster(1, sitting)
  const meanwhile = makeRoster(2, [...sitting, seatFor('f')])
  const all = new Map([...everybody, 'f'].map((peer) => [peer, recordFor(peer)]))
  const alterations = [{ before: seatFor('f'), after: undefined }]
  const said = { author: 'f', base: meanwhile.id, number: 3, attempt: 1, alterations }
  const back = unsigned(changeKind, said)
  const facts = heard(noFacts, { settled: settledBy('a', meanwhile), changes: [back] })
  const now = situationOf(rules, ring, all, facts)
  const partitionsOf = (roster: Roster, peer: string): readonly number[] => {
    const { ownersOf } = ringOfRoster(ring, roster)
    const each = Array.from({ length: ring.q }, (_, partition) => partition)
    return each.filter((partition) => ownersOf(partition).includes(peer))
  }
  const returned = everybody.filter((peer) => {
    const skipped = partitionsOf(meanwhile, peer)
    return partitionsOf(before, peer).some((partition) => !skipped.includes(partition))
  })

  it('must hold anew what it is to own again, before that is so', () => {
    const [change] = now.changes
    expect(returned.length).toBeGreaterThan(2)
    for (const peer of returned) expect(change!.toFill).toContain(peer)
    const allBut = (away: string | undefined): boolean => {
      const filled = [...change!.toFill].filter((peer) => peer !== away)
      const votes = filled.map((peer) => [peer, { filled: recordFor(peer).generation }] as const)
      const voted = situationOf(rules, ring, all, voting(facts, back, Object.fromEntries(votes)))
      return isAllFilled(rules, voted, voted.changes[0]!)
    }
    // One that has been away since the roster before keeps the ring from going on without it.
    expect(returned.filter(allBut)).toEqual([])
    expect(allBut(undefined)).toBe(true)
  })
})

describe('the lists of a partition', () => {
  const ringOf = (facts: Facts): Situation => situation(facts)
  const [open] = ringOf(heard(start, { changes: [propose('c', leaves('c'))] })).changes
  const { ring } = ringOf(start)
  const digest = (next?: { change: string; ring: typeof ring }): string =>
    ownersDigest(
      ownerLists(0, ring, next),
      (peer) => records.get(peer)!,
      allRules.listsDigest,
    ).join()

  it('are those of the one ring while its owners stay, and name the change where they do not', () => {
    expect(ownerLists(0, ring, { change: 'x', ring }).next).toBeUndefined()
    expect(digest({ change: 'x', ring })).toBe(digest())
    const next = { change: open!.id, ring: open!.ring }
    expect(ownerLists(0, ring, next).next?.owners).toHaveLength(2)
    expect(new Set([digest(), digest(next), digest({ ...next, change: 'y' })]).size).toBe(3)
  })
})

describe('a model of one partition', () => {
  const stepsEach = 1200
  const violation = (omitted: Omissions, runs: number): string | undefined => {
    for (let seed = 1; seed <= runs; seed++) {
      const found = new Model(seed, omitted).run(stepsEach).violation
      if (found !== undefined) return found
    }
    return undefined
  }

  it('misses no acknowledged write, and decides each change one way', () => {
    const sum = { completed: 0, withdrawn: 0, puts: 0, gets: 0, losses: 0 }
    for (let seed = 1; seed <= 150; seed++) {
      const outcome = new Model(seed).run(stepsEach)
      expect(outcome.violation, `seed ${seed}`).toBeUndefined()
      for (const each of Object.keys(sum) as (keyof typeof sum)[]) sum[each] += outcome[each]
    }
    for (const count of Object.values(sum)) expect(count).toBeGreaterThan(100)
  })

  test.each<[string, Omissions]>([
    ['one owner is enough to complete a change', { rules: { confirmsNeeded: () => 1 } }],
    ['one owner is enough to withdraw it', { rules: { rejectsNeeded: () => 1 } }],
    ['it is completed before all are filled', { rules: { mayConfirm: () => true } }],
    ['a confirmation can be taken back', { rules: { mayReject: () => true } }],
    ['one owner is enough to fill another', { rules: { tellersNeeded: () => 1 } }],
    [
      'those who stay need not fill up where a list gets shorter',
      { rules: { fills: (now, next) => next.filter((peer) => !now.includes(peer)) } },
    ],
    ['answers count of those who see other lists', { countsAll: true }],
    ['who has not taken up the change may tell', { tellsEarly: true }],
    ['a put needs the owners of one ring only', { putsByOne: true }],
  ])('misses some if %s', (_clause, omitted) => {
    expect(violation(omitted, 400)).toBeDefined()
  })
})
