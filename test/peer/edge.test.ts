import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import type { Peer } from '../../src/peer/api.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { MergeableType } from '../../src/values/type.ts'
import { testRing, until } from './ring.ts'

/** The simplest mergeable type: a set that only grows. */
const names: MergeableType<string[]> = {
  name: 'set of names',
  empty: [],
  merge: (a, b) => [...new Set([...a, ...b])].sort(),
  validate: (value): value is string[] => Array.isArray(value),
}

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
}

describe('an edge', () => {
  it('writes through a member what it does not follow, and reads it back', async () => {
    const ring = await testRing().start(3)
    const bucket = peerOf(await ring.startEdge(1)).bucket('notes')
    const receipt = await bucket.put('a', { text: 'hello' })
    expect(receipt.stage).toBe('quorum')
    expect(receipt.acks.length).toBeGreaterThanOrEqual(2)
    await receipt.reached('everywhere')
    const read = await bucket.get('a')
    expect(read).toMatchObject({ found: true, value: { text: 'hello' }, source: 'quorum' })
  })

  it('shows each of two edges what the other adds', async () => {
    const ring = await testRing().start(3)
    const [a, b] = [peerOf(await ring.startEdge(1)), peerOf(await ring.startEdge(2))]
    const stop = new AbortController()
    let seen: readonly string[] = []
    const watching = (async () => {
      for await (const { value } of b.bucket('sets', names).watch('s', { signal: stop.signal })) {
        seen = value
      }
    })()
    const arrived = { ack: 'quorum' } as const
    await a.bucket('sets', names).update('s', (set) => [...set, 'from a'], arrived)
    await until('b sees it', () => seen.includes('from a'))
    await b.bucket('sets', names).update('s', (set) => [...set, 'from b'], arrived)
    expect((await a.bucket('sets', names).get('s')).value).toEqual(['from a', 'from b'])
    stop.abort()
    await watching
  })

  it('writes alone when it is cut off, and the ring has it all when it is back', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const sets = peer.bucket('sets', names, { ack: 'device' })
    await sets.follow('s')
    edge.gate(false)
    const receipts = []
    for (const name of ['x', 'y', 'z']) {
      receipts.push(await sets.update('s', (set) => [...set, name]))
      // While it is tried, a write may have been seen by somebody: the next could not take its place.
      await until('it is tried', () => !edge.world.tasks.labels.includes('deliver'))
    }
    expect(peer.status.pendingWrites).toBe(1)
    expect(await sets.get('s')).toMatchObject({ value: ['x', 'y', 'z'], source: 'local' })
    const other = peerOf(await ring.startEdge(2)).bucket('sets', names)
    expect((await other.get('s')).value).toEqual([])

    await other.update('s', (set) => [...set, 'w'])
    edge.gate(true)
    await Promise.all(receipts.map((receipt) => receipt.reached('everywhere')))
    expect((await other.get('s')).value).toEqual(['w', 'x', 'y', 'z'])
    await until('the copy has both', async () => {
      const { value, pending } = await sets.get('s', { consistency: 'local' })
      return value.length === 4 && pending === 0
    })
    expect(peer.status.pendingWrites).toBe(0)
  })

  it('delivers after a restart what it had not delivered before', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const first = await ring.startEdge(1, content)
    const sets = peerOf(first).bucket('sets', names, { ack: 'device' })
    await sets.follow('s')
    first.gate(false)
    const { id } = await sets.update('s', () => ['kept'])
    await first.close()

    const again = await ring.startEdge(1, content)
    const receipt = await peerOf(again).receipt(id)
    await receipt!.reached('quorum')
    const other = peerOf(await ring.startEdge(2)).bucket('sets', names)
    expect((await other.get('s')).value).toEqual(['kept'])
  })

  it('never says "not found" of a key that it could not ask for', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    edge.gate(false)
    await expect(peerOf(edge).bucket('notes').get('a')).rejects.toMatchObject({
      code: 'unreachable',
    })
  })

  it('refuses to update a value that is none of the type, and overwrites nothing', async () => {
    const ring = await testRing().start(3)
    const peer = peerOf(await ring.startEdge(1))
    await peer.bucket('sets').put('s', 'no set at all')
    const sets = peer.bucket('sets', names)
    expect(await sets.get('s')).toMatchObject({ value: [], invalid: ['no set at all'] })
    await expect(sets.update('s', () => ['x'])).rejects.toMatchObject({ code: 'not-mergeable' })
    expect((await peer.bucket('sets').get('s')).value).toBe('no set at all')
  })

  it('gives clear errors for what no bucket can take', async () => {
    const ring = await testRing().start(3)
    const bucket = peerOf(await ring.startEdge(1)).bucket('notes')
    await expect(bucket.put('k', () => 1)).rejects.toMatchObject({ code: 'not-encodable' })
    await expect(bucket.put('k', 'x'.repeat(2 ** 20 + 1))).rejects.toMatchObject({
      code: 'value-too-large',
    })
    await expect(bucket.put('k'.repeat(600), 1)).rejects.toMatchObject({ code: 'key-too-large' })
    await bucket.put('k', 1)
    const { context } = await bucket.get('k')
    await expect(bucket.put('other', 2, { context })).rejects.toMatchObject({
      code: 'context-of-another-key',
    })
    await expect(bucket.put('k', 2, { context: '!' })).rejects.toMatchObject({
      code: 'context-malformed',
    })
    expect((await bucket.get('k')).value).toBe(1)
  })

  it('deletes, and what is deleted stays so', async () => {
    const ring = await testRing().start(3)
    const bucket = peerOf(await ring.startEdge(1)).bucket('notes')
    await bucket.put('k', 1)
    await bucket.delete('k')
    expect(await bucket.get('k')).toMatchObject({ found: false, siblings: [] })
  })

  it('shows siblings of blind writers, each value once', async () => {
    const ring = await testRing().start(3)
    const bucket = peerOf(await ring.startEdge(1)).bucket('notes')
    await bucket.put('k', 'a', { context: 'none' })
    await bucket.put('k', 'b', { context: 'none' })
    await bucket.put('k', 'b', { context: 'none' })
    const { siblings, value, context } = await bucket.get('k')
    expect(new Set(siblings)).toEqual(new Set(['a', 'b']))
    expect(siblings).toHaveLength(2)
    expect(value).toBeUndefined()
    await bucket.put('k', 'both', { context })
    expect((await bucket.get('k')).value).toBe('both')
  })
})
