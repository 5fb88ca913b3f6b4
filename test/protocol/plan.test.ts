/** What a change of the members would move. */
import { describe, expect, test } from 'vitest'
import { makeRing, type RingMember } from '../../src/data/ring.ts'
import { RingletError } from '../../src/protocol/errors.ts'
import { type MemberPlan, planChange, type RingPlan } from '../../src/protocol/plan.ts'

const shape = { n: 3, q: 1024, durableOwners: 3 }

function members(count: number, zoneOf: (at: number) => string = () => 'default'): RingMember[] {
  return Array.from({ length: count }, (_, at) => ({
    id: `peer ${at}`,
    host: `host ${at}`,
    zone: zoneOf(at),
    weight: 1,
    class: 'durable',
  }))
}

function of(plan: RingPlan, id: string): MemberPlan {
  return plan.members.find((member) => member.id === id)!
}

/** What holds for every plan: it agrees with itself, and with the rings that it compares. */
function checkSums({ members: all, replicas, moved, leastMoved }: RingPlan): void {
  for (const { before, after, gained, givenUp } of all) {
    expect(before + gained - givenUp).toBe(after)
  }
  expect(all.reduce((sum, { gained }) => sum + gained, 0)).toBe(moved)
  expect(all.reduce((sum, { after }) => sum + after, 0)).toBe(replicas)
  expect(moved).toBeGreaterThanOrEqual(leastMoved)
}

describe('a member that comes', () => {
  test('to three of three takes its part of each, and nothing else moves', () => {
    const plan = planChange(shape, members(3), { with: [{ host: 'attic' }] })
    checkSums(plan)
    const joiner = of(plan, 'new-1')
    expect(joiner).toMatchObject({ change: 'comes', host: 'attic', zone: 'default', weight: 1 })
    expect(joiner).toMatchObject({ before: 0, gained: joiner.after, givenUp: 0 })
    expect(plan).toMatchObject({ replicas: 3072, moved: joiner.after, leastMoved: joiner.after })
    expect(joiner.after).toBeGreaterThan(700)
    for (const id of ['peer 0', 'peer 1', 'peer 2']) expect(of(plan, id).gained).toBe(0)
  })

  test('moves what the two rings say that it moves', () => {
    const before = makeRing(shape, members(8))
    const coming = { id: 'x', host: 'x', zone: 'default', weight: 2, class: 'durable' as const }
    const after = makeRing(shape, [...members(8), coming])
    let moved = 0
    for (let partition = 0; partition < shape.q; partition++) {
      const had = new Set(before.ownersOf(partition))
      moved += after.ownersOf(partition).filter((id) => !had.has(id)).length
    }
    const plan = planChange(shape, members(8), { with: [{ id: 'x', host: 'x', weight: 2 }] })
    checkSums(plan)
    expect(plan.moved).toBe(moved)
    expect(plan.leastMoved).toBe(Math.round(after.shareOf('x') * plan.replicas))
    expect(plan.moved).toBeLessThan(1.3 * plan.leastMoved)
  })

  test('with twice the weight takes about twice as much', () => {
    const [one, two] = [1, 2].map((weight) => {
      return of(planChange(shape, members(12), { with: [{ host: 'x', weight }] }), 'new-1').after
    })
    expect(two! / one!).toBeGreaterThan(1.5)
    expect(two! / one!).toBeLessThan(2.4)
  })

  test('alone in a third zone takes one replica of every partition', () => {
    const two = members(6, (at) => (at < 3 ? 'north' : 'south'))
    const plan = planChange(shape, two, { with: [{ host: 'x', zone: 'west' }] })
    checkSums(plan)
    expect(of(plan, 'new-1').after).toBe(shape.q)
    expect(plan.after.zoneSharedNeedlessly).toEqual([])
  })

  test('on a host that is there leaves owners that share it only where hosts are too few', () => {
    const few = planChange(shape, members(2), { with: [{ host: 'host 0' }] })
    expect(few.before.short).toHaveLength(shape.q)
    expect(few.after.short).toEqual([])
    expect(few.after.hostShared).toHaveLength(shape.q)
    const enough = planChange(shape, members(3), { with: [{ host: 'host 0' }] })
    expect(enough.after.hostShared).toEqual([])
  })
})

describe('a member that goes', () => {
  test('leaves its partitions to others, and that is the least that must move', () => {
    const plan = planChange(shape, members(8), { without: ['peer 5'] })
    checkSums(plan)
    const goes = of(plan, 'peer 5')
    expect(goes).toMatchObject({ change: 'goes', after: 0, gained: 0, givenUp: goes.before })
    expect(plan.leastMoved).toBe(goes.before)
    expect(plan.moved).toBeLessThan(1.3 * plan.leastMoved)
  })

  test('of three of three leaves fewer owners, and nothing to move', () => {
    const plan = planChange(shape, members(3), { without: ['peer 1'] })
    checkSums(plan)
    expect(plan).toMatchObject({ replicas: 2048, moved: 0, leastMoved: 0 })
    expect(plan.after.short).toHaveLength(shape.q)
  })

  test('from one of three hosts leaves owners that share one', () => {
    const shared = members(4).map((member, at) =>
      at === 3 ? { ...member, host: 'host 0' } : member,
    )
    const plan = planChange(shape, shared, { without: ['peer 1'] })
    expect(plan.before.hostShared).toEqual([])
    expect(plan.after.hostShared).toHaveLength(shape.q)
  })
})

test('a member that takes the place of another moves what that had, and no less', () => {
  const plan = planChange(shape, members(6), { without: ['peer 0'], with: [{ host: 'x' }] })
  checkSums(plan)
  const [goes, comes] = [of(plan, 'peer 0'), of(plan, 'new-1')]
  expect(plan.leastMoved).toBe(Math.max(goes.before, comes.after))
})

test('the members that were given are as they were, and a plan is the same each time', () => {
  const given = Object.freeze(members(5).map((member) => Object.freeze(member)))
  const change = { without: ['peer 0'], with: [{ host: 'x' }, { host: 'y', weight: 3 }] }
  expect(planChange(shape, given, change)).toEqual(planChange(shape, given.toReversed(), change))
})

test.each([
  ['nothing', {}, /nothing is to change/],
  ['a member that is not there', { without: ['nobody'] }, /no member nobody/],
  ['all members', { without: ['peer 0', 'peer 1', 'peer 2'] }, /nobody would be left/],
  ['a weight of 65', { with: [{ host: 'x', weight: 65 }] }, /1 to 64/],
  ['a member that is there', { with: [{ id: 'peer 0', host: 'x' }] }, /in the ring once/],
])('a change of %s is refused', (_what, change, message) => {
  const plan = () => planChange(shape, members(3), change)
  expect(plan).toThrow(message)
  expect(plan).toThrow(expect.objectContaining({ name: 'RingletError', code: 'bad-argument' }))
  expect(plan).toThrow(RingletError)
})
