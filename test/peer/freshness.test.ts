/** Copies are kept fresh: told of, or else asked about, in few questions and without any that need not be. */
import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { toBinaryText } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { apply, emptyState, makeValue, stateDigest } from '../../src/data/siblings.ts'
import { encodeStructured } from '../../src/data/structured.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import type { Peer } from '../../src/peer/api.ts'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { Followers } from '../../src/peer/followers.ts'
import { encode } from '../../src/protocol/codec.ts'
import { edgeCopy, noCopy } from '../../src/protocol/copy.ts'
import { limits } from '../../src/protocol/limits.ts'
import { decodeNotice, decodeRequest, type Request } from '../../src/protocol/message.ts'
import { encodeObject, storageKeys } from '../../src/protocol/record.ts'
import { conversationOf, lose, type Said } from './conversation.ts'
import { pause, quick, type TestRing, testRing, until } from './ring.ts'

const options = { r: 2, w: 2, warnings: [], close: async () => {} }
/** An edge that asks about its copies soon. */
const eager = { limits: { ...quick, freshMs: 300 } }

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, options)
}

function asked<T extends Request['type']>(
  said: readonly Said[],
  type: T,
): (Said & { readonly request: Extract<Request, { type: T }> })[] {
  return said.filter((each) => each.request.type === type) as never
}

/** A ring in which all of these are written, and the store of an edge that follows them and has all of it. */
async function followedBefore(names: readonly string[]): Promise<{
  ring: TestRing
  content: MemoryContent
  write(name: string, value: unknown): Promise<unknown>
}> {
  const contents = Array.from({ length: 3 }, () => new MemoryContent())
  const content = new MemoryContent()
  for (const name of names) {
    const key = makeKey('notes', name)
    const value = makeValue(encodeStructured(`first ${name}`), 1)
    const state = apply(emptyState, { actor: 'AAAAAAAAAAAAAAAA.1', counter: 1 }, nothingSeen, value)
    const digest = stateDigest(key.bytes, state)
    const record = encodeObject({ state, digest, minter: undefined })
    for (const each of contents) each.set(toBinaryText(storageKeys.object(key)), record)
    const copy = encode(edgeCopy, { ...noCopy, copy: state, followed: true })
    content.set(toBinaryText(storageKeys.edge(key)), copy)
  }
  const ring = testRing()
  for (const [i, each] of contents.entries()) {
    ring.members.push(await ring.startMember(i, each))
  }
  await until('all members know all', () =>
    ring.members.every(({ member }) => member.view.members.length === 3),
  )
  const notes = peerOfMember(ring.members[0]!.member, options).bucket('notes')
  const write = async (name: string, value: unknown): Promise<unknown> => {
    await notes.get(name)
    return notes.put(name, value)
  }
  return { ring, content, write }
}

/** An edge on this store, and all that it says from its first link on. */
async function startedAgain(
  ring: TestRing,
  content: MemoryContent,
  limitsOfEdge = quick,
): Promise<{ edge: Edge; said: Said[] }> {
  const edge = await ring.startEdge(1, content, { gate: false, limits: limitsOfEdge })
  const said = conversationOf(edge)
  edge.gate(true)
  return { edge, said }
}

/** A hundred at a time. */
async function inTurns(
  names: readonly string[],
  act: (name: string) => Promise<unknown>,
): Promise<void> {
  for (let at = 0; at < names.length; at += 100) {
    await Promise.all(names.slice(at, at + 100).map(act))
  }
}

function namesOf(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `k${i}`)
}

/** Members tell this edge of nothing from now on: every notice of a change is lost. */
function loseNotices(ring: TestRing): void {
  for (const { transport } of ring.members) {
    const notify = transport.notify.bind(transport)
    transport.notify = (to, body, lane) => {
      if (decodeNotice(body).type !== 'changed') notify(to, body, lane)
    }
  }
}

async function shownBy(edge: Edge, name: string): Promise<unknown> {
  return (await peerOf(edge).bucket('notes').get(name, { consistency: 'local' })).value
}

