/** How an edge's writes reach the ring: delivered, confirmed, refused, minted again. */
import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { makeKey } from '../../src/data/key.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { Peer } from '../../src/peer/api.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { StorageError, TransportError } from '../../src/protocol/errors.ts'
import { encodeReply } from '../../src/protocol/message.ts'
import { counter } from '../../src/values/counter.ts'
import { pause, testRing, until, within } from './ring.ts'

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
}

describe('the outbox of an edge', () => {
  it('resolves two puts of one followed key that are made at once', async () => {
    const ring = await testRing().start(3)
    const notes = peerOf(await ring.startEdge(1)).bucket('notes')
    await notes.follow('k')
    const [one, two] = await Promise.all([notes.put('k', 1), notes.put('k', 2)])
    expect(one.id).not.toBe(two.id)
    await Promise.all([one.reached('quorum'), two.reached('quorum')])
  })

  it('delivers a new write although a question about an older one gets no answer', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('n')
    await notes.follow('a')
    await notes.follow('b')
    await until('linked', () => edge.world.transport.links().length === 3)
    const { transport } = edge.world
    const request = transport.request.bind(transport)
    transport.request = async (to, body, options) => {
      if (body[1] !== 6) return request(to, body, options)
      await pause(options.deadlineMs)
      throw new TransportError('deadline', true)
    }
    await notes.put('a', 1, { ack: 'quorum' })
    await pause(100)
    const began = performance.now()
    const receipt = await notes.put('b', 1, { ack: 'device' })
    await receipt.reached('quorum')
    expect(performance.now() - began).toBeLessThan(300)
  }, 10_000)

  it('mints every write of an abandoned epoch again, not only the first', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const first = await ring.startEdge(1, content)
    const notes = peerOf(first).bucket('n')
    await notes.follow('k')
    await (await notes.put('k', 'zero')).reached('everywhere')
    await notes.get('k')
    const image = new MemoryContent()
    for (const [name, value] of content.values) image.set(name, value.slice())
    for (const each of ['one', 'two', 'three']) await notes.put('k', each)
    await first.close()
    await first.world.transport.close()
    const other = peerOf(await ring.startEdge(2)).bucket('n')
    await other.get('k')
    await (await other.put('k', 'other')).reached('everywhere')

    // The disk comes back as it was; two writes are made before anybody can be asked.
    const again = await ring.startEdge(1, image)
    again.gate(false)
    const back = peerOf(again).bucket('n')
    await back.put('k', 'five', { context: 'none', ack: 'device' })
    const six = await back.put('k', 'six', { context: 'none', ack: 'device' })
    again.gate(true)
    await six.reached('quorum')
    await pause(500)
    const { siblings } = await other.get('k')
    expect(new Set(siblings)).toEqual(new Set(['five', 'other', 'six']))
  }, 10_000)

  it('asks about one write only, however many an owner that is away has missed', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('n')
    await notes.follow('k')
    await until('linked', () => edge.world.transport.links().length === 3)
    ring.members[2]!.transport.setGate(false)
    const receipts = []
    for (let i = 0; i < 5; i++) receipts.push(await notes.put('k', i))
    expect(edge.copies.of(makeKey('n', 'k')).writes).toHaveLength(1)
    ring.members[2]!.transport.setGate(true)
    await Promise.all(receipts.map((receipt) => receipt.reached('everywhere')))
  }, 10_000)

  it('rests ever longer between deliveries that nobody can take', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('n')
    await notes.follow('k')
    await until('linked', () => edge.world.transport.links().length === 3)
    const { transport } = edge.world
    const request = transport.request.bind(transport)
    let deliveries = 0
    transport.request = async (to, body, options) => {
      if (body[1] !== 5) return request(to, body, options)
      deliveries++
      return encodeReply(refusal('malformed', 'unknown'))
    }
    const receipt = await notes.put('k', 1, { ack: 'device' })
    await pause(1600)
    expect(deliveries).toBeLessThan(5)
    transport.request = request
    await receipt.reached('quorum')
  })
})

describe('a write that goes through a member', () => {
  it('says unknown when an earlier member may have taken what a later one refuses', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const bucket = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} }).bucket('n')
    await bucket.get('k')
    await until('it has links', () => edge.world.transport.links().length === 3)
    const request = edge.world.transport.request.bind(edge.world.transport)
    let asked = 0
    edge.world.transport.request = async (to, body, options) => {
      if (body[1] !== 3) return request(to, body, options)
      if (++asked === 1) {
        await request(to, body, options)
        throw new TransportError('link-lost', true)
      }
      return encodeReply(refusal('store-full', 'refused'))
    }
    const error = await bucket.put('k', 'x').catch((e: unknown) => e)
    edge.world.transport.request = request
    expect((await bucket.get('k')).value).toBe('x')
    expect(error).toMatchObject({ outcome: 'unknown' })
  })

  it('is found again by its id', async () => {
    const ring = await testRing().start(3)
    const peer = peerOf(await ring.startEdge(1))
    const { id } = await peer.bucket('n').put('k', 1)
    await (await peer.receipt(id))!.reached('everywhere')
  })

  it('is no way around a full disk for an update, which must be counted', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const counts = peerOf(edge).bucket('counts', counter)
    await counts.follow('x')
    await until('linked', () => edge.world.transport.links().length === 3)
    const { storage } = edge.world
    const update = storage.update.bind(storage)
    storage.update = () => Promise.reject(new StorageError('store-full', 'full'))
    const add = () => counts.update('x', (value, write) => counter.add(value, 1, write))
    await expect(add()).rejects.toMatchObject({ code: 'store-full' })
    storage.update = update
    await add()
    await add()
    expect(counter.total((await counts.get('x')).value)).toBe(2)
  })
})

describe('a receipt', () => {
  it('tells whoever waits that the peer was closed, soon', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('n')
    edge.gate(false)
    const receipt = await notes.put('k', 1, { ack: 'device' })
    const waiting = receipt.reached('quorum').catch((error: unknown) => error)
    const began = performance.now()
    await edge.close()
    expect(performance.now() - began).toBeLessThan(500)
    expect(await waiting).toMatchObject({ code: 'closed', outcome: 'unknown' })
  })

  it('ends soon too when members are silent', async () => {
    const ring = await testRing().start(5)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('n')
    await until('linked', () => edge.world.transport.links().length === 5)
    edge.world.transport.request = async (_to, _body, { deadlineMs }) => {
      await pause(deadlineMs)
      throw new TransportError('deadline', true)
    }
    await notes.put('k', 1, { ack: 'device' })
    await pause(20)
    expect(await within(700, edge.close())).not.toBe('too late')
  })

  it('of two keys that live together is one of each', async () => {
    const ring = await testRing().start(3)
    const notes = peerOf(await ring.startEdge(1)).bucket('n')
    const receipts = [
      await notes.put(['alice', 'a'], 1, { ack: 'device' }),
      await notes.put(['alice', 'b'], 1, { ack: 'device' }),
    ]
    expect(receipts[0]!.id).not.toBe(receipts[1]!.id)
    await Promise.all(receipts.map((receipt) => receipt.reached('everywhere')))
  })
})

function refusal(code: string, outcome: 'refused' | 'unknown') {
  const nothing = { remedy: undefined, needed: 0, got: 0, answers: [] }
  return { type: 'refused', code, message: code, outcome, ...nothing } as const
}
