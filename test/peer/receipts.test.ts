/** Receipts are found again by their ids, whatever they were given out for, before and after a reload. */
import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { makeKey } from '../../src/data/key.ts'
import type { Peer, Receipt } from '../../src/peer/api.ts'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import type { Edge } from '../../src/peer/edge.ts'
import type { Member } from '../../src/peer/member.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { counter } from '../../src/values/counter.ts'
import { set } from '../../src/values/set.ts'
import { quick, type TestMember, type TestRing, testRing, until, within } from './ring.ts'

const options = { r: 2, w: 2, warnings: [], close: async () => {} }

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, options)
}

function peerIn(member: Member): Peer {
  return peerOfMember(member, options)
}

async function linked(edge: Edge): Promise<void> {
  await until('linked', () => edge.world.transport.links().length === 3)
}

/** The edge as the next page finds it. */
async function reloaded(
  ring: TestRing,
  edge: Edge,
  content: MemoryContent,
): ReturnType<TestRing['startEdge']> {
  await edge.close()
  await edge.world.transport.close()
  return ring.startEdge(1, content)
}

async function found(peer: Peer, id: string): Promise<Receipt> {
  const receipt = await peer.receipt(id)
  expect(receipt?.id).toBe(id)
  return receipt!
}

function failure(work: Promise<unknown>): Promise<unknown> {
  return work.catch((error: unknown) => error)
}

describe('the receipt of a write that is kept on this device', () => {
  it('is found at every stage, and goes on from there', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const first = await ring.startEdge(1, content)
    await linked(first)
    const [away] = ring.members
    first.gate(false)
    const notes = peerOf(first).bucket('notes', { ack: 'device' })
    const { id, context } = await notes.put('k', 1)

    const second = await reloaded(ring, first, content)
    second.gate(false)
    const atDevice = await found(peerOf(second), id)
    expect(atDevice).toMatchObject({ stage: 'device', context })
    expect(await peerOf(second).receipt(id)).toBe(atDevice)
    away!.transport.setGate(false)
    second.gate(true)
    await atDevice.reached('quorum')

    const third = await reloaded(ring, second, content)
    const atQuorum = await found(peerOf(third), id)
    expect(atQuorum).toMatchObject({ stage: 'quorum', context })
    expect(atQuorum.acks.length).toBeGreaterThanOrEqual(2)
    away!.transport.setGate(true)
    await atQuorum.reached('everywhere')

    const fourth = await reloaded(ring, third, content)
    fourth.gate(false)
    const settled = await found(peerOf(fourth), id)
    expect(settled.stage).toBe('everywhere')
    await settled.reached('everywhere')
    // It names its own write, so that the next put with its context supersedes it.
    await peerOf(fourth).bucket('notes').put('k', 2, { context: settled.context, ack: 'device' })
    fourth.gate(true)
    await until('it arrives', () => fourth.pendingWrites === 0)
    expect((await peerOf(fourth).bucket('notes').get('k')).siblings).toEqual([2])
  }, 30_000)

  it('is found of each of a thousand that took each other’s place', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content)
    edge.gate(false)
    const visits = peerOf(edge).bucket('visits', counter)
    await visits.follow('k')
    const receipts: Receipt[] = []
    for (let i = 0; i < 1000; i++) {
      receipts.push(await visits.update('k', (value, write) => counter.add(value, 1, write)))
    }
    expect(edge.copies.of(makeKey('visits', 'k')).writes[0]!.ids.length).toBeLessThan(50)
    const again = await reloaded(ring, edge, content)
    again.gate(false)
    const peer = peerOf(again)
    const some = await Promise.all([0, 500, 999].map((i) => found(peer, receipts[i]!.id)))
    expect(some.map(({ stage }) => stage)).toEqual(['device', 'device', 'device'])
    again.gate(true)
    await Promise.all(some.map((receipt) => receipt.reached('everywhere')))
    await until('all are one write', () => again.pendingWrites === 0)
    for (const { id } of receipts.filter((_, i) => i % 100 === 7)) {
      await (await found(peer, id)).reached('everywhere')
    }
    expect(counter.total((await peer.bucket('visits', counter).get('k')).value)).toBe(1000)
  }, 30_000)

  it('is found of a key that nobody follows, among others', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content)
    const notes = peerOf(edge).bucket('notes', { ack: 'device' })
    const ids: string[] = []
    for (let i = 0; i < 5; i++) ids.push((await notes.put(`k${i}`, i)).id)
    for (const id of ids) await (await found(peerOf(edge), id)).reached('everywhere')
    const again = await reloaded(ring, edge, content)
    for (const id of ids) expect((await found(peerOf(again), id)).stage).toBe('everywhere')
  })

  it('tells of a close, before and after a reload', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content)
    edge.gate(false)
    const { id } = await peerOf(edge).bucket('notes').put('k', 1, { ack: 'device' })
    const again = await reloaded(ring, edge, content)
    again.gate(false)
    const waiting = failure((await found(peerOf(again), id)).reached('quorum'))
    await again.close()
    expect(await waiting).toMatchObject({ code: 'closed', outcome: 'unknown' })
  })
})

