/** Buckets: what an update starts from, and what of its failures reaches the caller. */
import { describe, expect, it } from 'vitest'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { Peer } from '../../src/peer/api.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { StorageError } from '../../src/protocol/errors.ts'
import { counter } from '../../src/values/counter.ts'
import { BadArgumentError } from '../../src/values/type.ts'
import { testRing, until } from './ring.ts'

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
}

describe('an update', () => {
  it('counts two updates of a key that it does not follow twice', async () => {
    const ring = await testRing().start(3)
    const counts = peerOf(await ring.startEdge(1)).bucket('counts', counter)
    await counts.update('x', (value, write) => counter.add(value, 1, write))
    await counts.update('x', (value, write) => counter.add(value, 1, write))
    expect(counter.total((await counts.get('x')).value)).toBe(2)
  })

  it('counts updates through two handles of one bucket twice', async () => {
    const ring = await testRing().start(3)
    const peer = peerOf(await ring.startEdge(1))
    const [a, b] = [peer.bucket('counts', counter), peer.bucket('counts', counter)]
    await a.follow('x')
    await Promise.all(
      [a, b].map((each) => each.update('x', (value, write) => counter.add(value, 1, write))),
    )
    expect(counter.total((await a.get('x')).value)).toBe(2)
  })

  it('starts an update from what the ring has, not from its own last write alone', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('notes')
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    await other.put('k', 'theirs')
    await mine.put('k', 'mine', { context: 'none', ack: 'device' })
    let seen: readonly unknown[] = []
    await mine.update('k', (siblings) => {
      seen = siblings
      return 'both'
    })
    expect(new Set(seen)).toEqual(new Set(['mine', 'theirs']))
  })

  it('starts from what the ring has although the key was followed only just now', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    await until('linked', () => edge.world.transport.links().length === 3)
    await peerOf(await ring.startEdge(2))
      .bucket('notes')
      .put('k', 'theirs')
    const mine = peerOf(edge).bucket('notes')
    await mine.follow('k')
    let seen: readonly unknown[] = []
    await mine.update('k', (siblings) => {
      seen = siblings
      return 'both'
    })
    expect(seen).toEqual(['theirs'])
  })

  it('starts from its own writes when nobody can be asked', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    edge.gate(false)
    const counts = peerOf(edge).bucket('counts', counter, { ack: 'device' })
    for (let i = 0; i < 3; i++) {
      await counts.update('x', (value, write) => counter.add(value, 1, write))
    }
    edge.gate(true)
    await until('all are counted', async () => counter.total((await counts.get('x')).value) === 3)
  })

  it('starts from nothing only if nobody can be asked', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const counts = peerOf(edge).bucket('counts', counter, { ack: 'device' })
    edge.read = () => Promise.reject(new StorageError('store-lost', 'gone'))
    const add = counts.update('x', (value, write) => counter.add(value, 1, write))
    await expect(add).rejects.toMatchObject({ code: 'store-lost' })
  })

  it('hands on what the function of the caller throws, as it is', async () => {
    const ring = await testRing().start(3)
    const counts = peerOf(await ring.startEdge(1)).bucket('counts', counter)
    const half = counts.update('x', (value, write) => counter.add(value, 0.5, write))
    await expect(half).rejects.toBeInstanceOf(BadArgumentError)
    const broken = new TypeError('mine')
    const other = counts.update('x', () => {
      throw broken
    })
    await expect(other).rejects.toBe(broken)
  })
})

describe('a key', () => {
  it.each([[''], ['\ud800'], [['a', '']], [[]]])('%j is a bad argument', async (path) => {
    const ring = await testRing().start(1)
    const notes = peerOf(await ring.startEdge(1)).bucket('notes')
    await expect(notes.get(path as string)).rejects.toMatchObject({ code: 'bad-argument' })
  })
})
