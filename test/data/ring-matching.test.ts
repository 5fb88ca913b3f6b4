import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { capacitiesOf } from '../../src/data/capacity.ts'
import { type Contestant, matchOwners, type Round } from '../../src/data/matching.ts'
import { roundsOf } from '../../src/data/rounds.ts'
import { drawerOf, scoreOf } from '../../src/data/score.ts'

interface Case {
  readonly partitions: number
  readonly contestants: readonly Contestant[]
  readonly round: Round
}

/** A round with scarce capacity, shared hosts and crowded zones. */
const anyCase: fc.Arbitrary<Case> = fc
  .record({
    partitions: fc.constantFrom(1, 8, 32),
    upTo: fc.integer({ min: 1, max: 4 }),
    perZone: fc.integer({ min: 1, max: 4 }),
    distinctHosts: fc.boolean(),
    members: fc.array(
      fc.record({
        name: fc.nat(1e6),
        host: fc.nat(7),
        weight: fc.integer({ min: 1, max: 3 }),
        room: fc.nat(20),
      }),
      { minLength: 1, maxLength: 8 },
    ),
  })
  .map(({ partitions, upTo, perZone, distinctHosts, members }) => ({
    partitions,
    contestants: members.map(({ name, host, weight }, i) => ({
      drawer: drawerOf(`${i} ${name}`, weight),
      host: `${host}`,
      zone: `${host % 3}`,
    })),
    round: {
      eligible: [...members.keys()],
      upTo,
      rules: { distinctHosts, perZone },
      capacities: members.map(({ room }) => room),
    },
  }))

/** Negative when the partition prefers member `a` to `b`. */
const byPreference =
  ({ contestants }: Case, partition: number) =>
  (a: number, b: number) =>
    scoreOf(contestants[b]!.drawer, partition) - scoreOf(contestants[a]!.drawer, partition) || a - b

/** What a partition picks out of `members`, its favourites first. */
function pick(some: Case, partition: number, members: readonly number[]): number[] {
  const { upTo, rules } = some.round
  const picked: number[] = []
  for (const member of members.toSorted(byPreference(some, partition))) {
    const { host, zone } = some.contestants[member]!
    const others = picked.map((owner) => some.contestants[owner]!)
    if (picked.length === upTo) break
    if (rules.distinctHosts && others.some((other) => other.host === host)) continue
    if (others.filter((other) => other.zone === zone).length >= rules.perZone) continue
    picked.push(member)
  }
  return picked
}

/** Deferred acceptance to the letter: ask, be sent away, ask the next, until nobody is sent away any more. */
function askAround(some: Case): number[][] {
  const { contestants, partitions, round } = some
  const willing = Array.from({ length: partitions }, () => new Set(round.eligible))
  for (;;) {
    const asked = willing.map((members, partition) => pick(some, partition, [...members]))
    let sentAway = false
    for (const [member, { drawer }] of contestants.entries()) {
      const asking = [...asked.keys()].filter((partition) => asked[partition]!.includes(member))
      asking.sort((a, b) => scoreOf(drawer, b) - scoreOf(drawer, a) || a - b)
      for (const partition of asking.slice(round.capacities[member])) {
        willing[partition]!.delete(member)
        sentAway = true
      }
    }
    if (!sentAway) return asked
  }
}

