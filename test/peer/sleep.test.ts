/** Sleeping and waking: an edge whose tab is frozen, hidden or offline, and what heals when it is back. */
import { describe, expect, it } from 'vitest'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import type { Peer } from '../../src/peer/api.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { decodeRequest, type Request } from '../../src/protocol/message.ts'
import { set } from '../../src/values/set.ts'
import { pause, testRing, until } from './ring.ts'

const options = { r: 2, w: 2, warnings: [], close: async () => {} }

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, options)
}

/** What this edge asks from now on. */
function askedBy(edge: Edge): Request['type'][] {
  const asked: Request['type'][] = []
  const { transport } = edge.world
  const request = transport.request.bind(transport)
  transport.request = (to, body, how) => {
    asked.push(decodeRequest(body).type)
    return request(to, body, how)
  }
  return asked
}

describe('an edge that sleeps', () => {
  it('is no follower any more, and nobody’s suspect', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    await peerOf(edge).bucket('notes').follow('k')
    const followers = () => ring.members.map(({ member }) => member.followers)
    await until('all tell it', () => followers().every((count) => count === 1))
    edge.sleep()
    await until('nobody tells it', () => followers().every((count) => count === 0))
    await pause(300)
    expect(edge.world.transport.links()).toHaveLength(3)
    expect(ring.events.filter(({ type, to }) => type === 'suspect' && to === edge.id)).toEqual([])
  })

  it('starts nothing, and keeps what is written', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const notes = peer.bucket('notes')
    await notes.follow('k')
    await until('linked', () => edge.world.transport.links().length === 3)
    await (await notes.put('k', 'before')).reached('everywhere')
    edge.sleep()
    // What was asked just before may still be on its way to the next question.
    await edge.world.tasks.idle()
    const asked = askedBy(edge)
    const receipt = await notes.put('k', 'asleep', { ack: 'device' })
    await pause(800)
    expect(asked).toEqual([])
    expect(receipt.stage).toBe('device')
    expect(peer.status).toMatchObject({ activity: 'asleep', pendingWrites: 1 })

    edge.wake()
    await receipt.reached('everywhere')
    expect(peer.status).toMatchObject({ activity: 'awake', pendingWrites: 0 })
    expect(
      (
        await peerOf(await ring.startEdge(2))
          .bucket('notes')
          .get('k')
      ).value,
    ).toBe('asleep')
  })

  it('follows anew when it wakes, and has what it missed', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('notes')
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    await mine.follow('k')
    await until('all tell it', () => ring.members.every(({ member }) => member.followers === 1))
    edge.sleep()
    await until('nobody tells it', () => ring.members.every(({ member }) => member.followers === 0))
    await other.put('k', 'missed')
    expect((await mine.get('k', { consistency: 'local' })).found).toBe(false)
    edge.wake()
    const shows = async (value: unknown): Promise<boolean> => {
      return (await mine.get('k', { consistency: 'local' })).value === value
    }
    await until('it has what it missed', () => shows('missed'))
    await until('all tell it again', () =>
      ring.members.every(({ member }) => member.followers === 1),
    )
    await other.put('k', 'told')
    await until('it is told', () => shows('told'))
  })

  it('goes on asking when it wakes, although links stood all the while', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    await until('linked', () => edge.world.transport.links().length === 3)
    edge.sleep()
    await edge.world.tasks.idle()
    const asked = askedBy(edge)
    edge.wake()
    expect(asked.filter((type) => type === 'ping')).toHaveLength(3)
    // Its loops run on.
    await until('it gossips', () => asked.includes('gossip'))
  })

  it('can be closed', async () => {
    const ring = await testRing().start(1)
    const edge = await ring.startEdge(1)
    edge.sleep()
    await edge.close()
    edge.wake()
    expect(edge.activity).toBe('asleep')
  })
})

describe('a gate that opens', () => {
  it('delivers and merges at once, not at the next probe', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const sets = peer.bucket('sets', set, { ack: 'device' })
    await sets.follow('s')
    await until('linked', () => edge.world.transport.links().length === 3)
    peer.setGate(false)
    await until('cut', () => edge.world.links.suspects().length === 3)
    const receipt = await sets.update('s', (value, write) => set.add(value, 'mine', write))
    const other = peerOf(await ring.startEdge(2)).bucket('sets', set)
    await (
      await other.update('s', (value, write) => set.add(value, 'theirs', write))
    ).reached('quorum')
    // No probe comes by itself.
    edge.world.links.dueProbes = (everyMs) => (everyMs === 0 ? edge.world.links.suspects() : [])
    peer.setGate(true)
    await receipt.reached('quorum')
    await until('merged', async () => {
      return set.elements((await sets.get('s', { consistency: 'local' })).value).length === 2
    })
  })

  it('lets a member try everybody at once', async () => {
    const ring = await testRing().start(3)
    const { member } = ring.members[0]!
    const peer = peerOfMember(member, options)
    peer.setGate(false)
    await until('cut', () => member.world.links.suspects().length === 2)
    const { dueProbes } = member.world.links
    member.world.links.dueProbes = (everyMs) => {
      return everyMs === 0 ? dueProbes.call(member.world.links, 0) : []
    }
    peer.setGate(true)
    await until('all answer', () => peer.status.reach === 'all')
  })
})
