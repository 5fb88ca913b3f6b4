/** Listing what is under a partition key: at edges and members, in pages, with own writes on top. */
import { describe, expect, it } from 'vitest'
import { toBinaryText } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import type { Bucket, Entry, Peer, PlainRead } from '../../src/peer/api.ts'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { decodeRequest, type ReplyOf } from '../../src/protocol/message.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import { set } from '../../src/values/set.ts'
import { conversationOf, lose } from './conversation.ts'
import { quick, type TestMember, type TestRing, testRing, until } from './ring.ts'

const options = { r: 2, w: 2, warnings: [], close: async () => {} }

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, options)
}

function memberPeer({ member }: TestMember): Peer {
  return peerOfMember(member, options)
}

type How = Parameters<Bucket<unknown, unknown>['entries']>[0]

async function listed<R>(bucket: Bucket<never, R>, how: How): Promise<Entry<R>[]> {
  const entries: Entry<R>[] = []
  for await (const entry of bucket.entries(how)) entries.push(entry)
  return entries
}

function paths(entries: readonly { readonly key: readonly string[] }[]): string[] {
  return entries.map(({ key }) => key.join('/'))
}

function ownersOf(ring: TestRing, prefix: string): { owners: TestMember[]; others: TestMember[] } {
  const { view } = ring.members[0]!.member
  const { owners } = placementOf(view.ring, makeKey('notes', prefix).position)
  const isOwner = ({ member }: TestMember): boolean => owners.includes(member.id)
  return {
    owners: ring.members.filter(isOwner),
    others: ring.members.filter((each) => !isOwner(each)),
  }
}

describe('a listing', () => {
  const written = [
    ['alice'],
    ['alice', 'b'],
    ['alice', 'a', '2'],
    ['alice', 'a', '10'],
    ['alice', 'a'],
    ['alice', 'ab'],
    ['alice', 'a\0b'],
    ['alice', 'ü'],
    ['alice2', 'x'],
    ['bob', 'a'],
  ] as [string, ...string[]][]
  const inOrder = [
    'alice',
    'alice/a',
    'alice/a/10',
    'alice/a/2',
    'alice/a\0b',
    'alice/ab',
    'alice/b',
    'alice/ü',
  ]

  it('is in the order of the paths, at edges and members, owners or not', async () => {
    const ring = await testRing().start(5)
    const edge = peerOf(await ring.startEdge(1))
    for (const path of written) await edge.bucket('notes').put(path, path.join(' '))
    for (const peer of [edge, ...ring.members.map(memberPeer)]) {
      const notes = peer.bucket('notes')
      const all = await listed(notes, { prefix: 'alice' })
      expect(paths(all)).toEqual(inOrder)
      for (const { key, value, source, found } of all) {
        expect({ value, source, found }).toEqual({
          value: key.join(' '),
          source: 'quorum',
          found: true,
        })
      }
      const deeper = await listed(notes, { prefix: ['alice', 'a'] })
      expect(paths(deeper)).toEqual(['alice/a', 'alice/a/10', 'alice/a/2'])
      expect(await listed(notes, { prefix: 'nobody' })).toEqual([])
      expect(await listed(peer.bucket('other'), { prefix: 'alice' })).toEqual([])
    }
  })

  it('leaves out what is deleted, and shows siblings, contexts and merged values as a read does', async () => {
    const ring = await testRing().start(3)
    const peer = peerOf(await ring.startEdge(1))
    const notes = peer.bucket('notes')
    for (const name of ['1', '2', '3']) await notes.put(['a', name], name)
    await notes.delete(['a', '2'])
    await notes.put(['a', '3'], 'other', { context: 'none' })
    const [first, third] = (await listed(notes, { prefix: 'a' })) as [
      Entry<PlainRead>,
      Entry<PlainRead>,
    ]
    expect(paths([first, third])).toEqual(['a/1', 'a/3'])
    expect(new Set(third.siblings)).toEqual(new Set(['3', 'other']))
    // What was listed is what the handle has seen.
    await notes.put(['a', '3'], 'both')
    expect((await notes.get(['a', '3'])).value).toBe('both')
    await notes.put(['a', '1'], 'again', { context: first.context })
    expect((await notes.get(['a', '1'])).siblings).toEqual(['again'])

    const sets = peer.bucket('sets', set)
    for (const name of ['x', 'y']) {
      await sets.update(['s', 'k'], (value, write) => set.add(value, name, write))
    }
    const [entry] = await listed(sets, { prefix: 's' })
    expect(set.elements(entry!.value)).toEqual(['x', 'y'])
  })

  it('comes in pages that a message can carry, and each page only when it is asked for', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const notes = peerOf(edge).bucket('notes')
    const names = Array.from({ length: 14 }, (_, i) => `n${String(i).padStart(2, '0')}`)
    for (const name of names) await notes.put(['a', name], name.repeat(33_000))
    const said = conversationOf(edge)
    const pages = (): ReplyOf<'listed'>[] =>
      said.flatMap(({ reply }) => (reply?.type === 'listed' ? [reply] : []))
    const seen: string[] = []
    for await (const { key, value } of notes.entries({ prefix: 'a' })) {
      seen.push(key[1]!)
      expect(value).toBe(key[1]!.repeat(33_000))
      if (seen.length === 1) expect(pages()).toHaveLength(1)
    }
    expect(seen).toEqual(names)
    expect(pages().length).toBeGreaterThan(2)
    for (const { items } of pages()) {
      const bytes = items.flatMap(({ state }) =>
        state.siblings.map(({ value }) => value.bytes!.length),
      )
      expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(quick.batchBytes)
    }
  })

  it('of more keys than a page has lists each once', async () => {
    const ring = await testRing().start(3)
    const notes = memberPeer(ring.members[0]!).bucket('notes')
    const names = Array.from({ length: quick.pageKeys + 90 }, (_, i) => `k${1000 + i}`)
    await Promise.all(names.map((name) => notes.put(['many', name], 1)))
    // One page of nothing but tombstones is no end.
    await Promise.all(names.slice(0, -5).map((name) => notes.delete(['many', name])))
    const left = names.slice(-5).map((name) => `many/${name}`)
    expect(paths(await listed(notes, { prefix: 'many' }))).toEqual(left)
    expect(paths(await listed(notes, { prefix: 'many', consistency: 'local' }))).toEqual(left)
    const edge = peerOf(await ring.startEdge(1))
    expect(paths(await listed(edge.bucket('notes'), { prefix: 'many' }))).toEqual(left)
  })

  it.each([[''], ['\ud800'], [['a', '']], [[]], [undefined], ['x'.repeat(600)]])(
    'of the prefix %j is refused',
    async (prefix) => {
      const ring = await testRing().start(1)
      const notes = memberPeer(ring.members[0]!).bucket('notes')
      const code = (prefix?.length ?? 0) > 100 ? 'key-too-large' : 'bad-argument'
      await expect(listed(notes, { prefix: prefix as string })).rejects.toMatchObject({ code })
    },
  )
})

