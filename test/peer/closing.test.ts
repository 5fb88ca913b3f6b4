/** Closing an edge: soon, whoever is silent, and without losing what is still on its way. */
import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { Peer } from '../../src/peer/api.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { counter } from '../../src/values/counter.ts'
import { quick, type TestRing, testRing, until, within } from './ring.ts'

/** Whoever waits for a silent member waits long. */
const patient = { limits: { ...quick, ownerMs: 5000, requestMs: 10_000 } }
const soonMs = 2500

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: () => edge.world.transport.close() })
}

/** Every disk of the ring stands still until the returned function is called; what is asked then waits. */
function disksStandStill(ring: TestRing): () => void {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const { storage } of ring.members) {
    const { update, getMany } = storage
    storage.update = (...args) => promise.then(() => update.apply(storage, args)) as never
    storage.getMany = (...args) => promise.then(() => getMany.apply(storage, args))
    const get = storage.get.bind(storage)
    storage.get = (...args) => promise.then(() => get(...args))
  }
  return resolve
}

async function linked(edge: Edge): Promise<void> {
  await until('linked', () => edge.world.transport.links().length === 3)
}

describe('an edge that closes', () => {
  it('waits for no member that is silent, whatever it has asked', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1, new MemoryContent(), patient)
    const notes = peerOf(edge).bucket('notes')
    await linked(edge)
    await (await notes.put('settled', 1, { ack: 'device' })).reached('quorum')
    const move = disksStandStill(ring)
    await notes.follow('followed')
    await notes.put('kept', 1, { ack: 'device' })
    const failure = (work: Promise<unknown>): Promise<unknown> => work.catch((error) => error)
    const asked = failure(notes.get('asked'))
    const put = failure(notes.put('put', 1))
    await until('all is under way', () => edge.world.tasks.labels.includes('deliver'))
    expect(await within(soonMs, edge.close())).not.toBe('too late')
    expect(await within(soonMs, asked)).toMatchObject({ code: 'closed' })
    expect(await within(soonMs, put)).toMatchObject({ code: 'closed', outcome: 'unknown' })
    move()
  }, 20_000)

  it('loses nothing that was on its way, and has it counted once', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content, patient)
    await linked(edge)
    const move = disksStandStill(ring)
    const visits = peerOf(edge).bucket('visits', counter)
    await visits.follow('k')
    const { id } = await visits.update('k', (value, write) => counter.add(value, 1, write))
    await until('it is under way', () => edge.world.tasks.labels.includes('deliver'))
    await edge.close()
    move()
    const peer = peerOf(await ring.startEdge(1, content))
    await (await peer.receipt(id))!.reached('everywhere')
    expect(counter.total((await peer.bucket('visits', counter).get('k')).value)).toBe(1)
  }, 20_000)

  it('gives what is still on its way a moment to arrive', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    await linked(edge)
    const peer = peerOf(edge)
    const move = disksStandStill(ring)
    const receipt = await peer.bucket('notes').put('k', 1, { ack: 'device' })
    const closed = peer.close()
    move()
    await closed
    expect(receipt.stage).not.toBe('device')
  })

  it('does not wait for what cannot arrive while it sleeps', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1, new MemoryContent(), patient)
    const peer = peerOf(edge)
    edge.sleep()
    await peer.bucket('notes').put('k', 1, { ack: 'device' })
    expect(await within(soonMs, peer.close())).not.toBe('too late')
  }, 20_000)

  it('tells the members that it goes', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    await peerOf(edge).bucket('notes').follow('k')
    const followers = (count: number) => () =>
      ring.members.every(({ member }) => member.followers === count)
    await until('all tell it', followers(1))
    // Its transport is left to whoever opened it, so that no link goes down.
    await edge.close()
    await until('nobody tells it', followers(0))
    expect(edge.world.transport.links()).toHaveLength(3)
  })
})
