import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  compareDots,
  countLoose,
  covers,
  type Dot,
  highest,
  includes,
  makeEntry,
  nothingSeen,
  sameSeen,
  type Seen,
  trimLoose,
  union,
  withDot,
} from '../../src/data/vector.ts'
import { dotFrom, seenFrom, showDot, showSeen } from './seen-text.ts'

const actors = ['a', 'b', 'c']
const furthest = 7

const dot = fc.record({
  actor: fc.constantFrom(...actors),
  counter: fc.integer({ min: 1, max: furthest }),
})
const dots = fc.array(dot, { maxLength: 20 })
const everyDot: readonly Dot[] = actors.flatMap((actor) =>
  Array.from({ length: furthest + 2 }, (_, i) => ({ actor, counter: i + 1 })),
)

/** The true history that a vector stands for: the names of the writes, and nothing cleverer. */
type History = ReadonlySet<string>

function seenOf(some: readonly Dot[]): Seen {
  return some.reduce(withDot, nothingSeen)
}

function historyOf(some: readonly Dot[]): History {
  return new Set(some.map(showDot))
}

describe('what was seen', () => {
  test.each([
    ['', 'a1', 'a1'],
    ['', 'a2', 'a+2'],
    ['a1', 'a2', 'a2'],
    ['a+2', 'a1', 'a2'],
    ['a1+3', 'a2', 'a3'],
    ['a1+3+5', 'a2', 'a3+5'],
    ['a1+3+4+6', 'a2', 'a4+6'],
    ['a4', 'a2', 'a4'],
    ['a1+3', 'a3', 'a1+3'],
    ['a1', 'b2', 'a1 b+2'],
    ['b1', 'a1', 'a1 b1'],
  ])('%j with the dot %s is %j', (before, name, after) => {
    expect(showSeen(withDot(seenFrom(before), dotFrom(name)))).toBe(after)
  })

  test.each([
    ['', '', ''],
    ['a1', '', 'a1'],
    ['a1', 'a3', 'a3'],
    ['a1', 'b1', 'a1 b1'],
    ['a+2', 'a1', 'a2'],
    ['a+2', 'a+3', 'a+2+3'],
    ['a+2+4', 'a1+3', 'a4'],
    ['a2+5', 'a3+6', 'a3+5+6'],
    ['a2+4+6', 'a3', 'a4+6'],
    ['a1+3 b2', 'a2 b+4 c1', 'a3 b2+4 c1'],
  ])('%j and %j together are %j', (a, b, both) => {
    expect(showSeen(union(seenFrom(a), seenFrom(b)))).toBe(both)
    expect(showSeen(union(seenFrom(b), seenFrom(a)))).toBe(both)
  })

  test('covers exactly the dots it was made of', () => {
    fc.assert(
      fc.property(dots, (some) => {
        const seen = seenOf(some)
        const history = historyOf(some)
        for (const each of everyDot) expect(covers(seen, each)).toBe(history.has(showDot(each)))
      }),
    )
  })

  test('is written one way, whatever the order and number of its dots', () => {
    const shuffled = dots.chain((some) =>
      fc.tuple(
        fc.constant(some),
        fc.shuffledSubarray([...some, ...some], { minLength: some.length * 2 }),
      ),
    )
    fc.assert(
      fc.property(shuffled, ([some, again]) => {
        expect(showSeen(seenOf(again))).toBe(showSeen(seenOf(some)))
      }),
    )
  })

  test('has only canonical entries', () => {
    fc.assert(
      fc.property(dots, dots, (a, b) => {
        for (const { upTo, loose } of union(seenOf(a), seenOf(b)).values()) {
          expect(makeEntry(upTo, loose)).toEqual({ upTo, loose })
        }
      }),
    )
  })
})