describe('a listing at an edge', () => {
  it('shows its own undelivered writes in their places, also under keys the ring does not have', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('notes', { ack: 'device' })
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    for (const name of ['b', 'd']) await other.put(['a', name], 'theirs')
    const deliver = lose(edge, ({ type }) => type === 'deliver')
    await mine.follow(['a', 'b'])
    await until('it is here', async () => (await mine.get(['a', 'b'])).found)
    for (const name of ['a', 'b', 'c', 'e']) await mine.put(['a', name], 'mine')
    const shown = await listed(mine, { prefix: 'a' })
    expect(shown.map(({ key, value, pending }) => [key[1], value, pending])).toEqual([
      ['a', 'mine', 1],
      ['b', 'mine', 1],
      ['c', 'mine', 1],
      ['d', 'theirs', 0],
      ['e', 'mine', 1],
    ])
    expect(paths(await listed(other, { prefix: 'a' }))).toEqual(['a/b', 'a/d'])
    deliver()
    await until('the ring has them', () => edge.pendingWrites === 0)
    expect(paths(await listed(other, { prefix: 'a' }))).toEqual(paths(shown))
  })

  it('shows its own writes on every page, and no key twice', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('notes', { ack: 'device' })
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    const names = Array.from({ length: 10 }, (_, i) => `n${i}`)
    for (const name of names.filter((_, i) => i % 2 === 0)) {
      await other.put(['a', name], 'x'.repeat(200_000))
    }
    lose(edge, ({ type }) => type === 'deliver')
    for (const name of names.slice(1)) await mine.put(['a', name], 'mine', { context: 'none' })
    const said = conversationOf(edge)
    expect(paths(await listed(mine, { prefix: 'a' }))).toEqual(names.map((name) => `a/${name}`))
    expect(said.filter(({ request }) => request.type === 'list').length).toBeGreaterThan(1)
  })

  it('does not lose a write that arrives everywhere while owners answer what they saw before', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('notes', { ack: 'device' })
    await until('linked', () => edge.world.transport.links().length === 3)
    const deliver = lose(edge, ({ type }) => type === 'deliver')
    const receipt = await mine.put(['a', 'b'], 'mine')
    const { transport } = edge.world
    const request = transport.request.bind(transport)
    transport.request = async (to, body, how) => {
      const reply = await request(to, body, how)
      if (decodeRequest(body).type !== 'list') return reply
      deliver()
      await receipt.reached('everywhere')
      return reply
    }
    expect(paths(await listed(mine, { prefix: 'a' }))).toEqual(['a/b'])
  })

  it('makes what it follows as new as what it lists, and never older', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('notes')
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    const local = async (name: string): Promise<unknown> =>
      (await mine.get(['a', name], { consistency: 'local' })).value
    await other.put(['a', 'k'], 'old')
    await mine.follow(['a', 'k'])
    await until('old is here', async () => (await local('k')) === 'old')
    const { transport } = edge.world
    const request = transport.request.bind(transport)
    // A slow link: what a page says is overtaken by what a member tells meanwhile.
    transport.request = async (to, body, how) => {
      const reply = await request(to, body, how)
      if (decodeRequest(body).type !== 'list') return reply
      await other.get(['a', 'k'])
      await other.put(['a', 'k'], 'new')
      await until('new is told', async () => (await local('k')) === 'new')
      return reply
    }
    const [entry] = await listed(mine, { prefix: 'a' })
    expect(entry!.value).toBe('new')
    expect(await local('k')).toBe('new')
  })

  it('without a network is of what it follows and has written, or none', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const notes = peer.bucket('notes', { ack: 'device' })
    for (const name of ['b', 'a', 'c', 'not followed']) {
      await notes.put(['p', name], name, { ack: 'quorum' })
    }
    for (const name of ['c', 'a', 'b', 'nothing there']) await notes.follow(['p', name])
    await until('it has copies', async () => {
      return (await listed(notes, { prefix: 'p', consistency: 'local' })).length >= 3
    })
    edge.gate(false)
    await notes.put(['p', 'z'], 'written here')
    await notes.delete(['p', 'a'])
    await notes.put(['q', 'a'], 'elsewhere')
    const entries = await listed(notes, { prefix: 'p', consistency: 'local' })
    expect(entries.map(({ key, value, source }) => [key[1], value, source])).toEqual([
      ['b', 'b', 'local'],
      ['c', 'c', 'local'],
      ['z', 'written here', 'local'],
    ])
    await expect(listed(notes, { prefix: 'p' })).rejects.toMatchObject({ code: 'unreachable' })
  })
})