describe('five thousand followed keys', () => {
  const names = namesOf(5000)

  it('are all told of, and asked about in a few questions; only those that changed are asked for', async () => {
    const { ring, content, write } = await followedBefore(names)
    const changed = ['k7', 'k1234', 'k4999']
    for (const name of changed) await write(name, 'changed')
    const { edge, said } = await startedAgain(ring, content)
    for (const name of changed) {
      await until(`${name} is shown`, async () => (await shownBy(edge, name)) === 'changed', 20_000)
    }
    const about = () => asked(said, 'fresh').flatMap(({ request }) => request.copies)
    await until(
      'all are asked about',
      () => new Set(about().map(({ key }) => key.text)).size === 5000,
      20_000,
    )
    await until('all is answered', () => said.every(({ reply }) => reply !== undefined), 20_000)
    // A few more if links come up one after another.
    expect(asked(said, 'fresh').length).toBeLessThanOrEqual(30)
    for (const { request } of asked(said, 'fresh')) {
      expect(request.copies.length).toBeLessThanOrEqual(limits.comparedKeys)
    }
    const gets = asked(said, 'get').map(({ request }) => request.key.parts[1]!)
    expect(new Set(gets)).toEqual(new Set(changed))
    expect(gets.length).toBeLessThanOrEqual(3 * changed.length)

    expect(asked(said, 'follow')).toHaveLength(30)
    for (const { request, reply } of asked(said, 'follow')) {
      expect(reply).toEqual({ type: 'following', taken: request.keys.length })
      expect(request.keys.length).toBeLessThanOrEqual(limits.comparedKeys)
    }
    said.length = 0
    await write('k4321', 'told')
    await until('it is told', async () => (await shownBy(edge, 'k4321')) === 'told')
    expect(asked(said, 'get')).toEqual([])
  }, 60_000)

  it('are asked about no more often than a hundred a second', async () => {
    const { ring, content } = await followedBefore(names)
    const { said } = await startedAgain(ring, content, { ...quick, freshMs: 100 })
    const count = () =>
      asked(said, 'fresh').reduce((sum, { request }) => sum + request.copies.length, 0)
    await until('all were asked about', () => count() >= 5000, 20_000)
    await until('all is answered', () => said.every(({ reply }) => reply !== undefined), 20_000)
    const [before, from] = [count(), performance.now()]
    await pause(2000)
    const seconds = (performance.now() - from) / 1000
    // And what may have been due is one question.
    expect(count() - before).toBeLessThanOrEqual(100 * seconds + limits.comparedKeys)
  }, 60_000)

  it('leave those that are watched their short pause', async () => {
    const { ring, content } = await followedBefore(names)
    const { edge, said } = await startedAgain(ring, content, { ...quick, freshMs: 100 })
    const key = makeKey('notes', 'k2500')
    const stop = await edge.watch(key, { changed() {}, ended() {} })
    const questions = () => {
      return asked(said, 'fresh').filter(({ request }) =>
        request.copies.some(({ key: { text } }) => text === key.text),
      )
    }
    await until('it is asked about again and again', () => questions().length >= 5, 20_000)
    stop()
  }, 60_000)

  it('that all changed meanwhile are asked for a few at a time', async () => {
    const some = namesOf(200)
    const { ring, content, write } = await followedBefore(some)
    await inTurns(some, (name) => write(name, 'changed'))
    const { edge, said } = await startedAgain(ring, content)
    const { transport } = edge.world
    const request = transport.request.bind(transport)
    let [waiting, most] = [0, 0]
    transport.request = async (to, body, how) => {
      if (decodeRequest(body).type !== 'get') return request(to, body, how)
      most = Math.max(most, ++waiting)
      await pause(1)
      return request(to, body, how).finally(() => waiting--)
    }
    const answered = () => asked(said, 'get').filter(({ reply }) => reply?.type === 'got').length
    await until('all are asked for', () => answered() >= some.length, 30_000)
    for (const name of some) {
      await until('it is shown', async () => (await shownBy(edge, name)) === 'changed')
    }
    expect(most).toBe(32)
    expect(new Set(asked(said, 'get').map(({ request: { key } }) => key.text)).size).toBe(200)
  }, 60_000)
})

