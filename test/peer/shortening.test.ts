/** The vectors of keys that live are shortened by a ring of real members, and nothing comes back. */
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { makeValue, type ObjectState, sync } from '../../src/data/siblings.ts'
import type { Seen } from '../../src/data/vector.ts'
import { contextFromText } from '../../src/protocol/context.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { MemberKeyed } from '../../src/peer/member-keyed.ts'
import { absorb } from '../../src/peer/absorb.ts'
import { pause, quick, type TestRing, testRing, until } from './ring.ts'

const key = makeKey('carts', 'shared')
const soon = { ...quick, reapMs: 100, reapPollMs: 20, vectorEntries: 3, evictAfterMs: 300 }

/** So many tabs write in turn, each over what stands, and then a member does. Returns all that was seen then. */
async function writtenByTabs(ring: TestRing, tabs: number): Promise<Seen> {
  let context = contextFromText(key, 'none')
  for (let i = 1; i <= tabs; i++) {
    const edge = await ring.startEdge(i)
    await until('the edge knows them', () => edge.view.members.length === ring.members.length)
    const value = makeValue(utf8(`tab ${i}`), i)
    const receipt = await edge.write({ key, context, value, ack: 'device' })
    await receipt.reached('everywhere')
    context = contextFromText(key, receipt.context)
  }
  const keyed = new MemberKeyed(ring.members[0]!.member, 2, 3)
  const value = makeValue(utf8('member'), 100)
  const { context: all } = await keyed.write({ key, context, value, ack: 'quorum' })
  return contextFromText(key, all)
}

async function ownerStates(ring: TestRing): Promise<ObjectState[]> {
  const { owners } = placementOf(ring.members[0]!.member.view.ring, key.position)
  const members = ring.members.filter(({ member }) => owners.includes(member.id))
  return Promise.all(members.map(async ({ member }) => (await member.records.read(key)).state))
}

async function untilShort(ring: TestRing, entries: number): Promise<void> {
  await until(
    'all owners have a short vector',
    async () => (await ownerStates(ring)).every(({ seen }) => seen.size <= entries),
    20_000,
  )
}

describe('a key that many have written', () => {
  test('is shortened at all owners once nobody may deliver again, and keeps its value', async () => {
    const ring = await testRing(soon).start(4)
    const all = await writtenByTabs(ring, 4)
    expect(all.size).toBe(5)
    await untilShort(ring, 1)
    for (const { siblings } of await ownerStates(ring)) {
      expect(siblings.map(({ value }) => value.bytes)).toEqual([utf8('member')])
    }
    expect(ring.events.filter(({ type }) => type === 'shortened')).not.toEqual([])
  })

  test('is left as it is while its tabs may deliver again', async () => {
    const ring = await testRing({ ...soon, evictAfterMs: 60_000 }).start(3)
    await writtenByTabs(ring, 4)
    const rounds = (): number => ring.events.filter(({ type }) => type === 'shortened').length
    await pause(1000)
    expect(rounds()).toBe(0)
    for (const { seen } of await ownerStates(ring)) expect(seen.size).toBe(5)
  })

  test('takes an old context back in, supersedes nothing by it, and is shortened again', async () => {
    const ring = await testRing(soon).start(3)
    const all = await writtenByTabs(ring, 4)
    await untilShort(ring, 1)
    const keyed = new MemberKeyed(ring.members[1]!.member, 2, 3)
    await keyed.write({ key, context: all, value: makeValue(utf8('on'), 101), ack: 'quorum' })
    const { state } = await keyed.read(key, 'quorum')
    expect(state.siblings.map(({ value }) => value.bytes)).toEqual([utf8('on')])
    await untilShort(ring, 2)
  })

  test('is shortened again where one owner brings back what the others have dropped', async () => {
    const ring = await testRing(soon).start(3)
    const all = await writtenByTabs(ring, 4)
    await untilShort(ring, 1)
    const [{ siblings }] = (await ownerStates(ring)) as [ObjectState]
    const { member } = ring.members[2]!
    await absorb(member.world, member.records, key, { seen: all, siblings }, 'as owner')
    const [, , third] = await ownerStates(ring)
    expect(sync(third!, { seen: all, siblings }).siblings).toHaveLength(1)
    await untilShort(ring, 1)
    for (const state of await ownerStates(ring)) expect(state.siblings).toHaveLength(1)
  })
})