describe('the receipt of a write that a member minted', () => {
  it('is made again from its id, and asks the owners', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content)
    await linked(edge)
    const [away] = ring.members
    away!.transport.setGate(false)
    const given = await peerOf(edge).bucket('notes').put(['k', 'part'], { text: 'hello' })
    expect(given.stage).toBe('quorum')
    expect(await peerOf(edge).receipt(given.id)).toBe(given)

    const again = await reloaded(ring, edge, content)
    const receipt = await found(peerOf(again), given.id)
    expect(receipt).toMatchObject({ stage: 'quorum', context: given.context, acks: [] })
    await receipt.reached('quorum')
    const waiting = receipt.reached('everywhere')
    expect(await within(500, waiting)).toBe('too late')
    away!.transport.setGate(true)
    await waiting
    expect(receipt.stage).toBe('everywhere')
    // Its context is the writer's own: the next put supersedes just that.
    const notes = peerOf(again).bucket('notes')
    await notes.put(['k', 'part'], 2, { context: receipt.context })
    expect((await notes.get(['k', 'part'])).siblings).toEqual([2])
  }, 30_000)

  it('tells of a close after a reload', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content)
    ring.members[0]!.transport.setGate(false)
    const { id } = await peerOf(edge).bucket('notes').put('k', 1)
    const again = await reloaded(ring, edge, content)
    const waiting = failure((await found(peerOf(again), id)).reached('everywhere'))
    await again.close()
    expect(await waiting).toMatchObject({ code: 'closed' })
    expect(await failure((await found(peerOf(again), id)).reached('everywhere'))).toMatchObject({
      code: 'closed',
    })
  })
})

describe('the receipt of a write in a member', () => {
  async function restarted(ring: TestRing, index: number): Promise<TestMember> {
    const before = ring.members[index]!
    await ring.stop(before)
    return ring.startMember(index, before.content)
  }

  it('is found before and after a restart, and asks the owners', async () => {
    const ring = await testRing().start(3)
    const peer = peerIn(ring.members[0]!.member)
    ring.members[2]!.transport.setGate(false)
    const given = await peer.bucket('notes').put('k', 1)
    expect(given.stage).toBe('quorum')
    expect(await peer.receipt(given.id)).toBe(given)
    await peer.close()
    const again = peerIn((await restarted(ring, 0)).member)
    const receipt = await found(again, given.id)
    expect(receipt).toMatchObject({ stage: 'quorum', context: given.context })
    const waiting = receipt.reached('everywhere')
    expect(await within(300, waiting)).toBe('too late')
    ring.members[2]!.transport.setGate(true)
    await waiting
  }, 30_000)

  it('is at the device while no other owner answers, and gets further by itself', async () => {
    const ring = await testRing().start(3)
    const { member, transport } = ring.members[0]!
    const peer = peerIn(member)
    const visits = peer.bucket('visits', counter)
    await (
      await visits.update('k', (value, write) => counter.add(value, 1, write))
    ).reached('everywhere')
    transport.setGate(false)
    await until('cut', () => member.world.links.suspects().length === 2)
    const receipts = []
    for (let i = 0; i < 2; i++) {
      receipts.push(await visits.update('k', (value, write) => counter.add(value, 1, write)))
    }
    expect(receipts.map(({ stage }) => stage)).toEqual(['device', 'device'])
    expect(receipts[0]!.acks).toEqual([member.id])
    expect(peer.status.pendingWrites).toBe(2)
    transport.setGate(true)
    await Promise.all(receipts.map((receipt) => receipt.reached('quorum')))
    await until('nothing is pending', () => peer.status.pendingWrites === 0)
    await Promise.all(receipts.map((receipt) => receipt.reached('everywhere')))
    expect(
      counter.total(
        (await peerIn(ring.members[1]!.member).bucket('visits', counter).get('k')).value,
      ),
    ).toBe(3)
  }, 30_000)

  it('at the device is found there after a restart, and gets further when somebody waits', async () => {
    const ring = await testRing().start(3)
    const { member, transport } = ring.members[0]!
    const peer = peerIn(member)
    transport.setGate(false)
    await until('cut', () => member.world.links.suspects().length === 2)
    const { id } = await peer.bucket('visits', counter).update('k', (value, write) => {
      return counter.add(value, 1, write)
    })
    const again = peerIn((await restarted(ring, 0)).member)
    const receipt = await found(again, id)
    expect(receipt.stage).toBe('device')
    await receipt.reached('quorum')
  }, 30_000)

  it('is at a quorum as soon as so many owners have it, whoever is still away', async () => {
    const ring = await testRing().start(3)
    const { member, transport } = ring.members[0]!
    const peer = peerIn(member)
    const pending: number[] = []
    peer.addEventListener('status', ({ detail }) => pending.push(detail.pendingWrites))
    for (const each of ring.members) each.transport.setGate(false)
    await until('cut', () => member.world.links.suspects().length === 2)
    const receipt = await peer.bucket('notes').put('k', 1, { ack: 'device' })
    await until('its status says so', () => pending.at(-1) === 1)
    // Its own attempt is over by then: what is asked is the owners.
    await until('it has given up', () => !member.world.tasks.labels.includes('write'), 10_000)
    expect(receipt.stage).toBe('device')
    transport.setGate(true)
    ring.members[1]!.transport.setGate(true)
    await receipt.reached('quorum')
    expect(receipt.stage).toBe('quorum')
    await until('its status says that too', () => pending.at(-1) === 0)
  }, 30_000)

  it('follows an update that started from this member’s own record, when no other answers', async () => {
    const ring = await testRing().start(3)
    const { member } = ring.members[0]!
    const sets = peerIn(member).bucket('sets', set)
    await (
      await sets.update('k', (value, write) => set.add(value, 'before', write))
    ).reached('everywhere')
    // Nobody is suspect yet: that they are silent turns out while they are asked.
    member.world.transport.request = () => Promise.reject(new TransportError('deadline', true))
    for (const turn of ['as it turns out', 'as it is known']) {
      let seen: readonly string[] = []
      await sets.update('k', (value, write) => {
        seen = set.elements(value)
        return set.add(value, turn, write)
      })
      expect(seen).toContain('before')
    }
  }, 30_000)

  it('of a key that others own is given once an owner has it', async () => {
    const ring = await testRing().start(5)
    const { member } = ring.members[0]!
    const peer = peerIn(member)
    const name = Array.from({ length: 60 }, (_, i) => `k${i}`).find((each) => {
      const { owners } = placementOf(member.view.ring, makeKey('visits', each).position)
      return !owners.includes(member.id)
    })!
    const add = (by: Peer) =>
      by.bucket('visits', counter).update(name, (value, write) => counter.add(value, 1, write))
    await (await add(peer)).reached('everywhere')
    expect(counter.total((await peer.bucket('visits', counter).get(name)).value)).toBe(1)
  })

  it('that must reach a quorum and does not says so', async () => {
    const ring = await testRing().start(3)
    const { member, transport } = ring.members[0]!
    transport.setGate(false)
    const put = peerIn(member).bucket('notes', { ack: 'quorum' }).put('k', 1)
    await expect(put).rejects.toMatchObject({ code: 'quorum-not-reached', outcome: 'unknown' })
    expect(quick.requestMs).toBeLessThan(5000)
  })
})

