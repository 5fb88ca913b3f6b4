/** Buffered buckets: what is acknowledged from memory, who syncs it, and what its receipts say of that. */
import { describe, expect, it } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import type { BucketOptions, Peer, WriteOptions } from '../../src/peer/api.ts'
import { cart } from '../../src/values/cart.ts'
import type { Storage } from '../../src/ports.ts'
import { quick, testRing, type TestMember, type TestRing, until } from './ring.ts'

const open = { r: 2, w: 2, warnings: [], close: async () => {} }
const buffered = { durability: 'buffered' } as const

function peerOf({ member }: TestMember): Peer {
  return peerOfMember(member, open)
}

/** Notes how each step of a store was asked to be kept. */
function noting(ring: TestRing): ('synced' | 'buffered')[][] {
  return ring.members.map(({ storage }) => {
    const asked: ('synced' | 'buffered')[] = []
    const update = storage.update.bind(storage)
    storage.update = ((keys, change, durability = 'synced') => {
      asked.push(durability)
      return update(keys, change, durability)
    }) as Storage['update']
    return asked
  })
}

describe('a buffered bucket', () => {
  it.each<[string, BucketOptions, RegExp]>([
    ['a strict one', { ...buffered, consistency: 'strict' }, /that is buffered, strictly/],
    ['a durability nobody knows', { durability: 'mostly' as 'buffered' }, /that is mostly/],
  ])('is refused: %s', async (_, options, message) => {
    const ring = await testRing().start(1)
    const peer = peerOf(ring.members[0]!)
    expect(() => peer.bucket('b', options)).toThrow(message)
    expect(() => peer.bucket('b', cart, options)).toThrow(message)
  })

  it.each<[WriteOptions]>([[{ consistency: 'strict' }], [{ dw: 2 }]])(
    'refuses a write with %j where it is asked for, before anything is kept',
    async (options) => {
      const ring = await testRing().start(3)
      const edge = await ring.startEdge(0)
      for (const peer of [peerOf(ring.members[0]!), peerOfEdge(edge, open)]) {
        const written = peer.bucket('b', buffered).put('k', 1, { ack: 'device', ...options })
        await expect(written).rejects.toMatchObject({ code: 'bad-argument', outcome: 'refused' })
        expect((await peer.bucket('b').get('k')).found).toBe(false)
      }
      expect(edge.pendingWrites).toBe(0)
    },
  )

  it('is acknowledged by W members in buffers, and everywhere means on all disks', async () => {
    // Nothing is synced for being old while this runs.
    const ring = await testRing({ ...quick, bufferedMs: 60_000 }).start(3)
    const [peer] = ring.members.map(peerOf)
    const bucket = peer!.bucket('sessions', buffered)
    for (let i = 0; i < 12; i++) {
      const receipt = await bucket.put(`k${i}`, i)
      expect(receipt.stage).toBe('quorum')
      expect(receipt.acks.length).toBeGreaterThanOrEqual(2)
      expect(receipt.acks).toEqual(expect.arrayContaining([...receipt.buffered]))
      expect(receipt.buffered.length).toBeGreaterThan(0)
      await receipt.reached('everywhere')
      expect(receipt.buffered).toEqual([])
      expect(ring.members.every(({ member }) => !member.world.buffers.isDirty)).toBe(true)
    }
    const plain = await peer!.bucket('carts').put('k', 1)
    expect(plain.buffered).toEqual([])
  })

  it('spreads the durable write over the owners, and buffers what it names', async () => {
    const ring = await testRing({ ...quick, bufferedMs: 60_000 }).start(3)
    const asked = noting(ring)
    const bucket = peerOf(ring.members[0]!).bucket('sessions', buffered)
    await bucket.put('first', 0)
    for (const steps of asked) steps.length = 0
    for (let i = 0; i < 30; i++) await bucket.put(`k${i}`, i)
    const chosen = ring.events.filter(
      ({ type, detail }) => type === 'replicate' && detail === 'durable',
    )
    expect(new Set(chosen.map(({ to }) => to)).size).toBe(2)
    // The rest was the coordinator's own.
    expect(chosen.length).toBeLessThan(30)
    for (const steps of asked) {
      expect(steps.filter((each) => each === 'buffered').length).toBeGreaterThanOrEqual(25)
    }
  })

  it('waits for the durable write where that is asked for', async () => {
    const ring = await testRing({ ...quick, bufferedMs: 60_000 }).start(3)
    const bucket = peerOf(ring.members[0]!).bucket('sessions', buffered)
    for (let i = 0; i < 10; i++) {
      await bucket.put(`k${i}`, i, { dw: 1 })
      const isSynced = ring.members.map(({ member }) => !member.world.buffers.isDirty)
      expect(isSynced).toContain(true)
    }
  })

  it('syncs what nobody has asked to be durable before it is old', async () => {
    const ring = await testRing({ ...quick, bufferedMs: 300 }).start(3)
    const bucket = peerOf(ring.members[0]!).bucket('sessions', buffered)
    for (let i = 0; i < 5; i++) await bucket.put('k', i)
    await until('all buffers are synced', () =>
      ring.members.every(({ member }) => !member.world.buffers.isDirty),
    )
  })

  it('has epochs of its own, which end with the process; what is synced goes on under its own', async () => {
    const ring = await testRing().start(1)
    const first = ring.members[0]!
    const epochs = async ({ member }: TestMember, text: string): Promise<number[]> => {
      const { state } = await member.records.read(makeKey('b', text))
      return [...state.seen.keys()].map((actor) => Number(actor.split('.')[1]))
    }
    const one = { w: 1 }
    const peer = peerOf(first)
    await peer.bucket('b').put('synced', 1, one)
    await peer.bucket('b', buffered).put('mixed', 1, one)
    await peer.bucket('b').put('mixed', 2, one)
    await peer.bucket('b', buffered).put('mixed', 3, one)
    expect(await epochs(first, 'mixed')).toHaveLength(1)
    await ring.stop(first)
    const again = await ring.startMember(0, first.content)
    const later = peerOf(again)
    await later.bucket('b').put('synced', 2, one)
    await later.bucket('b', buffered).put('mixed', 4, one)
    expect(await epochs(again, 'synced')).toHaveLength(1)
    const [before, after] = await epochs(again, 'mixed')
    expect(after).toBeGreaterThan(before! + 500)
  })

  it('lets a tab keep its own write until it is on the disks of all owners', async () => {
    const ring = await testRing({ ...quick, bufferedMs: 60_000 }).start(3)
    const edge = await ring.startEdge(0)
    const peer = peerOfEdge(edge, open)
    const carts = peer.bucket('carts', cart, buffered)
    const receipt = await carts.update('k', (value, write) => cart.add(value, 'mug', 1, write))
    expect(receipt.stage).toBe('device')
    await receipt.reached('quorum')
    expect(receipt.acks.length).toBeGreaterThanOrEqual(2)
    await receipt.reached('everywhere')
    expect(ring.members.every(({ member }) => !member.world.buffers.isDirty)).toBe(true)
    expect(receipt.buffered).toEqual([])
  })
})
