/** An edge whose other side, the one that faces the ring, comes a while later, as in a page that fetches its code. */
import { describe, expect, test } from 'vitest'
import { splitKey } from '../../src/data/key.ts'
import type { Peer } from '../../src/peer/api.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import { openRingSide, type OpenRingSide, type RingSide } from '../../src/peer/ring-side.ts'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { set } from '../../src/values/set.ts'
import { pause, quick, testRing, type TestRing, until } from './ring.ts'

const options = { r: 2, w: 2, warnings: [], close: async () => {} }

/** Whoever waits for a time-out waits longer than a test. */
const patient = { ...quick, requestMs: 600_000 }

/** Comes when it is let in; each try has its own fate. */
function lateSide() {
  const tries: PromiseWithResolvers<void>[] = []
  const ringSide: OpenRingSide = async (parts): Promise<RingSide> => {
    const coming = Promise.withResolvers<void>()
    tries.push(coming)
    await coming.promise
    return openRingSide(parts)
  }
  return { tries, ringSide, come: () => tries.at(-1)!.resolve() }
}

async function latePeer(ring: TestRing, content?: MemoryContent, limits = quick) {
  const late = lateSide()
  const edge = await ring.startEdge(1, content, { ringSide: late.ringSide, limits })
  return { ...late, edge, peer: peerOfEdge(edge, options) }
}

async function otherPeer(ring: TestRing): Promise<Peer> {
  return peerOfEdge(await ring.startEdge(2), options)
}