describe('a listing of owners that do not hold alike', () => {
  it('mends what one of them lacks, and shows what the other has', async () => {
    const ring = await testRing().start(3)
    const [first, , last] = ring.members as [TestMember, TestMember, TestMember]
    const notes = memberPeer(first).bucket('notes')
    for (const name of ['a', 'b', 'c']) {
      await (await notes.put(['p', name], name)).reached('everywhere')
    }
    // Two records gone from one disk, one of another damaged, behind the peers' backs.
    const record = (name: string): string =>
      toBinaryText(storageKeys.object(makeKey('notes', ['p', name])))
    last.content.set(record('b'), undefined)
    last.content.set(record('c'), undefined)
    const damaged = first.content.values.get(record('a'))!.slice()
    damaged[damaged.length >> 1]! ^= 1
    first.content.set(record('a'), damaged)
    const asked = { prefix: makeKey('notes', 'p'), after: undefined }
    const { items } = await first.member.list(asked, 3)
    expect(items.map(({ key }) => key.parts.at(-1))).toEqual(['a', 'b', 'c'])
    const repairs = (): string[] =>
      ring.events
        .filter(({ type, to }) => type === 'repair' && to === last.member.id)
        .map(({ key }) => key!)
    await until('it is told', () => repairs().length >= 2)
    expect(repairs()).toEqual(['notes/p/b', 'notes/p/c'])
    for (const name of ['a', 'b', 'c']) await until('all hold it again', () => sound(ring, name))
  })

  it('is refused when R of them cannot be asked, whatever a fallback may hold', async () => {
    const ring = await testRing().start(5)
    const { owners, others } = ownersOf(ring, 'p')
    const notes = memberPeer(others[0]!).bucket('notes')
    await (await notes.put(['p', 'a'], 1)).reached('everywhere')
    for (const { transport } of owners.slice(0, 2)) transport.setGate(false)
    await notes.put(['p', 'b'], 2)
    expect((await notes.get(['p', 'b'])).value).toBe(2)
    await expect(listed(notes, { prefix: 'p' })).rejects.toMatchObject({
      code: 'quorum-not-reached',
      needed: 2,
    })
    owners[0]!.transport.setGate(true)
    await until('it is listed again', async () => {
      const entries = await listed(notes, { prefix: 'p' }).catch(() => [])
      return paths(entries).join() === 'p/a,p/b'
    })
  }, 15_000)

  it('in a member that owns the keys may be of its own records, also when it is alone', async () => {
    const ring = await testRing().start(5)
    const { owners, others } = ownersOf(ring, 'p')
    for (const name of ['a', 'b']) {
      await (await memberPeer(owners[0]!).bucket('notes').put(['p', name], 1)).reached('everywhere')
    }
    await memberPeer(owners[0]!).bucket('notes').delete(['p', 'a'])
    const locally = (each: TestMember) =>
      listed(memberPeer(each).bucket('notes'), { prefix: 'p', consistency: 'local' })
    expect((await locally(others[0]!)).map(({ source }) => source)).toEqual(['quorum'])
    for (const { transport } of ring.members) transport.setGate(false)
    expect((await locally(owners[0]!)).map(({ key, source }) => [key, source])).toEqual([
      [['p', 'b'], 'local'],
    ])
    await expect(locally(others[0]!)).rejects.toMatchObject({ code: 'quorum-not-reached' })
  })
})

/** Whether every member has this key of `p` as it was written. */
async function sound(ring: TestRing, name: string): Promise<boolean> {
  const key = makeKey('notes', ['p', name])
  const states = await Promise.all(ring.members.map(({ member }) => member.records.read(key)))
  return states.every(({ state }) => state.siblings.length === 1)
}
