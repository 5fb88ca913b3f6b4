/** The peer as an application holds it: events, the ring, who holds what, what members say of themselves. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { apply, emptyState, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import type { Peer, PeerStatus } from '../../src/peer/api.ts'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { decodeRequest, encodeReply, type Reply } from '../../src/protocol/message.ts'
import { pause, quick, type TestRing, testRing, until } from './ring.ts'

const options = { r: 2, w: 2, warnings: [], close: async () => {} }

async function edgeOf(ring: TestRing): Promise<Peer> {
  return peerOfEdge(await ring.startEdge(1), options)
}

function memberOf(ring: TestRing, index: number): Peer {
  return peerOfMember(ring.members[index]!.member, options)
}

describe('the status event', () => {
  it('carries the new status, to every listener, once for the changes of one turn', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOfEdge(edge, options)
    await until('linked', () => peer.status.reach === 'all')
    await pause(50)
    const heard: PeerStatus[] = []
    const also: PeerStatus[] = []
    peer.addEventListener('status', ({ detail }) => heard.push(detail))
    peer.addEventListener('status', ({ detail }) => also.push(detail))
    for (let i = 0; i < 5; i++) edge.copies.touched()
    peer.setGate(false)
    await until('heard', () => heard.length > 0)
    expect(heard[0]).toMatchObject({ gate: 'closed', reach: 'none' })
    expect(also[0]).toBe(heard[0])
    // One of the turn, and at most one for each link that ended.
    await pause(50)
    expect(heard.length).toBeLessThanOrEqual(4)
  })

  it('ends with its signal, after one time, or when it is taken back', async () => {
    const ring = await testRing().start(1)
    const edge = await ring.startEdge(1)
    const peer = peerOfEdge(edge, options)
    const heard = { signal: 0, once: 0, removed: 0, kept: 0 }
    const stop = new AbortController()
    const removed = (): void => void heard.removed++
    peer.addEventListener('status', () => heard.kept++)
    peer.addEventListener('status', () => heard.signal++, { signal: stop.signal })
    peer.addEventListener('status', () => heard.once++, { once: true })
    peer.addEventListener('status', removed)
    edge.copies.touched()
    await until('heard', () => heard.removed > 0)
    const { signal } = heard
    const before = heard.removed
    stop.abort()
    peer.removeEventListener('status', removed)
    const { kept } = heard
    edge.copies.touched()
    await until('heard again', () => heard.kept > kept)
    expect(heard).toMatchObject({ signal, once: 1, removed: before })
  })

  it('goes on, and so does the peer, when a listener throws', async () => {
    const child = new URL('./listener-child.ts', import.meta.url)
    const { stdout } = await promisify(execFile)(process.execPath, [child.pathname])
    expect(JSON.parse(stdout)).toEqual({ thrown: ['mine'], others: 2, failedTasks: 0, value: 1 })
  })

  it('says that this device is awake, and what its store says of its space', async () => {
    const ring = await testRing().start(1)
    const edge = await ring.startEdge(1)
    edge.world.storage.usage = async () => ({ usedBytes: 5, persisted: false })
    const peer = peerOfEdge(edge, options)
    edge.copies.touched()
    await until('told', () => peer.status.storage.usedBytes === 5)
    expect(peer.status).toMatchObject({ activity: 'awake', storage: { persisted: false } })
  })
})

it('says what a member has to do, and nothing of the kind of an edge', async () => {
  const ring = await testRing().start(3)
  const [edge, member] = [await edgeOf(ring), memberOf(ring, 0)]
  const carts = member.bucket('carts')
  for (let i = 0; i < 30; i++) await carts.put('alice', { i })
  const { load } = member.status
  expect(load).toMatchObject({ underWay: 0, refused: 0, hedged: 0, background: 1 })
  expect(load!.p99Ms).toBeGreaterThan(0)
  expect(edge.status.load).toBeUndefined()
})

describe('the ring as a peer shows it', () => {
  it('is one picture at edges and members, and the same object until it changes', async () => {
    const ring = await testRing().start(4)
    const [edge, member] = [await edgeOf(ring), memberOf(ring, 0)]
    await until('the edge knows all', () => edge.ring.members.length === 4)
    expect(edge.ring.partitions).toBe(16)
    expect(edge.ring.members).toEqual(ring.members.map((each) => each.member.id).toSorted())
    for (let partition = 0; partition < 16; partition++) {
      expect(edge.ring.owners(partition)).toHaveLength(3)
      expect(edge.ring.owners(partition)).toEqual(member.ring.owners(partition))
    }
    expect(edge.ring).toBe(edge.ring)
    const before = edge.ring
    await ring.startMember(4)
    await until('a fifth joins', () => edge.ring.members.length === 5)
    expect(before.members).toHaveLength(4)
  })

  it('is nobody’s to change', async () => {
    const ring = await testRing().start(3)
    const { ring: shown } = memberOf(ring, 0)
    const owners = [...shown.owners(0)]
    ;(shown.owners(0) as string[]).length = 0
    expect(shown.owners(0)).toEqual(owners)
    expect(() => (shown.members as string[]).pop()).toThrow(TypeError)
    expect(() => shown.owners(16)).toThrow(RangeError)
  })
})

describe('where a key is', () => {
  it('is with all owners once a write is everywhere, and with no fallback', async () => {
    const ring = await testRing().start(5)
    const edge = await edgeOf(ring)
    await until('the edge knows all', () => edge.ring.members.length === 5)
    await edge.bucket('notes').put('k', 1, { ack: 'everywhere' })
    for (const peer of [edge, memberOf(ring, 0), memberOf(ring, 4)]) {
      const { partition, preference } = await peer.locate('notes', 'k')
      expect(partition).toBe(peer.ring.partitionOf('notes', 'k'))
      expect(preference.slice(0, 3).map(({ member }) => member)).toEqual(
        peer.ring.owners(partition),
      )
      expect(preference.map(({ role, holds, siblings }) => [role, holds, siblings])).toEqual([
        ...Array.from({ length: 3 }, () => ['owner', 'all', 1]),
        ...Array.from({ length: 2 }, () => ['fallback', 'none', 0]),
      ])
    }
  })

  it('tells apart who has all, who has less, who has nothing and who is silent', async () => {
    const ring = await testRing().start(5)
    const edge = await ring.startEdge(1)
    const peer = peerOfEdge(edge, options)
    await until('the edge knows all', () => peer.ring.members.length === 5)
    const key = makeKey('notes', 'k')
    const write = (actor: string): Reply & { type: 'read' } => {
      const value = makeValue(utf8(actor), 0)
      const state = apply(emptyState, { actor, counter: 1 }, nothingSeen, value)
      return { type: 'read', state, owner: true }
    }
    const one = write('AAAAAAAAAAAAAAAA.1')
    const two = write('BBBBBBBBBBBBBBBB.1')
    const both = apply(
      one.state!,
      two.state!.siblings[0]!.dot,
      nothingSeen,
      makeValue(utf8('BBBBBBBBBBBBBBBB.1'), 0),
    )
    const refusal = {
      message: '',
      outcome: 'refused',
      remedy: undefined,
      needed: 0,
      got: 0,
      answers: [],
    } as const
    const { preference: before } = await peer.locate('notes', 'k')
    const answers = new Map<string, Reply>([
      [before[0]!.member, { ...one, state: both }],
      [before[1]!.member, two],
      [before[2]!.member, { ...one, state: emptyState }],
      [before[3]!.member, { type: 'refused', code: 'store-lost', ...refusal }],
    ])
    edge.world.transport.request = async (to, body) => {
      expect(decodeRequest(body)).toMatchObject({ type: 'read', key: { text: key.text } })
      const answer = answers.get(to)
      if (answer === undefined) throw new TransportError('deadline', true)
      return encodeReply(answer)
    }
    const { preference } = await peer.locate('notes', 'k')
    expect(preference.map(({ holds, siblings }) => [holds, siblings])).toEqual([
      ['all', 2],
      ['part', 1],
      ['none', 0],
      ['silent', 0],
      ['silent', 0],
    ])
    // Curiosity is no reason to turn away from anybody.
    expect(edge.world.links.suspects()).toEqual([])
  })

  it('is nowhere that is told while the peer is cut off', async () => {
    const ring = await testRing().start(3)
    const peer = await edgeOf(ring)
    await until('the edge knows all', () => peer.ring.members.length === 3)
    peer.setGate(false)
    const { preference } = await peer.locate('notes', ['alice', 'a'])
    expect(preference.map(({ holds }) => holds)).toEqual(['silent', 'silent', 'silent'])
  })

  it('is a bad question of what is no key', async () => {
    const ring = await testRing().start(1)
    const peer = memberOf(ring, 0)
    await expect(peer.locate('notes', '')).rejects.toMatchObject({ code: 'bad-argument' })
    expect(() => peer.ring.partitionOf('', 'k')).toThrow(/bucket/)
  })
})

describe('what members say of themselves', () => {
  it('is told by each that answers, and said of each that does not', async () => {
    const ring = await testRing().start(4)
    const edge = await edgeOf(ring)
    const away = ring.members[3]!
    const kept = Array.from({ length: 40 }, (_, i) => `k${i}`)
    await until('the edge knows all', () => edge.ring.members.length === 4)
    away.transport.setGate(false)
    for (const name of kept) await edge.bucket('notes').put(name, 1)
    const here = memberOf(ring, 0)
    await until('all say what they hold and owe', async () => {
      const said = await edge.reports()
      const keys = said.reduce((sum, report) => sum + report.keys, 0)
      return keys === 3 * kept.length && said.some(({ hints }) => hints > 0)
    })
    const told = await here.reports()
    expect(told.map(({ member }) => member)).toEqual(here.ring.members)
    for (const report of told) {
      const silent = report.member === away.member.id
      expect(report.answered).toBe(!silent)
      if (silent) expect(report).toMatchObject({ hints: 0, keys: 0, suspects: [] })
      else expect(report.suspects).toEqual([away.member.id])
    }
    expect(quick.ownerMs).toBeLessThan(1000)
  }, 10_000)
})
