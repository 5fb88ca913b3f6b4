/** What an application sees of values that expire, at a member and at an edge, and how they go. */
import { describe, expect, test } from 'vitest'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import type { Peer } from '../../src/peer/api.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import { makeKey } from '../../src/data/key.ts'
import { set } from '../../src/values/set.ts'
import { quick, type TestRing, testRing, until } from './ring.ts'

const options = { r: 2, w: 2, warnings: [], close: async () => {} }

async function peersOf(ring: TestRing): Promise<readonly [string, Peer][]> {
  const edge = await ring.startEdge(1)
  await until('linked', () => edge.world.transport.links().length === 3)
  return [
    ['a member', peerOfMember(ring.members[0]!.member, options)],
    ['an edge', peerOfEdge(edge, options)],
  ]
}

/** A value lives for so long in these tests: enough for a write and a read on a busy machine. */
const ttlMs = 2000

describe('a value that expires', () => {
  test('is read, listed and watched until then, and no longer', async () => {
    const ring = await testRing().start(3)
    for (const [name, peer] of await peersOf(ring)) {
      const notes = peer.bucket(`notes of ${name}`)
      await notes.put('k', 'mug', { ttlMs })
      expect(await notes.get('k')).toMatchObject({ found: true, value: 'mug' })
      const shown: unknown[] = []
      const controller = new AbortController()
      for await (const { found, value } of notes.watch('k', { signal: controller.signal })) {
        // A watch of a key that was not followed may begin before there is a copy to show.
        if (shown.length > 0 || found) shown.push(value)
        if (shown.length > 0 && !found) controller.abort()
      }
      expect([...new Set(shown)]).toEqual(['mug', undefined])
      expect(await notes.get('k')).toMatchObject({ found: false, siblings: [] })
      const local = await notes.get('k', { consistency: 'local' })
      expect(local).toMatchObject({ found: false, siblings: [] })
      for await (const { key } of notes.entries({ prefix: 'k' })) expect(key).toBeUndefined()
    }
  })

  test('lives as long as its bucket says, unless the write says otherwise', async () => {
    const ring = await testRing().start(3)
    const notes = peerOfMember(ring.members[0]!.member, options).bucket('notes', { ttlMs: 200 })
    await notes.put('short', 1)
    await notes.put('long', 2, { ttlMs: 1e12 })
    await notes.put('ever', 3, { ttlMs: 'none' })
    await until('the short one is over', async () => !(await notes.get('short')).found)
    expect((await notes.get('long')).value).toBe(2)
    expect((await notes.get('ever')).value).toBe(3)
  })

  test('is no part of what a type merges, and what follows supersedes it', async () => {
    const ring = await testRing().start(3)
    const tags = peerOfMember(ring.members[0]!.member, options).bucket('tags', set)
    await tags.put('k', set.empty)
    await tags.update('k', (value, write) => set.add(value, 'old', write), { ttlMs: 200 })
    await until('it is over', async () => !(await tags.get('k')).found)
    await tags.update('k', (value, write) => set.add(value, 'new', write))
    const { value, found } = await tags.get('k')
    expect(found).toBe(true)
    expect(set.elements(value)).toEqual(['new'])
  })

  test('is forgotten by all members, as a deleted key is', async () => {
    const ring = await testRing({ ...quick, reapMs: 100, reapPollMs: 20 }).start(4)
    const notes = peerOfMember(ring.members[0]!.member, options).bucket('notes')
    await notes.put('k', 'mug', { ttlMs: 100 })
    const record = storageKeys.object(makeKey('notes', 'k'))
    const held = () => Promise.all(ring.members.map(({ storage }) => storage.get(record)))
    await until('all have forgotten it', async () => {
      return (await held()).every((each) => each === undefined)
    })
    expect(ring.events.filter(({ type }) => type === 'reaped')).not.toEqual([])
  })

  test('is refused where its time to live is none', async () => {
    const ring = await testRing().start(3)
    const peer = peerOfMember(ring.members[0]!.member, options)
    const notes = peer.bucket('notes')
    for (const wrong of [0, -1, Number.NaN, Infinity, 2 ** 53, '60' as never, null as never]) {
      const refused = { code: 'bad-argument', outcome: 'refused' }
      await expect(notes.put('k', 1, { ttlMs: wrong })).rejects.toMatchObject(refused)
      const wrongly = peer.bucket('notes', { ttlMs: wrong })
      if (wrong !== null) await expect(wrongly.put('k', 1)).rejects.toMatchObject(refused)
    }
    expect((await notes.get('k')).found).toBe(false)
  })
})
