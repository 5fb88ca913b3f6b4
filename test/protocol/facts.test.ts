/** The table of what members have said about the ring's changes. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { identityFromSeed } from '../../src/data/identity.ts'
import { toHex } from '../../src/data/bytes.ts'
import { changingRules } from '../../src/protocol/changing-rules.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import {
  type Facts,
  heard,
  isRemoved,
  mergedFacts,
  noFacts,
  type Settled,
  type Statements,
  statementsCodec,
  statementsOf,
} from '../../src/protocol/facts.ts'
import { limits } from '../../src/protocol/limits.ts'
import { altered, makeRoster, type Roster, type Seat } from '../../src/protocol/seats.ts'
import { situationOf } from '../../src/protocol/situation.ts'
import {
  changeId,
  changeKind,
  courseKind,
  isSignedBy,
  orderKind,
  removalKind,
  sign,
  type Signed,
  signedCodec,
  stepKind,
  type Vote,
} from '../../src/protocol/statement.ts'
import { courseFor, oneRing, recordFor, seatFor, signedBySomebody, unsigned } from './statements.ts'

const identities = [1, 2, 3, 4, 5].map((n) => identityFromSeed(new Uint8Array(32).fill(n)))
const peers = identities.map(({ peer }) => peer)
const aPeer = fc.constantFrom(...peers)
const aNumber = fc.integer({ min: 1, max: limits.steps + 4 })
const aSalt = fc.constantFrom('a', 'b')
const aSeat = fc.record({ peer: aPeer, join: fc.nat(2), weight: fc.integer({ min: 1, max: 2 }) })
const aRoster = (number: number): fc.Arbitrary<Roster> =>
  fc.uniqueArray(aSeat, { minLength: 1, maxLength: 4, selector: ({ peer }) => peer }).map((seats) =>
    makeRoster(
      number,
      seats.map((s): Seat => seatFor(s.peer, s.join, s.weight)),
    ),
  )

const aSettled: fc.Arbitrary<Settled> = fc
  .tuple(aNumber, aPeer, aSalt)
  .chain(([number, by, salt]) =>
    aRoster(number).map((roster) => {
      const said = { by, change: 'x', base: 'y', number, alterations: [], roster: roster.id }
      return { roster, step: signedBySomebody(stepKind, said, salt) }
    }),
  )
const aVote: fc.Arbitrary<Vote> = fc.record({
  change: fc.constantFrom('x', 'y'),
  joint: fc.boolean(),
  ballot: fc.constantFrom('open', 'confirmed', 'rejected', 'abstained'),
  filled: fc.constant(undefined),
})
const aCourse = fc
  .tuple(aPeer, fc.nat(2), fc.nat(3), fc.constantFrom('up', 'joining'), fc.array(aVote), aSalt)
  .map(([peer, join, version, status, votes, salt]) =>
    signedBySomebody(courseKind, { peer, join, version, status, stands: 0, votes }, salt),
  )
const aDeparture = fc.record({
  by: aPeer,
  peer: aPeer,
  join: fc.nat(2),
  why: fc.constantFrom('left', 'evicted'),
})
const aChange = fc
  .tuple(aPeer, aNumber, fc.nat(2))
  .map(([author, number, attempt]) =>
    unsigned(changeKind, { author, base: 'z', number, attempt, alterations: [] }),
  )
const someStatements: fc.Arbitrary<Statements> = fc.record({
  settled: fc.option(aSettled, { nil: undefined }),
  steps: fc.array(
    aSettled.map(({ step }) => step),
    { maxLength: 3 },
  ),
  courses: fc.array(aCourse, { maxLength: 4 }),
  removals: fc.array(
    aDeparture.map((said) => unsigned(removalKind, said)),
    { maxLength: 3 },
  ),
  orders: fc.array(
    aDeparture.map((said) => unsigned(orderKind, said)),
    { maxLength: 3 },
  ),
  changes: fc.array(aChange, { maxLength: 3 }),
})
const someFacts = someStatements.map((said) => heard(noFacts, said))

/** A table as text, whatever order it was made in. */
function shown({ settled, ...maps }: Facts): string {
  const names = (map: ReadonlyMap<unknown, Signed<unknown>>): string[] =>
    [...map]
      .map(([key, each]) => `${String(key)} ${toHex(each.signed)} ${toHex(each.signature)}`)
      .sort()
  const parts = Object.values(maps).map((map) =>
    names(map as ReadonlyMap<unknown, Signed<unknown>>),
  )
  return JSON.stringify([settled && toHex(settled.step.signed), settled?.roster.id, parts])
}