describe('a followed key', () => {
  it('that nobody told of is found out by asking, of each owner in turn', async () => {
    const ring = await testRing().start(3)
    loseNotices(ring)
    const edge = await ring.startEdge(1, new MemoryContent(), eager)
    const notes = peerOf(edge).bucket('notes')
    await notes.follow('k')
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    const said = conversationOf(edge)
    for (const value of ['one', 'two', 'three']) {
      await other.put('k', value)
      await until(`${value} is shown`, async () => (await shownBy(edge, 'k')) === value)
    }
    await until('every owner was asked', () => {
      return new Set(asked(said, 'fresh').map(({ to }) => to)).size === 3
    })
    // While nothing changes nothing is asked for.
    await until('all hold it', () => said.every(({ reply }) => reply !== undefined))
    await pause(500)
    said.length = 0
    await until('it is asked about', () => asked(said, 'fresh').length > 3)
    expect(asked(said, 'get')).toEqual([])
  })

  it('is asked about at another owner when one does not answer', async () => {
    const ring = await testRing().start(3)
    loseNotices(ring)
    const edge = await ring.startEdge(1, new MemoryContent(), eager)
    const silent = ring.members[0]!.member.id
    let lost = 0
    lose(edge, ({ type }, to) => type === 'fresh' && to === silent && ++lost > 0)
    await peerOf(edge).bucket('notes').follow('k')
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    for (let i = 0; lost < 2; i++) {
      await other.put('k', i)
      await until(`${i} is shown`, async () => (await shownBy(edge, 'k')) === i)
    }
  }, 30_000)

  it('that nobody has is asked for only once', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1, new MemoryContent(), eager)
    await until('linked', () => edge.world.transport.links().length === 3)
    const said = conversationOf(edge)
    await peerOf(edge).bucket('notes').follow('nothing there')
    await until('it is asked about', () => asked(said, 'fresh').length > 3)
    expect(asked(said, 'get')).toHaveLength(1)
    expect(asked(said, 'fresh').map(({ reply }) => reply)).toContainEqual({
      type: 'compared',
      differ: [],
      elsewhere: [],
    })
  })

  it('that changed while the edge slept is shown when it wakes', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    await other.put('k', 'old')
    await peerOf(edge).bucket('notes').follow('k')
    await until('it is here', async () => (await shownBy(edge, 'k')) === 'old')
    const said = conversationOf(edge)
    edge.gate(false)
    edge.gate(true)
    await until('a member speaks for it', () =>
      asked(said, 'fresh').some(({ reply }) => reply !== undefined),
    )
    edge.sleep()
    await until('nobody tells it', () => ring.members.every(({ member }) => member.followers === 0))
    await other.get('k')
    await other.put('k', 'new')
    edge.wake()
    await until('it is shown', async () => (await shownBy(edge, 'k')) === 'new')
  })

  it('that is watched is asked about before all others', async () => {
    const { ring, content } = await followedBefore(namesOf(1500))
    const edge = await ring.startEdge(1, content, { gate: false })
    const said = conversationOf(edge)
    const stop = await edge.watch(makeKey('notes', 'k1400'), { changed() {}, ended() {} })
    edge.gate(true)
    await until('it is asked about', () => asked(said, 'fresh').length > 0)
    expect(asked(said, 'fresh')[0]!.request.copies[0]!.key.parts[1]).toBe('k1400')
    await until('it is followed', () => asked(said, 'follow').length > 0)
    expect(asked(said, 'follow')[0]!.request.keys[0]!.parts[1]).toBe('k1400')
    stop()
  }, 30_000)

  it('whose copy is damaged stays followed, and is filled again', async () => {
    const { ring, content } = await followedBefore(['k'])
    const name = toBinaryText(storageKeys.edge(makeKey('notes', 'k')))
    const damaged = content.values.get(name)!.slice()
    damaged[damaged.indexOf('f'.charCodeAt(0))]! ^= 1
    content.set(name, damaged)
    const edge = await ring.startEdge(1, content)
    await until('it is shown', async () => (await shownBy(edge, 'k')) === 'first k')
    expect(ring.events.some(({ type }) => type === 'quarantined')).toBe(true)
    expect(edge.copies.followed().map(({ parts }) => parts[1])).toEqual(['k'])
  })
})

describe('the followers of a member', () => {
  const keys = namesOf(10).map((name) => makeKey('notes', name))
  const some = (watchesPerPeer: number, watchesPerMember: number): Followers =>
    new Followers({ limits: { ...limits, watchesPerPeer, watchesPerMember } } as never)

  it('follow as many keys as there is room for, the first ones first', () => {
    const followers = some(4, 6)
    expect(followers.follow('a', keys.slice(0, 3))).toBe(3)
    // What is followed already takes no room.
    expect(followers.follow('a', keys.slice(1, 6))).toBe(3)
    expect(followers.follow('b', keys)).toBe(2)
    expect(followers.follow('c', keys)).toBe(0)
    expect(followers.count).toBe(2)
  })

  it('make room when they follow no more, or are gone', () => {
    const followers = some(4, 6)
    followers.follow('a', keys)
    followers.follow('b', keys)
    followers.unfollow('a', [keys[0]!.text, keys[0]!.text, keys[9]!.text])
    expect(followers.follow('a', keys.slice(5))).toBe(1)
    followers.gone('a')
    followers.gone('a')
    expect(followers.follow('c', keys)).toBe(4)
    expect(followers.follow('d', keys)).toBe(0)
  })
})