describe('until its other side has come, an edge', () => {
  test('writes and shows what it has written, and delivers it afterwards', async () => {
    const ring = await testRing().start(3)
    const { peer, come } = await latePeer(ring)
    const tags = peer.bucket('tags', set)
    const receipt = await tags.update('post', (value, write) => set.add(value, 'blue', write))
    const shown = await tags.get('post', { consistency: 'local' })
    expect([set.elements(shown.value), shown.pending, receipt.stage]).toEqual([
      ['blue'],
      1,
      'device',
    ])
    expect(peer.status).toMatchObject({ reach: 'none', members: [], pendingWrites: 1 })
    come()
    await receipt.reached('everywhere')
    expect(peer.status.members).toHaveLength(3)
    const elsewhere = (await otherPeer(ring)).bucket('tags', set)
    expect(set.elements((await elsewhere.get('post')).value)).toEqual(['blue'])
  })

  test('lets a write take the place of one that nobody can have seen', async () => {
    const ring = await testRing().start(3)
    const { peer, edge, come } = await latePeer(ring)
    const notes = peer.bucket('notes')
    await notes.follow('k')
    const first = await notes.put('k', 'first', { ack: 'device' })
    await notes.put('k', 'second', { ack: 'device' })
    expect(edge.copies.pendingWrites).toBe(1)
    come()
    await first.reached('everywhere')
    expect((await notes.get('k')).siblings).toEqual(['second'])
  })

  test('keeps those waiting who ask the ring, and answers them afterwards', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const before = peerOfEdge(await ring.startEdge(1, content), options)
    await (await before.bucket('notes').put('k', 'there')).reached('everywhere')
    await before.close()
    const { peer, come } = await latePeer(ring, content)
    const notes = peer.bucket('notes')
    const asked = [notes.get('k'), notes.put('other', 1), peer.locate('notes', 'k'), peer.reports()]
    await pause(50)
    come()
    const [read, , location, reports] = await Promise.all(asked)
    expect(read).toMatchObject({ siblings: ['there'], source: 'quorum' })
    expect(location).toMatchObject({ preference: [{ holds: 'all' }, { holds: 'all' }, {}] })
    expect(reports).toHaveLength(3)
  })

  test('says that nobody can be reached when it does not come in time', async () => {
    const ring = await testRing().start(3)
    const { peer } = await latePeer(ring, undefined, { ...quick, requestMs: 100 })
    const notes = peer.bucket('notes')
    await expect(notes.get('k')).rejects.toMatchObject({ code: 'unreachable', outcome: 'refused' })
    await expect(peer.reports()).rejects.toMatchObject({ code: 'unreachable' })
    const entries = notes.entries({ prefix: 'k' })[Symbol.asyncIterator]()
    await expect(entries.next()).rejects.toMatchObject({ code: 'unreachable' })
    // It reached nobody for certain, so it is kept here.
    await expect(notes.put('k', 1)).rejects.toMatchObject({ code: 'quorum-not-reached' })
    expect(peer.status.pendingWrites).toBe(1)
  })

  test('follows, and asks about what it followed as soon as it can', async () => {
    const ring = await testRing().start(3)
    await (await otherPeer(ring)).bucket('notes').put('k', 'there')
    const { peer, come } = await latePeer(ring)
    const stop = new AbortController()
    const shown: unknown[] = []
    const watching = (async () => {
      for await (const { siblings } of peer.bucket('notes').watch('k', { signal: stop.signal })) {
        shown.push(siblings)
      }
    })()
    await until('it shows that it has nothing', () => shown.length === 1)
    come()
    await until('it shows what is there', () => shown.length > 1)
    expect(shown).toEqual([[], ['there']])
    stop.abort()
    await watching
  })

  test('tells its other side of what was followed and never answered for, and of nothing else', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const before = peerOfEdge(await ring.startEdge(1, content), options)
    await before.bucket('notes').follow('old')
    await (await before.bucket('notes').put('old', 1)).reached('everywhere')
    await before.close()
    const told: string[] = []
    const coming = Promise.withResolvers<void>()
    const ringSide: OpenRingSide = async (parts) => {
      await coming.promise
      const side = openRingSide(parts)
      const followed = side.followed.bind(side)
      side.followed = (key) => {
        told.push(splitKey(key).path.join('/'))
        followed(key)
      }
      return side
    }
    const edge = await ring.startEdge(1, content, { ringSide })
    await peerOfEdge(edge, options).bucket('notes').follow('new')
    coming.resolve()
    await until('it is told', () => told.length > 0)
    expect(told).toEqual(['new'])
  })

  test('shows what an earlier session has kept', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const before = peerOfEdge(await ring.startEdge(1, content), options)
    await before.bucket('notes').follow('k')
    await (await before.bucket('notes').put('k', 'kept')).reached('everywhere')
    await before.close()
    const { peer } = await latePeer(ring, content)
    const read = await peer.bucket('notes').get('k', { consistency: 'local' })
    expect(read).toMatchObject({ siblings: ['kept'], source: 'local', stage: 'everywhere' })
  })

  test('sleeps, and dials nobody before it is woken', async () => {
    const ring = await testRing().start(3)
    const { edge, come } = await latePeer(ring)
    edge.sleep()
    come()
    await pause(300)
    expect(edge.world.transport.links()).toEqual([])
    edge.wake()
    await until('it is linked', () => edge.world.transport.links().length === 3)
  })

  test('closes at once: whoever waits hears it, and what comes then is not started', async () => {
    const ring = await testRing().start(3)
    const { peer, edge, come } = await latePeer(ring, undefined, patient)
    const reading = peer.bucket('notes').get('k')
    const refusal = reading.catch((error: unknown) => error)
    await peer.close()
    expect(await refusal).toMatchObject({ code: 'unreachable' })
    come()
    await pause(100)
    expect(edge.world.transport.links()).toEqual([])
    await expect(peer.bucket('notes').get('k')).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('an other side that cannot be fetched', () => {
  test('is told to those who wait at once, and fetched again by the next who asks', async () => {
    const ring = await testRing().start(3)
    const { peer, tries, come } = await latePeer(ring, undefined, patient)
    const notes = peer.bucket('notes')
    const reading = notes.get('k')
    tries[0]!.reject(new TypeError('Failed to fetch'))
    await expect(reading).rejects.toMatchObject({ code: 'unreachable' })
    const again = notes.get('k')
    expect(tries).toHaveLength(2)
    come()
    expect(await again).toMatchObject({ found: false, source: 'quorum' })
  })

  test('is fetched again when the edge is woken', async () => {
    const ring = await testRing().start(3)
    const { edge, tries, come } = await latePeer(ring)
    tries[0]!.reject(new TypeError('Failed to fetch'))
    await until('that is noted', () => {
      return ring.events.some(({ detail }) => detail?.includes('Failed to fetch') === true)
    })
    edge.wake()
    expect(tries).toHaveLength(2)
    come()
    await until('it is linked', () => edge.world.transport.links().length === 3)
  })
})
