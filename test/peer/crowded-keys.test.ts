/** Where so many have written a key, one edge more has a member write for it, and shows what it wrote all the same. */
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { EdgeWrites } from '../../src/peer/edge-writes.ts'
import type { Edge } from '../../src/peer/edge.ts'
import type { RingSide } from '../../src/peer/ring-side.ts'
import { contextFromText } from '../../src/protocol/context.ts'
import { quick, type TestRing, testRing, until } from './ring.ts'

const key = makeKey('carts', 'shared')
const few = { ...quick, vectorActors: 2 }
const nothing = contextFromText(key, 'none')

async function follower(
  ring: TestRing,
  index: number,
): Promise<Awaited<ReturnType<TestRing['startEdge']>>> {
  const edge = await ring.startEdge(index, undefined, { limits: few })
  await until('the edge is linked', () => edge.world.transport.links().length === 3)
  await edge.follow(key)
  return edge
}

async function put(edge: Edge, text: string, context = nothing) {
  return edge.write({ key, context, value: makeValue(utf8(text), 1), ack: 'device' })
}

/** What the edge shows of the key, from its own copy. */
async function shownAt(edge: Edge): Promise<string[]> {
  const { state } = await edge.read(key, 'local')
  return state.siblings.map(({ value }) => new TextDecoder().decode(value.bytes)).toSorted()
}

async function crowded(): Promise<{ ring: TestRing; edge: Awaited<ReturnType<typeof follower>> }> {
  const ring = await testRing(few).start(3)
  for (const index of [1, 2]) {
    const receipt = await put(await follower(ring, index), `${index}`)
    await receipt.reached('everywhere')
  }
  const edge = await follower(ring, 3)
  await until('it has a copy', async () => (await shownAt(edge)).length === 2)
  return { ring, edge }
}

describe('a key that as many have written as may', () => {
  test('is written by a member for one edge more, which shows it at once', async () => {
    const { ring, edge } = await crowded()
    const receipt = await put(edge, 'third')
    expect(receipt.stage).not.toBe('device')
    expect(await shownAt(edge)).toEqual(['1', '2', 'third'])
    await receipt.reached('everywhere')
    const { state } = await edge.read(key, 'quorum')
    expect(state.seen.size).toBe(3)
    const generations = ring.members.map(({ member }) => member.records.generation)
    const third = state.siblings.find(({ value }) => value.bytes!.length === 5)!
    expect(generations).toContain(third.dot.actor.split('.')[0])
    // Its next write supersedes that, and is the same member's.
    await put(edge, 'fourth', contextFromText(key, receipt.context))
    expect(await shownAt(edge)).toEqual(['1', '2', 'fourth'])
    expect((await edge.read(key, 'quorum')).state.seen.size).toBeLessThanOrEqual(5)
    await until('nothing is left to say', () => edge.copies.of(key).writes.length === 0)
    expect(await shownAt(edge)).toEqual(['1', '2', 'fourth'])
  })

  test('is written on the device where no member answers, and delivered as always', async () => {
    const { edge } = await crowded()
    edge.gate(false)
    await until('it is alone', () => edge.world.transport.links().length === 0)
    const receipt = await put(edge, 'alone')
    expect(receipt.stage).toBe('device')
    expect(await shownAt(edge)).toEqual(['1', '2', 'alone'])
    edge.gate(true)
    await receipt.reached('everywhere')
    expect((await edge.read(key, 'quorum')).state.seen.size).toBe(3)
  })

  test.each([
    ['may stand already where a silent member may have written it', 'uncertain' as const, 1],
    ['stands nowhere yet where no member was asked', undefined, 0],
  ])('is written on the device, and %s', async (_, elsewhere, attempts) => {
    const edge = await testRing(few).startEdge(1, undefined, { gate: false })
    await edge.follow(key)
    const { world, copies } = edge
    const attempted = new Set<string>()
    const side = { elsewhere: async () => elsewhere, kick: () => {} } as unknown as RingSide
    const parts = { world, copies, w: 2, attempted, side: () => side }
    const asked = (): never => {
      throw new Error('nobody is to be asked')
    }
    const writes = new EdgeWrites({ ...parts, forward: asked, confirm: asked })
    const value = makeValue(utf8('third'), 1)
    const { id } = await writes.write({ key, context: nothing, value, ack: 'device' })
    expect([...attempted]).toEqual([id].slice(0, attempts))
  })

  test('is written on by those who have written it before', async () => {
    const ring = await testRing(few).start(3)
    const [one, other] = [await follower(ring, 1), await follower(ring, 2)]
    for (const edge of [one, other]) await (await put(edge, 'first')).reached('everywhere')
    await until('the one has seen both', () => one.copies.of(key).copy.seen.size === 2)
    await until('it has nothing to deliver', () => one.copies.of(key).writes.length === 0)
    expect((await put(one, 'second')).stage).toBe('device')
  })
})
