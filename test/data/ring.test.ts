import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { makeRing, maxWeight, type Ring, type RingMember } from '../../src/data/ring.ts'
import { type RingShape } from '../../src/data/ring-shape.ts'
import { drawerOf, scoreOf } from '../../src/data/score.ts'

const member = (id: string, some: Partial<RingMember> = {}): RingMember => ({
  id,
  class: 'durable',
  host: `host of ${id}`,
  zone: '',
  weight: 1,
  ...some,
})

const durable = (count: number) => Array.from({ length: count }, (_, i) => member(`peer ${i}`))

const tableOf = (ring: Ring) =>
  Array.from({ length: ring.shape.q }, (_, partition) => ring.ownersOf(partition))

const loadOf = (ring: Ring, id: string) =>
  tableOf(ring).filter((owners) => owners.includes(id)).length

/** Members of all kinds; a host lies within one zone, and may be shared. */
const anyMembers = fc
  .array(
    fc.record({
      class: fc.constantFrom('durable' as const, 'transient' as const),
      host: fc.nat(8),
      weight: fc.integer({ min: 1, max: 4 }),
    }),
    { maxLength: 10 },
  )
  .chain((list) =>
    fc.integer({ min: 1, max: 4 }).map((zones) =>
      list.map((some, i) =>
        member(`peer ${i}`, {
          ...some,
          host: `host ${some.host}`,
          zone: `zone ${some.host % zones}`,
        }),
      ),
    ),
  )

const anyShape = fc
  .record({
    n: fc.integer({ min: 1, max: 5 }),
    q: fc.constantFrom(1, 2, 16, 64),
    wanted: fc.nat(5),
  })
  .map(({ n, q, wanted }): RingShape => ({ n, q, durableOwners: Math.min(wanted, n) }))

/** Whether a list of n of these members keeps all three rules. */
function keepsRules(shape: RingShape, members: readonly RingMember[], list: readonly RingMember[]) {
  const durableMembers = members.filter((m) => m.class === 'durable').length
  const transientAllowed = shape.n - Math.min(shape.durableOwners, durableMembers)
  const candidates = transientAllowed === 0 ? members.filter((m) => m.class === 'durable') : members
  const perZone = Math.ceil(shape.n / new Set(candidates.map((m) => m.zone)).size)
  const inZone = (zone: string) => list.filter((m) => m.zone === zone).length
  return (
    new Set(list.map((m) => m.host)).size === list.length &&
    list.every((m) => inZone(m.zone) <= perZone) &&
    list.filter((m) => m.class === 'transient').length <= transientAllowed
  )
}

function* choices<T>(items: readonly T[], count: number): Generator<T[]> {
  if (count === 0) return yield []
  for (const [at, first] of items.entries()) {
    for (const rest of choices(items.slice(at + 1), count - 1)) yield [first, ...rest]
  }
}

describe('the ring is a pure function of its members', () => {
  test('the order in which they are given changes nothing', () => {
    fc.assert(
      fc.property(anyShape, anyMembers, fc.infiniteStream(fc.nat()), (shape, members, draws) => {
        const shuffled = members
          .map((m) => ({ m, at: draws.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ m }) => m)
        const ring = makeRing(shape, members)
        const again = makeRing(shape, shuffled)
        expect(tableOf(again)).toEqual(tableOf(ring))
        expect(again.members).toEqual(ring.members)
        expect(members.map((m) => again.shareOf(m.id))).toEqual(
          members.map((m) => ring.shareOf(m.id)),
        )
      }),
      { numRuns: 200 },
    )
  })

  test('it does not reorder what it was given', () => {
    const members = [member('b'), member('a')]
    expect(makeRing({ n: 1, q: 2, durableOwners: 1 }, members).members.map((m) => m.id)).toEqual([
      'a',
      'b',
    ])
    expect(members.map((m) => m.id)).toEqual(['b', 'a'])
  })

  test('this ring is the same in every engine and every release', () => {
    const members = [
      member('ann'),
      member('bob', { weight: 2 }),
      member('cleo', { zone: 'north' }),
      member('dan', { zone: 'north', weight: 3 }),
      member('eve', { class: 'transient' }),
    ]
    const ring = makeRing({ n: 3, q: 8, durableOwners: 2 }, members)
    expect(tableOf(ring).map((owners) => owners.join(' '))).toEqual([
      'dan bob eve',
      'cleo bob dan',
      'dan eve cleo',
      'bob ann cleo',
      'dan cleo ann',
      'dan ann bob',
      'bob dan eve',
      'ann dan bob',
    ])
    expect(ring.preferenceOf(0)).toEqual(['dan', 'bob', 'cleo', 'ann', 'eve'])
    expect([0, 1, 4095].map((partition) => scoreOf(drawerOf('ann', 3, 4096), partition))).toEqual([
      1930947766, 3756801734, 2570404301,
    ])
  })
})

