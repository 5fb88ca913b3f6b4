/** What `npm run bench -- ring` measures by, on divisions small enough to be worked out by hand; and its aims at a few sizes. */
import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/simulation/random.ts'
import { type Measured, missedBy } from '../bench/balance-report.ts'
import { type BalanceRow, measureBalance } from '../bench/balance.ts'
import {
  balanceOf,
  type Division,
  fetched,
  joinOf,
  leaveOf,
  lightestOf,
  loadsOf,
  movedIn,
} from '../bench/division.ts'
import {
  givenAway,
  stolen,
  strategies,
  tableDivision,
  tokenDivision,
  type Trial,
  walkedDivision,
} from '../bench/strategies.ts'
import { crowdedOf, layouts, measureLayout, measureWeights } from '../bench/uneven.ts'

const halves = (first: string, second: string): Division => ({
  ends: [0.5, 1],
  owners: [first.split(''), second.split('')],
})

describe('a division', () => {
  test('is as even as its mean load over its highest, those that own nothing included', () => {
    const division: Division = { ends: [0.25, 1], owners: [['a'], ['a', 'b']] }
    expect(Object.fromEntries(loadsOf(division))).toEqual({ a: 1, b: 0.75 })
    expect(balanceOf(division, 2)).toBe(0.875)
    expect(lightestOf(division, 2)).toBe(0.75 / 0.875)
    expect(balanceOf(division, 4)).toBe(0.4375)
    expect(lightestOf(division, 4)).toBe(0)
  })

  test('is fetched where an owner is new, whatever the cuts', () => {
    const cutEarlier: Division = { ends: [0.25, 1], owners: [['a'], ['b']] }
    expect(fetched(halves('a', 'b'), cutEarlier)).toBe(0.25)
    expect(fetched(cutEarlier, halves('a', 'b'))).toBe(0.25)
    expect(fetched(halves('ab', 'bc'), halves('ba', 'cb'))).toBe(0)
    expect(fetched(halves('ab', 'bc'), halves('bd', 'da'))).toBe(1.5)
  })

  test('need not move more for a newcomer than its even share, or than it owns', () => {
    const left = halves('', '')
    // c and a fetch a half each, where a third for c would have done.
    const wandering = { now: halves('a', 'b'), joined: halves('c', 'a'), left }
    expect(joinOf(wandering, 'c', 3, 1)).toEqual({ fetched: 1, least: 1 / 3 })
    const little: Division = { ends: [0.25, 1], owners: [['c'], ['b']] }
    const timid = { now: halves('a', 'b'), joined: little, left }
    expect(joinOf(timid, 'c', 3, 1)).toEqual({ fetched: 0.5, least: 0.25 })
  })

  test('need not move for a leaver whom nobody can replace', () => {
    const changes = { now: halves('ab', 'bc'), joined: halves('', ''), left: halves('ac', 'ac') }
    expect(leaveOf(changes, 'b', 3, 2)).toEqual({ fetched: 1, least: 2 / 3 })
    expect(leaveOf(changes, 'b', 2, 2).least).toBe(0)
    expect(movedIn([{ fetched: 0, least: 0 }])).toBeUndefined()
  })

  test('counts a move by what it moves, not by how far off it is', () => {
    const [large, small] = [
      { fetched: 1, least: 1 },
      { fetched: 0.5, least: 0.25 },
    ]
    expect(movedIn([large, small])).toBe(1.2)
  })
})

describe('the paper’s strategies', () => {
  const tokens = [0.125, 0.375, 0.5, 0.875].map((at, i) => ({ at, name: 'abac'[i]! }))
  const owners = (division: Division) => division.owners.map((list) => list.join('')).join(' ')

  test('1: a key belongs to the first N members clockwise, round the end too', () => {
    const division = tokenDivision(tokens, 2)
    expect(division.ends).toEqual([0.125, 0.375, 0.5, 0.875, 1])
    expect(owners(division)).toBe('ab ba ac ca ab')
    expect(Object.fromEntries(loadsOf(division))).toEqual({ a: 1, b: 0.5, c: 0.5 })
  })
  test('2: a part belongs to the first N members clockwise of its end', () => {
    expect(owners(walkedDivision(tokens, 2, 4))).toBe('ba ac ca ab')
  })
  test('3: a part belongs to whose token it is and the next ones', () => {
    expect(owners(tableDivision(['a', 'a', 'b', 'c'], 2))).toBe('ab ab bc ca')
    expect(owners(tableDivision(['a', 'b'], 3))).toBe('ab ba')
  })

  test.each([1, 2, 3])('3: tokens stay level when they are stolen and given away (%d)', (seed) => {
    const table = [...'abababab']
    const three = stolen(table, ['a', 'b'], 'c', seededRandom(seed))
    expect(three.toSorted().join('')).toBe('aaabbbcc')
    expect(three.filter((name, i) => name !== table[i])).toEqual(['c', 'c'])
    const two = givenAway(three, ['a', 'b'], 'c', seededRandom(seed))
    expect(two.toSorted().join('')).toBe('aaaabbbb')
    expect(two.filter((name, i) => name !== three[i])).toHaveLength(2)
  })

  const names = ['a', 'b', 'c', 'd', 'e']
  const random = seededRandom('a trial')
  const trial: Trial = { random, names, newcomer: 'f', leaver: 'a', q: 64, n: 3 }
  test.each(Object.entries(strategies))('%s has three owners for all of it', (_, divide) => {
    const { now, joined, left } = divide(trial)
    const members = [now, joined, left].map((division) => {
      expect(division.ends.at(-1)).toBe(1)
      expect(division.ends).toHaveLength(division.owners.length)
      for (const list of division.owners) expect(new Set(list).size).toBe(3)
      return [...loadsOf(division).keys()].toSorted().join('')
    })
    expect(members).toEqual(['abcde', 'abcdef', 'bcde'])
  })
  test('the tokens of all are as many as the parts, as near as can be', () => {
    // Thirteen of each of five, and the end.
    expect(strategies.strategy1(trial).now.ends).toHaveLength(66)
    expect(strategies.strategy2(trial).now.ends).toHaveLength(64)
  })
  test('a token that comes moves what its member then owns, and nothing else', () => {
    for (const divide of [strategies.strategy1, strategies.strategy2]) {
      const { now, joined, left } = divide(trial)
      expect(fetched(now, joined)).toBeCloseTo(loadsOf(joined).get('f')!, 9)
      expect(fetched(now, left)).toBeCloseTo(loadsOf(now).get('a')!, 9)
    }
  })
})