describe('a union', () => {
  test('is the union of the histories', () => {
    fc.assert(
      fc.property(dots, dots, (a, b) => {
        expect(showSeen(union(seenOf(a), seenOf(b)))).toBe(showSeen(seenOf([...a, ...b])))
      }),
    )
  })

  test('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(dots, dots, dots, (some, others, more) => {
        const [a, b, c] = [seenOf(some), seenOf(others), seenOf(more)]
        expect(showSeen(union(a, b))).toBe(showSeen(union(b, a)))
        expect(showSeen(union(union(a, b), c))).toBe(showSeen(union(a, union(b, c))))
        expect(union(a, a)).toBe(a)
      }),
    )
  })

  test('is the left side itself exactly where the right side adds nothing', () => {
    fc.assert(
      fc.property(dots, dots, (some, others) => {
        const a = seenOf(some)
        const b = seenOf(others)
        const adds = others.some((each) => !historyOf(some).has(showDot(each)))
        expect(union(a, b) === a).toBe(!adds)
      }),
    )
  })

  test('changes neither of its sides', () => {
    fc.assert(
      fc.property(dots, dots, (some, others) => {
        const [a, b] = [seenOf(some), seenOf(others)]
        const before = [showSeen(a), showSeen(b)]
        union(a, b)
        expect([showSeen(a), showSeen(b)]).toEqual(before)
      }),
    )
  })
})

describe('comparing', () => {
  test('includes and sameSeen are those of the histories', () => {
    fc.assert(
      fc.property(dots, dots, (some, others) => {
        const [a, b] = [historyOf(some), historyOf(others)]
        const within = [...b].every((name) => a.has(name))
        expect(includes(seenOf(some), seenOf(others))).toBe(within)
        expect(sameSeen(seenOf(some), seenOf(others))).toBe(within && a.size === b.size)
      }),
    )
  })

  test('the highest counter is that of the history, and 0 where there is none', () => {
    fc.assert(
      fc.property(dots, (some) => {
        for (const actor of actors) {
          const counters = some.filter((each) => each.actor === actor).map((each) => each.counter)
          expect(highest(seenOf(some), actor)).toBe(Math.max(0, ...counters))
        }
      }),
    )
  })

  test('dots have one order, by actor and then by counter', () => {
    const names = ['a10', 'b1', 'a2', 'a1', 'b11', 'b2']
    const sorted = names.map(dotFrom).toSorted(compareDots)
    expect(sorted.map(showDot)).toEqual(['a1', 'a2', 'a10', 'b1', 'b2', 'b11'])
  })
})

describe('trimming loose dots', () => {
  test.each([
    ['a1+3+5 b+2', 3, 'a1+3+5 b+2'],
    ['a1+3+5 b+2', 2, 'a1+3+5'],
    ['a1+3+5 b+2', 1, 'a1+5'],
    ['a1+3+5 b+2', 0, 'a1'],
    ['a+4 b+4', 1, 'b+4'],
    ['a+4', 0, ''],
  ])('%j to %i keeps %j', (before, limit, after) => {
    expect(showSeen(trimLoose(seenFrom(before), limit))).toBe(after)
  })

  test('keeps the limit, claims nothing new, forgets no more than it must', () => {
    fc.assert(
      fc.property(dots, fc.nat(6), (some, limit) => {
        const seen = seenOf(some)
        const trimmed = trimLoose(seen, limit)
        expect(countLoose(trimmed)).toBe(Math.min(limit, countLoose(seen)))
        expect(includes(seen, trimmed)).toBe(true)
        for (const [actor, { upTo }] of seen) expect(trimmed.get(actor)?.upTo ?? 0).toBe(upTo)
      }),
    )
  })
})

describe('an entry from outside', () => {
  test.each([
    [0, [], 'empty'],
    [0, [1], 'a dot that is next in line'],
    [2, [3], 'a dot that is next in line'],
    [2, [2], 'a loose dot below the vector'],
    [2, [5, 5], 'a dot twice'],
    [2, [6, 4], 'dots out of order'],
  ])('of %i and %j is none: %s', (upTo, loose) => {
    expect(makeEntry(upTo, loose)).toBeUndefined()
  })
})