describe('the table of facts', () => {
  it('merges commutatively, associatively and idempotently', () => {
    fc.assert(
      fc.property(someFacts, someFacts, someFacts, (a, b, c) => {
        expect(shown(mergedFacts(a, b))).toBe(shown(mergedFacts(b, a)))
        expect(shown(mergedFacts(mergedFacts(a, b), c))).toBe(
          shown(mergedFacts(a, mergedFacts(b, c))),
        )
        expect(mergedFacts(a, a)).toBe(a)
        const both = mergedFacts(a, b)
        expect(mergedFacts(both, b)).toBe(both)
      }),
      { numRuns: 300 },
    )
  })

  it('is the same in whatever order and portions its statements arrive', () => {
    fc.assert(
      fc.property(
        fc.array(someStatements, { maxLength: 4 }),
        fc.infiniteStream(fc.nat()),
        (all, chance) => {
          const whole = all.reduce(heard, noFacts)
          const singles = all.flatMap(oneByOne)
          const order = singles
            .map((each) => ({ each, at: chance.next().value as number }))
            .sort((a, b) => a.at - b.at)
            .map(({ each }) => each)
          expect(shown(order.reduce(heard, noFacts))).toBe(shown(whole))
        },
      ),
      { numRuns: 200 },
    )
  })

  it('travels whole', () => {
    fc.assert(
      fc.property(someFacts, (facts) => {
        const read = decode(statementsCodec, encode(statementsCodec, statementsOf(facts)))
        expect(shown(heard(noFacts, read))).toBe(shown(facts))
      }),
      { numRuns: 100 },
    )
  })

  it('lets no removed member circle back, and takes one that joins anew', () => {
    const [peer, by] = [peers[0]!, peers[1]!]
    const removal = unsigned(removalKind, { by, peer, join: 1, why: 'evicted' })
    const facts = heard(noFacts, { removals: [removal] })
    expect(isRemoved(facts, peer, 1)).toBe(true)
    expect(heard(facts, { courses: [courseFor(peer, 99, [], { join: 1 })] })).toBe(facts)
    const back = heard(facts, { courses: [courseFor(peer, 1, [], { join: 2 })] })
    expect(back.courses.get(peer)?.said.join).toBe(2)
    expect(isRemoved(back, peer, 2)).toBe(false)
  })

  it('opens no change again whose roster has passed', () => {
    const author = peers[0]!
    const change = unsigned(changeKind, {
      author,
      base: 'z',
      number: 2,
      attempt: 1,
      alterations: [],
    })
    const roster = makeRoster(2, [seatFor(author)])
    const said = {
      by: author,
      change: 'x',
      base: 'z',
      number: 2,
      alterations: [],
      roster: roster.id,
    }
    const settled = { roster, step: unsigned(stepKind, said) }
    const open = heard(noFacts, { changes: [change] })
    expect(open.changes.has(changeId(change))).toBe(true)
    const over = heard(open, { settled })
    expect(over.changes.size).toBe(0)
    expect(heard(over, { changes: [change] })).toBe(over)
  })

  it('holds no more than its limits', () => {
    const author = peers[0]!
    const changes = Array.from({ length: limits.changes + 9 }, (_, attempt) =>
      unsigned(changeKind, { author, base: 'z', number: 1, attempt, alterations: [] }),
    )
    expect(heard(noFacts, { changes }).changes.size).toBe(limits.changes)
  })
})

