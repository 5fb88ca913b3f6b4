/** A write that this device has acknowledged and the ring refuses for good: its application hears of it. */
import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { makeKey } from '../../src/data/key.ts'
import type { Peer, RefusedWrite } from '../../src/peer/api.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { limits, type Limits } from '../../src/protocol/limits.ts'
import { decodeRequest } from '../../src/protocol/message.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { quick, type TestRing, testRing, until } from './ring.ts'

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
}

/** A key with as many siblings as may be: the next blind write of it is refused. */
async function crowded(ring: TestRing, name: string): Promise<void> {
  const notes = peerOf(await ring.startEdge(9)).bucket('notes')
  await Promise.all(
    Array.from({ length: limits.siblings }, (_, i) => notes.put(name, i, { context: 'none' })),
  )
}

const blind = { context: 'none', ack: 'device' } as const

describe('a write that is refused for good', () => {
  it('is told of with its receipt, its key and the reason', async () => {
    const ring = await testRing().start(3)
    await crowded(ring, 'k')
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const [told, also]: RefusedWrite[][] = [[], []]
    peer.addEventListener('refused', ({ detail }) => told!.push(detail))
    peer.addEventListener('refused', ({ detail }) => also!.push(detail))
    const receipt = await peer.bucket('notes').put('k', 'one too many', blind)
    const waiting = receipt.reached('quorum').catch((error: unknown) => error)
    await until('it is told', () => told!.length > 0)
    expect(told).toEqual([{ id: receipt.id, bucket: 'notes', key: ['k'], error: told![0]!.error }])
    expect(told![0]!.error).toMatchObject({ code: 'too-many-siblings', outcome: 'refused' })
    expect(told![0]!.error.remedy).toContain('merge')
    expect(also).toEqual(told)
    expect(await waiting).toMatchObject({ code: 'too-many-siblings' })
    expect(peer.status.pendingWrites).toBe(0)
    expect(edge.copies.of(makeKey('notes', 'k')).writes).toEqual([])
    // The next one, which has read the key, is taken.
    const { context } = await peer.bucket('notes').get('k')
    await (await peer.bucket('notes').put('k', 'all', { context, ack: 'device' })).reached('quorum')
    expect(told).toHaveLength(1)
  }, 20_000)

  it('is told of for each receipt that it spoke for', async () => {
    const ring = await testRing().start(3)
    await crowded(ring, 'k')
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const told: string[] = []
    peer.addEventListener('refused', ({ detail }) => told.push(detail.id))
    edge.sleep()
    const notes = peer.bucket('notes')
    const first = await notes.put('k', 1, blind)
    const second = await notes.put('k', 2, { context: first.context, ack: 'device' })
    edge.wake()
    await until('both are told', () => told.length === 2)
    expect(new Set(told)).toEqual(new Set([first.id, second.id]))
  }, 20_000)

  it('before anybody listened is told to the first who does', async () => {
    const ring = await testRing().start(3)
    await crowded(ring, 'k')
    const peer = peerOf(await ring.startEdge(1))
    const { id } = await peer.bucket('notes').put('k', 'one too many', blind)
    await until('it is refused', () => peer.status.pendingWrites === 0)
    const told: string[][] = [[], []]
    const stop = new AbortController()
    peer.addEventListener('refused', ({ detail }) => told[0]!.push(detail.id), {
      signal: stop.signal,
    })
    peer.addEventListener('refused', ({ detail }) => told[1]!.push(detail.id))
    await until('it is told', () => told[0]!.length > 0)
    expect(told).toEqual([[id], [id]])
    peer.addEventListener('refused', ({ detail }) => told[0]!.push(detail.id))
    stop.abort()
    const next = await peer.bucket('notes').put('k', 'again', blind)
    await until('the next is told', () => told[1]!.length > 1)
    expect(told).toEqual([
      [id, next.id],
      [id, next.id],
    ])
  }, 20_000)

  it('is known by its receipt after a reload, with the reason', async () => {
    const ring = await testRing().start(3)
    await crowded(ring, 'k')
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content)
    const notes = peerOf(edge).bucket('notes')
    const fine = await notes.put('fine', 1, { ack: 'device' })
    await fine.reached('everywhere')
    const { id } = await notes.put('k', 'one too many', blind)
    await until('it is refused', () => edge.pendingWrites === 0)
    await edge.close()
    const again = peerOf(await ring.startEdge(1, content))
    const receipt = await again.receipt(id)
    expect(receipt!.stage).toBe('device')
    await expect(receipt!.reached('quorum')).rejects.toMatchObject({
      code: 'too-many-siblings',
      outcome: 'refused',
      remedy: expect.stringContaining('merge') as unknown,
    })
    expect((await again.receipt(fine.id))!.stage).toBe('everywhere')
  }, 20_000)

  it('is not given up while an earlier attempt may have arrived, which is a warning', async () => {
    const ring = await testRing().start(3)
    await crowded(ring, 'k')
    const edge = await ring.startEdge(1, new MemoryContent(), { limits: impatient })
    const peer = peerOf(edge)
    const told: unknown[] = []
    peer.addEventListener('refused', ({ detail }) => told.push(detail))
    await until('linked', () => edge.world.transport.links().length === 3)
    const { transport } = edge.world
    const request = transport.request.bind(transport)
    let lost = 0
    transport.request = async (to, body, how) => {
      const isLost = decodeRequest(body).type === 'deliver' && lost++ < 3
      if (isLost) throw new TransportError('link-lost', true)
      return request(to, body, how)
    }
    const receipt = await peer.bucket('notes').put('k', 'one too many', blind)
    await until('it warns', () => peer.status.warnings.length > 0)
    expect(peer.status.warnings[0]).toMatch(/^A write of notes\/k stays on this device: /)
    expect(peer.status.warnings[0]).toContain('merge')
    expect(told).toEqual([])
    expect(receipt.stage).toBe('device')
    // Somebody makes room.
    const notes = peerOf(await ring.startEdge(8)).bucket('notes')
    await notes.put('k', 'all', { context: (await notes.get('k')).context })
    await receipt.reached('quorum')
    await until('it is over', () => peer.status.warnings.length === 0)
  }, 30_000)
})

const impatient: Limits = { ...quick, probeMs: 50 }