describe('each partition', () => {
  test('has min(n, members) distinct owners, in its order of preference', () => {
    fc.assert(
      fc.property(anyShape, anyMembers, (shape, members) => {
        const ring = makeRing(shape, members)
        for (let partition = 0; partition < shape.q; partition++) {
          const owners = ring.ownersOf(partition)
          const preference = ring.preferenceOf(partition)
          expect(owners).toHaveLength(Math.min(shape.n, members.length))
          expect(new Set(owners).size).toBe(owners.length)
          expect(preference.toSorted()).toEqual(ring.members.map((m) => m.id))
          expect(preference.filter((id) => owners.includes(id))).toEqual(owners)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('keeps the rules on hosts, zones and classes wherever any list could', () => {
    let possible = 0
    fc.assert(
      fc.property(anyShape, anyMembers, (shape, members) => {
        const lists = [...choices(members, shape.n)]
        if (!lists.some((list) => keepsRules(shape, members, list))) return
        possible++
        const ring = makeRing(shape, members)
        const byId = new Map(members.map((m) => [m.id, m]))
        for (const owners of tableOf(ring)) {
          const list = owners.map((id) => byId.get(id)!)
          expect(keepsRules(shape, members, list)).toBe(true)
        }
      }),
      { numRuns: 400 },
    )
    expect(possible).toBeGreaterThan(100)
  })

  test('has as many owners on distinct hosts as there are hosts', () => {
    fc.assert(
      fc.property(anyShape, anyMembers, (shape, members) => {
        const hosts = new Map(members.map((m) => [m.id, m.host]))
        const most = Math.min(shape.n, new Set(hosts.values()).size)
        for (const owners of tableOf(makeRing(shape, members))) {
          expect(new Set(owners.map((id) => hosts.get(id))).size).toBe(most)
        }
      }),
      { numRuns: 200 },
    )
  })
})

describe('classes', () => {
  const shape = { n: 3, q: 64, durableOwners: 3 }
  const tabs = Array.from({ length: 6 }, (_, i) => member(`tab ${i}`, { class: 'transient' }))
  const durableIn = (owners: readonly string[]) =>
    owners.filter((id) => id.startsWith('peer')).length

  test.each([0, 1, 2, 3, 5])('with %i durable members, tabs fill what they leave open', (count) => {
    const ring = makeRing(shape, [...durable(count), ...tabs])
    for (const owners of tableOf(ring)) expect(durableIn(owners)).toBe(Math.min(3, count))
  })

  test('fewer durable owners leave places to tabs, but force none on them', () => {
    const ring = makeRing({ ...shape, durableOwners: 1 }, [...durable(4), ...tabs])
    const counts = new Set(tableOf(ring).map(durableIn))
    expect(counts).toEqual(new Set([1, 2, 3]))
  })

  test('tabs that own nothing are still in every preference list', () => {
    const ring = makeRing(shape, [...durable(3), ...tabs])
    expect(tabs.map((tab) => ring.shareOf(tab.id))).toEqual(tabs.map(() => 0))
    expect(ring.preferenceOf(5)).toHaveLength(9)
  })

  test('durable members on one host are not reason enough to keep all copies there', () => {
    const peers = durable(3).map((m) => ({ ...m, host: 'one machine' }))
    for (const owners of tableOf(makeRing(shape, [...peers, ...tabs])))
      expect(durableIn(owners)).toBe(1)
  })

  test('where hosts must be shared, durable members share theirs before tabs do', () => {
    const peers = durable(2).map((m) => ({ ...m, host: 'one machine' }))
    const browser = tabs.map((m) => ({ ...m, host: 'one browser' }))
    for (const owners of tableOf(makeRing(shape, [...peers, ...browser])))
      expect(durableIn(owners)).toBe(2)
  })
})

describe('zones', () => {
  const inZones = (...sizes: readonly number[]) =>
    sizes.flatMap((size, zone) =>
      Array.from({ length: size }, (_, i) => member(`${zone}.${i}`, { zone: `zone ${zone}` })),
    )

  test('of three zones each owns one copy of everything, evenly within the zone', () => {
    const ring = makeRing({ n: 3, q: 1024, durableOwners: 3 }, inZones(1, 2, 4))
    for (const owners of tableOf(ring)) {
      expect(new Set(owners.map((id) => id[0]))).toEqual(new Set(['0', '1', '2']))
    }
    expect(loadOf(ring, '0.0')).toBe(1024)
    for (const id of ['1.0', '1.1'])
      expect(Math.abs(loadOf(ring, id) - 512)).toBeLessThanOrEqual(12)
    for (const id of ['2.0', '2.3'])
      expect(Math.abs(loadOf(ring, id) - 256)).toBeLessThanOrEqual(36)
  })

  test('of two zones none has more than two copies out of three', () => {
    const ring = makeRing({ n: 3, q: 256, durableOwners: 3 }, inZones(2, 5))
    for (const owners of tableOf(ring)) {
      expect(owners.filter((id) => id.startsWith('1.')).length).toBeLessThanOrEqual(2)
    }
  })

  test('a zone of tabs that may own nothing does not count', () => {
    const tab = member('tab', { class: 'transient', zone: 'browsers' })
    const with3 = inZones(1, 2)
    const ring = makeRing({ n: 2, q: 64, durableOwners: 2 }, with3)
    expect(tableOf(makeRing({ n: 2, q: 64, durableOwners: 2 }, [...with3, tab]))).toEqual(
      tableOf(ring),
    )
  })
})

describe('shares', () => {
  test('add up to one, and are what the owners say', () => {
    fc.assert(
      fc.property(anyShape, anyMembers, (shape, members) => {
        fc.pre(members.length > 0)
        const ring = makeRing(shape, members)
        const replicas = shape.q * Math.min(shape.n, members.length)
        for (const { id } of members) {
          expect(ring.shareOf(id)).toBeCloseTo(loadOf(ring, id) / replicas, 12)
        }
        expect(members.reduce((sum, { id }) => sum + ring.shareOf(id), 0)).toBeCloseTo(1, 9)
        expect(ring.shareOf('a stranger')).toBe(0)
      }),
      { numRuns: 100 },
    )
  })

  test('are in proportion to the weights', () => {
    const weights = [1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]
    const members = weights.map((weight, i) => member(`peer ${i}`, { weight }))
    const ring = makeRing({ n: 3, q: 4096, durableOwners: 3 }, members)
    const total = weights.reduce((sum, weight) => sum + weight)
    for (const { id, weight } of members) {
      expect(ring.shareOf(id) / (weight / total)).toBeGreaterThan(0.96)
      expect(ring.shareOf(id) / (weight / total)).toBeLessThanOrEqual(1.03)
    }
  })

  test('of a giant, who owns most partitions already, hardly fall behind', () => {
    const members = [member('giant', { weight: 8 }), ...durable(18)]
    const ring = makeRing({ n: 3, q: 4096, durableOwners: 3 }, members)
    expect(ring.shareOf('giant') * 26).toBeGreaterThan(8 * 0.98)
    for (const { id } of durable(18)) expect(ring.shareOf(id) * 26).toBeLessThan(1.02)
  })

  test('a member heavier than all others together owns everything once', () => {
    const members = [member('giant', { weight: 64 }), ...durable(4)]
    const ring = makeRing({ n: 3, q: 256, durableOwners: 3 }, members)
    expect(loadOf(ring, 'giant')).toBe(256)
    for (const { id } of durable(4))
      expect(Math.abs(loadOf(ring, id) - 128)).toBeLessThanOrEqual(21)
  })
})

describe('what is no ring is refused', () => {
  const shape = { n: 3, q: 16, durableOwners: 3 }

  test.each([0, -1, 1.5, NaN, Infinity])('n = %d', (n) => {
    expect(() => makeRing({ ...shape, n, durableOwners: 0 }, [])).toThrow(RangeError)
  })
  test.each([0, -4, 3, 1.5, 100, 2 ** 17, 2 ** 32, NaN, Infinity])('q = %d', (q) => {
    expect(() => makeRing({ ...shape, q }, [])).toThrow(/power of two/)
  })
  test.each([-1, 4, 0.5, NaN])('durableOwners = %d of 3', (durableOwners) => {
    expect(() => makeRing({ ...shape, durableOwners }, [])).toThrow(/durableOwners/)
  })
  test.each([0, -1, 1.5, maxWeight + 1, NaN, Infinity])('a weight of %d', (weight) => {
    expect(() => makeRing(shape, [member('a', { weight })])).toThrow(/weight/)
  })
  test('a member without an id, and one that is there twice', () => {
    expect(() => makeRing(shape, [member('')])).toThrow(/has an id/)
    expect(() => makeRing(shape, [member('a'), member('b'), member('a')])).toThrow(/once: a/)
  })
  test('a class of another name', () => {
    expect(() => makeRing(shape, [member('a', { class: 'lazy' as 'durable' })])).toThrow(/lazy/)
  })
  test.each([-1, 16, 0.5, NaN])('partition %d of 16', (partition) => {
    const ring = makeRing(shape, durable(3))
    expect(() => ring.ownersOf(partition)).toThrow(RangeError)
    expect(() => ring.preferenceOf(partition)).toThrow(RangeError)
  })
  test('a ring without members is one, without owners', () => {
    const ring = makeRing(shape, [])
    expect(ring.ownersOf(15)).toEqual([])
    expect(ring.preferenceOf(15)).toEqual([])
  })
})