describe('what the table means', () => {
  it('is the same for all who heard the same', () => {
    const base = makeRoster(
      1,
      peers.slice(0, 3).map((peer) => seatFor(peer)),
    )
    const said = {
      by: peers[0]!,
      change: 'x',
      base: '',
      number: 1,
      alterations: [],
      roster: base.id,
    }
    const settled = { roster: base, step: unsigned(stepKind, said) }
    const changes = peers.slice(3).map((author) => {
      const alterations = [{ before: undefined, after: seatFor(author) }]
      return unsigned(changeKind, { author, base: base.id, number: 2, attempt: 1, alterations })
    })
    const ids = changes.map(changeId)
    const someVotes = fc.array(
      fc.record({
        change: fc.constantFrom(...ids),
        joint: fc.boolean(),
        ballot: fc.constantFrom('open' as const, 'confirmed' as const, 'rejected' as const),
        filled: fc.constant(undefined),
      }),
      { maxLength: 2 },
    )
    const someCourses = fc.array(
      fc
        .tuple(aPeer, fc.nat(4), someVotes)
        .map(([peer, version, votes]) => courseFor(peer, version, votes)),
      { maxLength: 8 },
    )
    const records = new Map(peers.map((peer) => [peer, recordFor(peer)]))
    const meaning = (facts: Facts): string => {
      const { roster, ring, changes: open } = situationOf(changingRules, oneRing, records, facts)
      const all = open.map((each) => [each.id, each.fate, each.ring.ownersOf(0), [...each.toFill]])
      return JSON.stringify([roster, ring.ownersOf(0), all])
    }
    fc.assert(
      fc.property(
        someCourses,
        fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
        (courses, order) => {
          const parts: Statements[] = [{ settled }, { changes }, { courses }]
          const one = parts.reduce(heard, noFacts)
          const other = order.map((at) => parts[at]!).reduce(heard, noFacts)
          expect(meaning(other)).toBe(meaning(one))
          const fates = situationOf(changingRules, oneRing, records, one).changes.map(
            ({ fate }) => fate,
          )
          expect(fates).toHaveLength(2)
        },
      ),
      { numRuns: 200 },
    )
  })

  it('names a roster by its number and seats, and undoes what led to it', () => {
    const before = makeRoster(
      4,
      peers.slice(0, 3).map((peer) => seatFor(peer)),
    )
    const alterations = [
      { before: seatFor(peers[0]!), after: undefined },
      { before: undefined, after: seatFor(peers[4]!, 1) },
      { before: seatFor(peers[1]!), after: seatFor(peers[1]!, 0, 7) },
    ]
    const after = altered(before, alterations)!
    expect(after.number).toBe(5)
    expect(after.seats).toHaveLength(3)
    expect(altered(after, alterations)).toBeUndefined()
    expect(makeRoster(5, before.seats).id).not.toBe(before.id)
  })
})

describe('a statement', () => {
  const [one, two] = [identities[0]!, identities[1]!]
  const course = courseFor(one.peer, 3).said

  it('is believed of its speaker, for its ring and as what it is', () => {
    const signed = sign(one, oneRing, courseKind, course)
    expect(isSignedBy(oneRing, courseKind, signed)).toBe(true)
    expect(isSignedBy({ ...oneRing, q: 2 }, courseKind, signed)).toBe(false)
    expect(isSignedBy(oneRing, courseKind, sign(two, oneRing, courseKind, course))).toBe(false)
    const departure = { by: one.peer, peer: two.peer, join: 0, why: 'left' as const }
    const order = sign(one, oneRing, orderKind, departure)
    expect(isSignedBy(oneRing, orderKind, order)).toBe(true)
    expect(isSignedBy(oneRing, removalKind, order)).toBe(false)
  })

  it('keeps what a later version adds to it', () => {
    const { signed } = sign(one, oneRing, courseKind, course)
    const longer = {
      said: course,
      signed: Uint8Array.of(...signed, 1, 2, 3),
      signature: new Uint8Array(64),
    }
    const codec = signedCodec(courseKind)
    const read = decode(codec, encode(codec, longer))
    expect(read.said).toEqual(course)
    expect(read.signed).toEqual(longer.signed)
  })
})

function oneByOne(said: Statements): Statements[] {
  const each = (part: Exclude<keyof Statements, 'settled'>): Statements[] =>
    (said[part] ?? []).map((one) => ({ [part]: [one] }))
  const parts = (['steps', 'courses', 'removals', 'orders', 'changes'] as const).flatMap(each)
  return said.settled === undefined ? parts : [...parts, { settled: said.settled }]
}
