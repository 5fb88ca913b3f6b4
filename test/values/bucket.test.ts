/** The types in buckets of real peers: each update of a key must be a write of its own. */
import { describe, expect, test } from 'vitest'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import type { Peer } from '../../src/peer/api.ts'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { cart } from '../../src/values/cart.ts'
import { counter } from '../../src/values/counter.ts'
import { lastWrite } from '../../src/values/last-write.ts'
import { testRing } from '../peer/ring.ts'

const options = { r: 2, w: 2, warnings: [], close: () => Promise.resolve() }

describe('updates count once each', () => {
  test('through a member, of a key that the edge does not follow', async () => {
    const ring = await testRing().start(3)
    const visits = peerOfEdge(await ring.startEdge(1), options).bucket('visits', counter)
    for (let i = 0; i < 3; i++)
      await visits.update('home', (value, id) => counter.add(value, 1, id))
    expect(counter.total((await visits.get('home')).value)).toBe(3)
  })

  test('again after the edge was closed and opened', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    for (let i = 0; i < 3; i++) {
      const edge = await ring.startEdge(1, content)
      const visits = peerOfEdge(edge, options).bucket('visits', counter)
      await visits.update('home', (value, id) => counter.add(value, 1, id))
      if (i === 2) expect(counter.total((await visits.get('home')).value)).toBe(3)
      await edge.close()
    }
  })

  test('by two handles of one bucket at once', async () => {
    const ring = await testRing().start(3)
    const peer = peerOfEdge(await ring.startEdge(1), options)
    const [one, other] = [peer.bucket('carts', cart), peer.bucket('carts', cart)]
    await Promise.all(
      [one, other].map((carts) =>
        carts.update('alice', (value, id) => cart.add(value, 'mug', 1, id)),
      ),
    )
    expect(cart.items((await one.get('alice')).value)).toEqual([{ product: 'mug', quantity: 2 }])
  })

  test('at a member, at the same time at two', async () => {
    const ring = await testRing().start(3)
    const peers: Peer[] = ring.members
      .slice(0, 2)
      .map(({ member }) => peerOfMember(member, options))
    const buckets = peers.map((peer) => peer.bucket('visits', counter))
    for (let i = 0; i < 3; i++) {
      await Promise.all(
        buckets.map((visits) => visits.update('home', (value, id) => counter.add(value, 1, id))),
      )
    }
    expect(counter.total((await buckets[0]!.get('home')).value)).toBe(6)
  })

  test('and leave no gaps, so that what is over stays small', async () => {
    const ring = await testRing().start(3)
    const carts = peerOfEdge(await ring.startEdge(1), options).bucket('carts', cart)
    for (let i = 0; i < 10; i++) {
      await carts.update('alice', (value, id) => cart.add(value, 'mug', 1, id))
      await carts.update('alice', (value, id) => cart.remove(value, 'mug', id))
    }
    const { removed } = (await carts.get('alice')).value
    expect(Object.values(removed).map((intervals) => intervals.length)).toEqual([1])
  })
})

test('the last write wins by the clock of its writer, whatever the order of the siblings', async () => {
  const ring = await testRing().start(3)
  const buckets = ring.members.map(({ member }) =>
    peerOfMember(member, options).bucket('themes', lastWrite('light')),
  )
  for (let i = 0; i < 9; i++) {
    await buckets[(i * 2) % 3]!.put('alice', `theme ${i}`, { context: 'none' })
    expect((await buckets[0]!.get('alice')).value).toBe(`theme ${i}`)
    await new Promise((resolve) => {
      setTimeout(resolve, 3)
    })
  }
})
