import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { capacitiesOf } from '../../src/data/capacity.ts'
import { type Contestant, matchOwners, type Round } from '../../src/data/matching.ts'
import { roundsOf } from '../../src/data/rounds.ts'
import { drawerOf, scoreOf, scoreRange } from '../../src/data/score.ts'

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
      drawer: drawerOf(`${i} ${name}`, weight, partitions),
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

describe('scores', () => {
  test('of a member of weight 1 are its partitions shuffled', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 0, max: 13 }), (name, bits) => {
        const partitions = 2 ** bits
        const drawer = drawerOf(name, 1, partitions)
        const scores = Array.from({ length: partitions }, (_, p) => scoreOf(drawer, p))
        const places = scores.map((score) => Math.floor((score / scoreRange) * partitions))
        expect(new Set(places).size).toBe(partitions)
        expect(scores.every((score) => Number.isInteger(score) && score < scoreRange)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('of two members have nothing to do with each other', () => {
    const highOf = (name: string, weight = 1) => {
      const drawer = drawerOf(name, weight, 4096)
      const places = [...Array.from({ length: 4096 }).keys()]
      return new Set(places.filter((p) => scoreOf(drawer, p) >= scoreRange * 0.75))
    }
    const common = Array.from({ length: 100 }, (_, i) => {
      const [a, b] = [highOf(`a ${i}`), highOf(`b ${i}`)]
      return [...a].filter((place) => b.has(place)).length
    })
    // A quarter of a quarter of 4096 in the mean, and as far from it as chance would be: 12 = √(4096 × 9) / 16.
    expect(Math.abs(common.reduce((sum, size) => sum + size) / 100 - 256)).toBeLessThan(5)
    const spread = Math.sqrt(common.reduce((sum, size) => sum + (size - 256) ** 2, 0) / 100)
    expect(spread).toBeGreaterThan(9)
    expect(spread).toBeLessThan(15)
    // Nor do the nodes of one member: at least one of two is high for 1 - (3/4)² of the partitions.
    expect(Math.abs(highOf('c', 2).size - 1792)).toBeLessThan(60)
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

  const mostOf = (members: readonly ReturnType<typeof sharer>[], some: object = {}) =>
    capacitiesOf({ ...sharing, ...some, members }).map(({ most }) => most)

  test('are the fair share and a slack that grows with its root', () => {
    const capacity = (count: number) => capacitiesOf({ ...sharing, members: hosts(count) })[0]
    expect(capacity(3)).toEqual({ least: 4044, share: 4096, most: 4122 })
    expect(capacity(10)).toEqual({ least: 1201, share: 1228.8, most: 1243 })
    expect(capacity(30)).toEqual({ least: 394, share: 409.6, most: 417 })
    expect(capacity(120)).toEqual({ least: 95, share: 102.4, most: 106 })
    expect(capacity(4000)).toEqual({ least: 2, share: 3.072, most: 4 })
    expect(capacity(8192)).toEqual({ least: 1, share: 1.5, most: 2 })
    expect(capacity(24_576)).toEqual({ least: 0, share: 0.5, most: 1 })
  })

  test('leave room for everything: together at least as many as there are places', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 3, maxLength: 20 }),
        (weights) => {
          const members = weights.map((weight, i) => sharer({ host: `${i}`, weight }))
          const room = mostOf(members).reduce((sum, most) => sum + Math.min(most, 4096), 0)
          expect(room).toBeGreaterThanOrEqual(4096 * 3)
        },
      ),
    )
  })

  test('two members of one host share what one could own', () => {
    const members = [sharer({ host: 'shared' }), sharer({ host: 'shared' }), ...hosts(2)]
    expect(mostOf(members)).toEqual([2066, 2066, 4122, 4122])
  })

  test('tabs share only the places that are open to them', () => {
    const members = [...hosts(2), ...hosts(4, { class: 'transient' })]
    const capacities = mostOf(members, { transientOwners: 1 })
    expect(capacities).toEqual([4122, 4122, 1037, 1037, 1037, 1037])
  })

  test('no place is reserved for durable members that no durable host could fill', () => {
    const members = hosts(2, { host: 'shared' })
    const rounds = roundsOf({ partitions: 16, owners: 3, durableOwners: 3 }, members)
    expect(rounds[0]!.upTo).toBe(1)
  })
})