describe('the matching', () => {
  test('is what deferred acceptance comes to', () => {
    fc.assert(
      fc.property(anyCase, (some) => {
        const { owners } = matchOwners(some.contestants, some.partitions, [some.round])
        expect(owners).toEqual(askAround(some))
      }),
      { numRuns: 500 },
    )
  })

  test('is stable: no partition and member would rather have each other', () => {
    fc.assert(
      fc.property(anyCase, (some) => {
        const { contestants, partitions, round } = some
        const { owners } = matchOwners(contestants, partitions, [round])
        for (const member of round.eligible) {
          const { drawer } = contestants[member]!
          const owned = [...owners.keys()].filter((partition) =>
            owners[partition]!.includes(member),
          )
          for (let partition = 0; partition < partitions; partition++) {
            if (owned.includes(partition)) continue
            const better = owned.filter(
              (other) => scoreOf(drawer, other) >= scoreOf(drawer, partition),
            )
            const memberIsContent = better.length >= round.capacities[member]!
            const offered = [...owners[partition]!, member]
            const partitionIsContent = !pick(some, partition, offered).includes(member)
            expect(memberIsContent || partitionIsContent).toBe(true)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test('respects the capacities, and counts what it gave', () => {
    fc.assert(
      fc.property(anyCase, (some) => {
        const { owners, loads } = matchOwners(some.contestants, some.partitions, [some.round])
        for (const [member, load] of loads.entries()) {
          expect(load).toBeLessThanOrEqual(some.round.capacities[member]!)
          expect(owners.filter((list) => list.includes(member))).toHaveLength(load)
        }
      }),
    )
  })

  test('is the same in small bands as in one', () => {
    fc.assert(
      fc.property(anyCase, fc.integer({ min: 4, max: 64 }), (some, bandPairs) => {
        const { contestants, partitions, round } = some
        const inBands = matchOwners(contestants, partitions, [round], bandPairs)
        expect(inBands).toEqual(matchOwners(contestants, partitions, [round]))
      }),
      { numRuns: 300 },
    )
  })

  test('a later round fills what is short and takes nothing back', () => {
    fc.assert(
      fc.property(anyCase, (some) => {
        const { contestants, partitions, round } = some
        const looser = { ...round, capacities: contestants.map(() => Infinity) }
        const first = matchOwners(contestants, partitions, [round]).owners
        const second = matchOwners(contestants, partitions, [round, looser]).owners
        for (const [partition, owners] of first.entries()) {
          expect(second[partition]).toEqual(expect.arrayContaining([...owners]))
          if (owners.length === round.upTo) expect(second[partition]).toEqual(owners)
        }
      }),
    )
  })
})

describe('capacities', () => {
  const sharer = (some: object = {}) => ({
    class: 'durable' as const,
    host: '',
    zone: '',
    weight: 1,
    ...some,
  })
  const hosts = (count: number, some: object = {}) =>
    Array.from({ length: count }, (_, i) =>
      sharer({ host: `${JSON.stringify(some)} ${i}`, ...some }),
    )
  const sharing = {
    partitions: 4096,
    owners: 3,
    transientOwners: 0,
    rules: { distinctHosts: true, perZone: 3 },
  }

  test('are the fair share and between 2 % and 6 % of slack', () => {
    const share = (members: number) => (4096 * 3) / members
    const capacity = (count: number) => capacitiesOf({ ...sharing, members: hosts(count) })[0]
    expect(capacity(10)).toBe(Math.floor(share(10) * 1.02))
    expect(capacity(30)).toBe(Math.floor(share(30) + 12))
    expect(capacity(120)).toBe(Math.floor(share(120) * 1.06))
    expect(capacity(4000)).toBe(Math.ceil(share(4000)))
  })

  test('leave room for everything: together at least as many as there are places', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 3, maxLength: 20 }),
        (weights) => {
          const members = weights.map((weight, i) => sharer({ host: `${i}`, weight }))
          const capacities = capacitiesOf({ ...sharing, members })
          const room = capacities.reduce((sum, capacity) => sum + Math.min(capacity, 4096), 0)
          expect(room).toBeGreaterThanOrEqual(4096 * 3)
        },
      ),
    )
  })

  test('two members of one host share what one could own', () => {
    const members = [sharer({ host: 'shared' }), sharer({ host: 'shared' }), ...hosts(2)]
    expect(capacitiesOf({ ...sharing, members })).toEqual([2088, 2088, 4177, 4177])
  })

  test('tabs share only the places that are open to them', () => {
    const members = [...hosts(2), ...hosts(4, { class: 'transient' })]
    const capacities = capacitiesOf({ ...sharing, transientOwners: 1, members })
    expect(capacities).toEqual([4177, 4177, 1044, 1044, 1044, 1044])
  })

  test('no place is reserved for durable members that no durable host could fill', () => {
    const members = hosts(2, { host: 'shared' })
    const rounds = roundsOf({ partitions: 16, owners: 3, durableOwners: 3 }, members)
    expect(rounds[0]!.upTo).toBe(1)
  })
})