describe('a receipt', () => {
  it('that was waited for with too many others may be waited for again', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1, new MemoryContent(), {
      limits: { ...quick, requestsInFlight: 2 },
    })
    await linked(edge)
    const away = ring.members[2]!.transport
    away.setGate(false)
    const notes = peerOf(edge).bucket('notes')
    const receipts: Receipt[] = []
    for (const key of ['a', 'b', 'c']) receipts.push(await notes.put(key, 1))
    const waiting = receipts.map((receipt) => failure(receipt.reached('everywhere')))
    expect(await waiting[0]).toMatchObject({ code: 'overloaded' })
    away.setGate(true)
    await Promise.all(waiting.slice(1))
    await receipts[0]!.reached('everywhere')
    expect(receipts[0]!.stage).toBe('everywhere')
  }, 20_000)

  it('of a write that is made while its peer closes says so to whoever waits', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('notes', { ack: 'device' })
    await edge.close()
    const receipt = await notes.put('k', 1)
    const waiting = failure(receipt.reached('quorum'))
    expect(await within(2000, waiting)).toMatchObject({ code: 'closed', outcome: 'unknown' })
  })
})

describe('what is no receipt’s id', () => {
  it('finds nothing, and throws nothing', async () => {
    const ring = await testRing().start(1)
    const edge = await ring.startEdge(1)
    const minted = await peerOf(edge).bucket('notes').put('k', 1, { ack: 'device' })
    const [actor] = minted.id.split(':')
    const nothing = [
      '',
      'x',
      'f.',
      'f.AAAA',
      'f.AAAAAAAAAAAAAAAAAAAAAAAA',
      '__proto__',
      `${actor}:2`,
      `${actor}:0`,
      `${actor}:-1`,
      `${actor}:1-9`,
      `${'Z'.repeat(16)}.1:1`,
      undefined,
      7,
      {},
    ]
    for (const peer of [peerOf(edge), peerIn(ring.members[0]!.member)]) {
      for (const id of nothing) expect(await peer.receipt(id as string)).toBeUndefined()
    }
    expect(await peerIn(ring.members[0]!.member).receipt(minted.id)).toBeUndefined()
  })
})