test('owners crowd where others could have been had, on a host or in a zone', () => {
  const at = (host: string, zone: string) => ({ host, zone })
  const [a, b, c, d] = [at('1', 'x'), at('2', 'x'), at('3', 'x'), at('4', 'y')]
  expect(crowdedOf([[a, b, d]], [a, b, c, d])).toBe(0)
  expect(crowdedOf([[a, b, c]], [a, b, c, d])).toBe(1)
  expect(crowdedOf([[a, b, c]], [a, b, c])).toBe(0)
  expect(
    crowdedOf(
      [
        [a, a, d],
        [a, b, d],
      ],
      [a, a, b, d],
    ),
  ).toBe(1)
  expect(crowdedOf([[a, a, d]], [a, a, d])).toBe(0)
})

describe('the aims', () => {
  const even = { join: 1, leave: 1 }
  const row = (some: Partial<BalanceRow>): BalanceRow => ({
    ...even,
    Q: 4096,
    S: 30,
    draws: 1,
    balance: 0.975,
    moved: 1.2,
    lowestBalance: 1,
    lightest: 1,
    most: 1,
    strategy1: { balance: 1, ...even },
    strategy2: { balance: 1, ...even },
    strategy3: { balance: 0.975, ...even },
    ...some,
  })
  const weighted = (off: number) => [
    { Q: 64, S: 9, weights: '1:2:4', draws: 1, shares: {}, off, memberOff: 1 },
  ]
  const laidOut = (crowded: number) => [{ Q: 64, S: 9, layout: 'odd', draws: 1, crowded }]
  const missed = (measured: Partial<Measured>) =>
    missedBy({ even: [], weighted: [], laidOut: [], ...measured }).map(({ aim }) => aim)

  test('are met at their edge', () => {
    expect(missed({ even: [row({})], weighted: weighted(0.03), laidOut: laidOut(0) })).toEqual([])
    const elsewhere = [row({ Q: 512, balance: 0.5 }), row({ S: 61, moved: 3 })]
    expect(missed({ even: elsewhere })).toEqual([])
  })
  test('are missed beyond it', () => {
    const low = { balance: 0.974, ...even }
    expect(missed({ even: [row({ balance: 0.974, strategy3: low })] })).toEqual(['balance'])
    expect(missed({ even: [row({ Q: 1024, balance: 0.974 })] })).toEqual(['strategy 3'])
    expect(missed({ even: [row({ S: 60, moved: 1.21 })] })).toEqual(['moved'])
    expect(missed({ weighted: weighted(0.031) })).toEqual(['weights'])
    expect(missed({ laidOut: laidOut(1) })).toEqual(['hosts and zones, odd'])
  })

  test.each([
    [1024, 10],
    [1024, 30],
    [4096, 5],
    [4096, 20],
  ])('are met with %d partitions and %d members', (q, s) => {
    const measured = measureBalance(q, s, 4)
    expect(missedBy({ even: [measured], weighted: [], laidOut: [] })).toEqual([])
    expect(measured.balance).toBeGreaterThanOrEqual(0.94)
    expect(measured.moved).toBeGreaterThanOrEqual(1)
  })
  test('at 4096 and 30 the ring is as even as the third strategy and evener than the first', () => {
    const { balance, moved, strategy1, strategy3 } = measureBalance(4096, 30, 8)
    expect(balance).toBeGreaterThanOrEqual(0.975)
    expect(balance).toBeGreaterThanOrEqual(strategy3.balance)
    expect(moved).toBeLessThanOrEqual(1.2)
    // What the paper's Figure 8 shows of the two.
    expect(strategy3.balance).toBeCloseTo(0.97, 2)
    expect(strategy1.balance).toBeGreaterThan(0.88)
    expect(strategy1.balance).toBeLessThan(0.94)
  })
  test('60 members with 4096 partitions are as even, and move little', () => {
    const measured = measureBalance(4096, 60, 2)
    expect(missedBy({ even: [measured], weighted: [], laidOut: [] })).toEqual([])
    expect(measured.lightest).toBeGreaterThanOrEqual(0.94)
  })
  test.each([
    [1024, 6],
    [1024, 10],
    [4096, 30],
  ])('weights of 1, 2 and 4 have their part (%d partitions, %d members)', (q, s) => {
    const { off, shares } = measureWeights(q, s, 2)
    expect(Object.keys(shares)).toEqual(['1', '2', '4'])
    expect(off).toBeLessThanOrEqual(0.03)
    expect(off).toBeGreaterThan(0)
  })
  test.each(Object.keys(layouts))('no owners crowd: %s', (layout) => {
    for (const s of [3, 5, 12, 30]) expect(measureLayout(256, s, layout, 2).crowded).toBe(0)
  })
})
