/** How owners are spread: what is a fault, and what the members leave no choice about. */
import { describe, expect, test } from 'vitest'
import { makeRing, type RingMember } from '../../src/data/ring.ts'
import { spreadOf } from '../../src/data/spread.ts'

const shape = { n: 3, q: 4, durableOwners: 3 }
const nowhere = { short: [], hostShared: [], hostSharedNeedlessly: [], zoneSharedNeedlessly: [] }

/** `a@host/zone`, with `~` before it for a transient one. */
function member(text: string): RingMember {
  const [, tilde, id = '', host = '', zone = 'z'] = /^(~?)(\w+)@(\w+)(?:\/(\w+))?$/.exec(text)!
  return { id, host, zone, weight: 1, class: tilde === '~' ? 'transient' : 'durable' }
}

/** A ring by hand: each list of letters is one partition's owners. */
function byHand(members: string, owners: string, of: Partial<typeof shape> = {}) {
  const lists = owners.split(' ').map((list) => (list === '-' ? [] : [...list]))
  return {
    shape: { ...shape, q: lists.length, ...of },
    members: members.split(' ').map(member),
    ownersOf: (partition: number) => lists[partition]!,
  }
}

describe('by hand', () => {
  test('owners on distinct hosts are well spread', () => {
    expect(spreadOf(byHand('a@1 b@2 c@3 d@4', 'abc bcd abd acd'))).toEqual(nowhere)
  })

  test('a host that is shared though there are others is a fault', () => {
    const spread = spreadOf(byHand('a@1 b@1 c@2 d@3', 'acd abc bcd abd'))
    expect(spread).toEqual({ ...nowhere, hostSharedNeedlessly: [1, 3] })
  })

  test('a host that must be shared, as there are too few, is told apart', () => {
    const spread = spreadOf(byHand('a@1 b@1 c@2', 'abc cba'))
    expect(spread).toEqual({ ...nowhere, hostShared: [0, 1] })
  })

  test('all owners on one of two hosts share it more than they must', () => {
    const spread = spreadOf(byHand('a@1 b@1 c@1 d@2', 'abc abd'))
    expect(spread).toEqual({ ...nowhere, hostSharedNeedlessly: [0], hostShared: [1] })
  })

  test('fewer than N owners are too few, whether there are members or not', () => {
    expect(spreadOf(byHand('a@1 b@2', 'ab ba')).short).toEqual([0, 1])
    expect(spreadOf(byHand('a@1 b@2 c@3', 'abc ab')).short).toEqual([1])
    expect(spreadOf(byHand('a@1', '-')).short).toEqual([0])
  })

  test('each of three zones has one of three owners, of two zones one has two', () => {
    const three = 'a@1/x b@2/y c@3/z d@4/x'
    expect(spreadOf(byHand(three, 'abc abd')).zoneSharedNeedlessly).toEqual([1])
    const two = 'a@1/x b@2/y c@3/y d@4/y'
    expect(spreadOf(byHand(two, 'abc bcd')).zoneSharedNeedlessly).toEqual([1])
    expect(spreadOf(byHand('a@1 b@2 c@3', 'abc'))).toEqual(nowhere)
  })

  test('a zone with too few hosts for its part leaves the others no choice', () => {
    const members = 'a@1/x b@2/y c@3/y d@4/y'
    expect(spreadOf(byHand(members, 'abcd', { n: 4 })).zoneSharedNeedlessly).toEqual([])
    const room = `${members} e@5/x`
    expect(spreadOf(byHand(room, 'abcd', { n: 4 })).zoneSharedNeedlessly).toEqual([0])
  })

  test('zones of transient members count only where these may own', () => {
    const members = 'a@1/x b@2/x c@3/x ~d@4/y ~e@5/z'
    expect(spreadOf(byHand(members, 'abc')).zoneSharedNeedlessly).toEqual([])
    const crowded = 'a@1/x b@2/x c@3/x d@4/y ~e@5/z'
    expect(spreadOf(byHand(crowded, 'abc abd')).zoneSharedNeedlessly).toEqual([0])
    const open = spreadOf(byHand(members, 'abc', { durableOwners: 1 }))
    expect(open.zoneSharedNeedlessly).toEqual([0])
    // Two durable owners must share the one zone that has durable members.
    const two = spreadOf(byHand(members, 'abd', { durableOwners: 2 }))
    expect(two.zoneSharedNeedlessly).toEqual([])
  })
})

describe('of rings that are made', () => {
  test.each([
    ['one zone', 'a@1 b@2 c@3 d@4 e@5'],
    ['three zones of unlike size', 'a@1/x b@2/x c@3/x d@4/y e@5/z'],
    ['two zones', 'a@1/x b@2/x c@3/y d@4/y'],
    ['several members on a host', 'a@1 b@1 c@2 d@2 e@3 f@4'],
    ['tabs among them', 'a@1/x b@2/y ~c@3/z ~d@4/w'],
  ])('nothing is a fault: %s', (_what, members) => {
    const ring = makeRing({ ...shape, q: 256 }, members.split(' ').map(member))
    expect(spreadOf(ring)).toEqual(nowhere)
  })

  test('three members on two hosts share one in every partition', () => {
    const ring = makeRing({ ...shape, q: 256 }, ['a@1', 'b@1', 'c@2'].map(member))
    expect(spreadOf(ring)).toEqual({ ...nowhere, hostShared: [...Array(256).keys()] })
  })
})
