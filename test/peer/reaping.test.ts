/** Deleted keys are forgotten by a ring of real members, once nobody can bring them back. */
import { describe, expect, test } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { apply, emptyState, makeValue, type ObjectState } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { encode } from '../../src/protocol/codec.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../../src/protocol/message.ts'
import { type ReapingRequest, reapingRequest } from '../../src/protocol/reaping-message.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { contextFromText } from '../../src/protocol/context.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import { MemberKeyed } from '../../src/peer/member-keyed.ts'
import { pause, quick, readinessOf, type TestRing, testRing, until } from './ring.ts'

const key = makeKey('carts', 'alice')
const soon = { ...quick, reapMs: 100, reapPollMs: 20 }

/** How many members hold a record of the key. */
async function holders(ring: TestRing): Promise<number> {
  const stored = await Promise.all(
    ring.members.map(({ storage }) => storage.get(storageKeys.object(key))),
  )
  return stored.filter((each) => each !== undefined).length
}

async function putAndDelete(ring: TestRing): Promise<void> {
  const keyed = new MemberKeyed(ring.members[0]!.member, 2, 3)
  const order = { key, value: makeValue(utf8('mug'), 1), ack: 'quorum' as const }
  const { context } = await keyed.write({ ...order, context: contextFromText(key, 'none') })
  await keyed.write({
    ...order,
    context: contextFromText(key, context),
    value: makeValue(undefined, 2),
  })
}

describe('a deleted key', () => {
  test('is forgotten by all owners, and its receipt still says that it is everywhere', async () => {
    const ring = await testRing(soon).start(4)
    await putAndDelete(ring)
    expect(await holders(ring)).toBeGreaterThanOrEqual(3)
    await until('all have forgotten it', async () => (await holders(ring)) === 0)
    const { member } = ring.members[0]!
    expect(await member.get(key, 3)).toMatchObject({ state: emptyState })
    expect(ring.events.filter(({ type }) => type === 'reaping')).not.toHaveLength(0)
  })

  test('is kept while a member is away, who is named, and whose return ends that', async () => {
    const ring = await testRing(soon).start(4)
    const { owners } = placementOf(ring.members[0]!.member.view.ring, key.position)
    const away = ring.members.findIndex(({ member }) => !owners.includes(member.id))
    const gone = ring.members[away]!
    // Before that it might not know of all who must be asked.
    await until('all to be ready', () => ring.members.every((one) => readinessOf(one) === 'ready'))
    gone.transport.setGate(false)
    const first = ring.members.find(({ member }) => member.id === owners[0])!.member
    const keyed = new MemberKeyed(first, 2, 2)
    await keyed.write({
      key,
      context: contextFromText(key, 'none'),
      value: makeValue(undefined, 1),
      ack: 'quorum',
    })
    await until('somebody is waited for', () => first.reapingWaitsFor === gone.member.id)
    expect((await first.report()).reapingWaitsFor).toBe(gone.member.id)
    expect(await holders(ring)).toBe(3)
    gone.transport.setGate(true)
    await until('all have forgotten it', async () => (await holders(ring)) === 0)
    await until('nobody is waited for', () => first.reapingWaitsFor === undefined)
  })

  test('that an edge wrote is kept as long as it may deliver again', async () => {
    const ring = await testRing({ ...soon, evictAfterMs: 1500 }).start(3)
    const edge = await ring.startEdge(1)
    await until('the edge knows them', () => edge.view.members.length === 3)
    const order = { key, context: contextFromText(key, 'none'), value: makeValue(utf8('mug'), 1) }
    const startedMs = performance.now()
    const { context } = await edge.write({ ...order, ack: 'device' })
    await edge.write({
      ...order,
      context: contextFromText(key, context),
      value: makeValue(undefined, 2),
      ack: 'everywhere',
    })
    await until('all have forgotten it', async () => (await holders(ring)) === 0)
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(1499)
  })

  test('is kept by one that has reached none of those it was told of, though it is trusted', async () => {
    const ring = await testRing(soon).start(1)
    const lone = await ring.startMember(1, undefined, { gate: false })
    await lone.member.trust()
    await until('it is ready', () => readinessOf(lone) === 'ready')
    const keyed = new MemberKeyed(lone.member, 1, 1)
    await keyed.write({
      key,
      context: contextFromText(key, 'none'),
      value: makeValue(undefined, 1),
      ack: 'quorum',
    })
    // Ten rounds, in which nobody else would have been asked.
    await pause(10 * soon.reapMs)
    expect(await lone.storage.get(storageKeys.object(key))).toBeDefined()
    // Not so once it has reached them.
    const [founder] = ring.members
    lone.transport.setGate(true)
    await founder!.member.trust()
    await until('it is forgotten', async () => {
      return (await lone.storage.get(storageKeys.object(key))) === undefined
    })
  })

  test('waited for in vain keeps no member from closing', async () => {
    const ring = await testRing(soon).start(3)
    ring.members[2]!.transport.setGate(false)
    const keyed = new MemberKeyed(ring.members[0]!.member, 2, 2)
    await keyed.write({
      key,
      context: contextFromText(key, 'none'),
      value: makeValue(undefined, 1),
      ack: 'quorum',
    })
    await Promise.all(ring.members.map(({ member }) => member.close()))
    expect(await holders(ring)).toBeGreaterThanOrEqual(2)
  })
})

describe('a tombstone that was lent', () => {
  const dot = { actor: `${'A'.repeat(16)}.1`, counter: 1 }
  const value = apply(emptyState, dot, nothingSeen, makeValue(utf8('mug'), 1))
  const tombstone = apply(value, { ...dot, counter: 2 }, value.seen, makeValue(undefined, 2))
  const round = { life: new Uint8Array(8).fill(1), round: 1 }

  test('meets what comes late to a member that holds nothing, until the round is over', async () => {
    const { members } = await testRing({ ...soon, handoffMs: 60_000 }).start(4)
    const { owners } = placementOf(members[0]!.member.view.ring, key.position)
    const stranger = members.find(({ member }) => !owners.includes(member.id))!
    const asker = members.find(({ member }) => owners.includes(member.id))!
    const tell = async (request: Request): Promise<Reply> => {
      const options = { lane: 'foreground', deadlineMs: 2000 } as const
      const body = encodeRequest(request)
      return decodeReply(await asker.transport.request(stranger.member.id, body, options))
    }
    const reap = (asked: ReapingRequest): Promise<Reply> =>
      tell({ type: 'reaping', body: encode(reapingRequest, asked) })
    const replicate = (state: ObjectState): Promise<Reply> =>
      tell({ type: 'replicate', key, state, minter: undefined, insteadOf: undefined })
    const held = async (): Promise<ObjectState> => (await stranger.member.records.read(key)).state

    await reap({ type: 'lend', ...round, items: [{ key, state: tombstone }] })
    expect(await held()).toEqual(emptyState)
    expect((await replicate(value)).type).toBe('stored')
    expect(await held()).toEqual(tombstone)
    await reap({ type: 'reap', ...round, keys: [] })
    // A copy of the loan that comes late is not a loan again.
    await reap({ type: 'lend', ...round, items: [{ key, state: tombstone }] })
    await stranger.member.records.change(key, () => ({ result: undefined, drop: true }))
    await replicate(value)
    expect(await held()).toEqual(value)
  })
})
