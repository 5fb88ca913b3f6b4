/** What an edge keeps, follows and watches: copies that are the owners' word, and never an older one. */
import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { toBinaryText } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { Peer } from '../../src/peer/api.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import { counter } from '../../src/values/counter.ts'
import { pause, testRing, until, within } from './ring.ts'

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
}

describe('the copies of an edge', () => {
  it('tell nobody of a refresh that brought nothing new', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('notes')
    await notes.put('k', 1)
    await notes.follow('k')
    await notes.get('k')
    await pause(300)
    let told = 0
    const watcher = { changed: () => void told++, ended: () => {} }
    const stop = await edge.watch(makeKey('notes', 'k'), watcher)
    for (let i = 0; i < 5; i++) await notes.get('k')
    stop()
    expect(told).toBe(0)
  })

  it('never go back to an answer that is older than what is shown', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('notes')
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    await other.put('k', 'old')
    await mine.follow('k')
    await until('old is here', async () => (await mine.get('k', { consistency: 'local' })).found)
    const { transport } = edge.world
    const request = transport.request.bind(transport)
    let hold = true
    // A slow link: the reply to this one get comes half a second late.
    transport.request = async (to, body, options) => {
      const slow = body[1] === 4 && hold
      if (slow) hold = false
      const reply = await request(to, body, options)
      if (slow) await pause(300)
      return reply
    }
    const late = mine.get('k')
    await pause(50)
    await other.get('k')
    await other.put('k', 'new')
    await until(
      'new is shown',
      async () => {
        return (await mine.get('k', { consistency: 'local' })).value === 'new'
      },
      250,
    )
    await late
    expect((await mine.get('k', { consistency: 'local' })).value).toBe('new')
  })

  it('keep of a key that is followed no more only what must never be used twice', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content)
    const notes = peerOf(edge).bucket('notes')
    const key = makeKey('notes', 'k')
    await notes.follow('k')
    await (await notes.put('k', 'x'.repeat(10_000))).reached('everywhere')
    const { minter } = edge.copies.of(key)
    await notes.unfollow('k')
    expect(edge.copies.of(key)).toMatchObject({ minter, minted: 1, count: 1, writes: [] })
    expect(content.values.get(toBinaryText(storageKeys.edge(key)))!.length).toBeLessThan(100)
    await notes.follow('empty')
    await notes.unfollow('empty')
    expect(content.values.has(toBinaryText(storageKeys.edge(makeKey('notes', 'empty'))))).toBe(
      false,
    )
  })

  it('that cannot be read any more are started anew, and no write is counted twice', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const first = await ring.startEdge(1, content)
    const counts = peerOf(first).bucket('counts', counter)
    await counts.follow('x')
    for (let i = 0; i < 3; i++) {
      const receipt = await counts.update('x', (value, write) => counter.add(value, 1, write))
      await receipt.reached('everywhere')
    }
    await first.close()
    content.set(toBinaryText(storageKeys.edge(makeKey('counts', 'x'))), Uint8Array.of(0xff, 0xff))

    const again = await ring.startEdge(1, content)
    expect(ring.events.some(({ type }) => type === 'quarantined')).toBe(true)
    const mended = peerOf(again).bucket('counts', counter)
    await mended.follow('x')
    await until('it has links', () => again.world.transport.links().length === 3)
    await mended.update('x', (value, write) => counter.add(value, 1, write))
    const actor = again.copies.of(makeKey('counts', 'x')).minter
    expect(counter.total((await mended.get('x')).value)).toBe(4)
    expect(actor).toMatch(/\.2$/)
  })
})

describe('a watch at an edge', () => {
  it('ends when the edge is closed', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
    const bucket = peer.bucket('notes')
    const watching = (async () => {
      for await (const _ of bucket.watch('k'));
    })()
    await pause(50)
    await peer.close()
    expect(
      await within(
        1500,
        watching.then(
          () => 'ended',
          () => 'ended',
        ),
      ),
    ).toBe('ended')
  })

  it('is over what it alone followed, and not what the application follows', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('notes')
    const isFollowed = (name: string) => edge.copies.of(makeKey('notes', name)).followed
    await notes.follow('asked for')
    const stops = [new AbortController(), new AbortController()]
    const watch = async (name: string, { signal }: AbortController) => {
      for await (const _ of notes.watch(name, { signal }));
    }
    const watching = [
      watch('asked for', stops[0]!),
      watch('watched', stops[0]!),
      watch('watched', stops[1]!),
    ]
    await until('both are followed', () => isFollowed('watched'))
    stops[0]!.abort()
    await Promise.all(watching.slice(0, 2))
    await pause(400)
    expect(isFollowed('watched')).toBe(true)
    stops[1]!.abort()
    await until('it is followed no more', () => !isFollowed('watched'))
    expect(isFollowed('asked for')).toBe(true)
  })

  it('of a page that went away leaves its copy for the next, which may have no network', async () => {
    const ring = await testRing().start(3)
    const content = new MemoryContent()
    const first = await ring.startEdge(1, content)
    await peerOf(await ring.startEdge(2))
      .bucket('notes')
      .put('k', 'kept')
    const notes = peerOf(first).bucket('notes')
    let seen: unknown
    const watching = (async () => {
      for await (const { value } of notes.watch('k')) seen = value
    })()
    await until('it is shown', () => seen === 'kept')
    await first.close()
    await watching
    const again = await ring.startEdge(1, content)
    again.gate(false)
    for await (const { value } of peerOf(again).bucket('notes').watch('k')) {
      expect(value).toBe('kept')
      break
    }
  })
})
