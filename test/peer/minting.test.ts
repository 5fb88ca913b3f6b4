/**
 * How a write gets its name: one that nobody has ever given, and one only, however often the write is asked for.
 */
import { describe, expect, it } from 'vitest'
import { toBinaryText, utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { liveSiblings, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen, type Seen, union } from '../../src/data/vector.ts'
import { decodeReply, encodeRequest } from '../../src/protocol/message.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { decodeObject, encodeObject, storageKeys } from '../../src/protocol/record.ts'
import { quick, readinessOf, type TestMember, testRing, until } from './ring.ts'

const key = makeKey('carts', 'alice')
const identity = toBinaryText(storageKeys.identity)
const object = toBinaryText(storageKeys.object(key))

describe('a disk that was set back, whose next epoch was handed out before', () => {
  it('skips it where the context of the put shows it', async () => {
    const peer = await testRing().startMember(0)
    const before = peer.content.values.get(identity)
    const first = await put(peer, 'first')
    peer.content.set(identity, before)
    peer.content.set(object, undefined)
    const second = await put(peer, 'second', first.context)
    expect(second.dot.actor).toBe(after(first.dot.actor))
    expect(await shown(peer)).toEqual(['second'])
  })

  it('skips it where its record of the key shows it, as one does that came back from others', async () => {
    const peer = await testRing().startMember(0)
    const before = peer.content.values.get(identity)
    const first = await put(peer, 'first')
    const { state, digest } = decodeObject(key, peer.content.values.get(object))
    peer.content.set(identity, before)
    peer.content.set(object, encodeObject({ state, digest, minter: undefined }))
    const second = await put(peer, 'second')
    expect(second.dot.actor).toBe(after(first.dot.actor))
    expect(await shown(peer)).toEqual(['first', 'second'])
  })

  it('skips it also if the record that showed it has gone meanwhile', async () => {
    const peer = await testRing().startMember(0)
    const before = peer.content.values.get(identity)
    const first = await put(peer, 'first')
    peer.content.set(identity, before)
    await peer.member.records.letGo(key, () => ({ result: undefined, drop: true }))
    expect(await shown(peer)).toEqual([])
    const second = await put(peer, 'second')
    expect(second.dot.actor).toBe(after(first.dot.actor))
  })

  it('gives its epoch up where the context of a delivery, or of a put asked for again, shows it', async () => {
    for (const kind of ['deliver', 'mint'] as const) {
      const peer = await testRing().startMember(0)
      const request = new Uint8Array(16).fill(251)
      const value = makeValue(utf8('from a tab'), 1)
      const asked = { key, value, w: 1, origin: 'a tab' } as const
      const repeated = { ...asked, kind: 'mint', request } as const
      await peer.member.write({ ...repeated, context: nothingSeen })
      const before = peer.content.values.get(object)
      const second = await put(peer, 'second')
      const third = await put(peer, 'third', second.context)
      peer.content.set(object, before)
      const dot = { actor: `${'A'.repeat(16)}.1`, counter: 1 }
      const delivered = { ...asked, kind: 'deliver', dot, seed: new Uint8Array(16) } as const
      const write = kind === 'deliver' ? delivered : repeated
      await peer.member.write({ ...write, context: third.context })
      const fourth = await put(peer, 'fourth')
      expect(fourth.dot.actor).not.toBe(third.dot.actor)
    }
  })

  it('skips as many as there are', async () => {
    const peer = await testRing().startMember(0)
    const before = peer.content.values.get(identity)
    let { dot, context } = await put(peer, 'first')
    for (let i = 0; i < 3; i++) {
      peer.content.set(object, undefined)
      ;({ dot, context } = await put(peer, `again ${i}`, context))
    }
    peer.content.set(identity, before)
    peer.content.set(object, undefined)
    expect((await put(peer, 'last', context)).dot.actor).toBe(after(dot.actor))
  })
})

describe('one put that is asked of two members', () => {
  it('is minted once, by the owner to whom both pass it on', async () => {
    const { members } = await testRing().start(6)
    const { owners } = placementOf(members[0]!.member.view.ring, key.position)
    const [owner, ...absent] = members.filter(({ member }) => owners.includes(member.id))
    for (const { transport } of absent) transport.setGate(false)
    const [asker, ...asked] = members.filter(({ member }) => !owners.includes(member.id))
    const request = Uint8Array.from({ length: 16 }, (_, i) => i)
    const names = new Set<string>()
    for (const through of asked) names.add(await ask(asker!, through, request))
    expect(names.size).toBe(1)
    expect(await shown(owner!)).toEqual(['a mug'])
    // Another's request of the same number is another put.
    names.add(await ask(asked[0]!, asked[1]!, request))
    expect(names.size).toBe(2)
    expect(await shown(owner!)).toEqual(['a mug', 'a mug'])
  })
})

describe('a put that comes twice', () => {
  it('is passed on once while the first copy is under way, and both hear the same', async () => {
    const ring = await testRing().start(6)
    const { owners } = placementOf(ring.members[0]!.member.view.ring, key.position)
    const [asker, through] = ring.members.filter(({ member }) => !owners.includes(member.id))
    const request = new Uint8Array(16).fill(251)
    const copies = [ask(asker!, through!, request), ask(asker!, through!, request)]
    const [first, second] = await Promise.all(copies)
    expect(second).toBe(first)
    expect(ring.events.filter(({ type }) => type === 'forward').length).toBe(1)
  })
})

describe('a write that was refused, for too many stand side by side', () => {
  it('is refused again when a copy of its request comes late, though there is room by then', async () => {
    const { member } = await testRing().startMember(0)
    const most = member.world.limits.siblings
    let context = nothingSeen
    for (let i = 0; i < most; i++) context = union(context, (await put({ member }, `${i}`)).context)
    const request = new Uint8Array(16).fill(255)
    const late = { kind: 'mint', key, value: makeValue(utf8('late'), 1), w: 1, request } as const
    const ask = (origin: string) => member.write({ ...late, context: nothingSeen, origin })
    await expect(ask('a tab')).rejects.toMatchObject({ code: 'too-many-siblings' })
    await put({ member }, 'merged', context)
    await expect(ask('a tab')).rejects.toMatchObject({
      code: 'too-many-siblings',
      outcome: 'refused',
    })
    // Another's request of that number is another request.
    expect((await ask('another tab')).acks).toEqual([member.id])
  })

  it('is refused again also if it brings its own name', async () => {
    const { member } = await testRing().startMember(0)
    let context = nothingSeen
    for (let i = 0; i < member.world.limits.siblings; i++) {
      context = union(context, (await put({ member }, `${i}`)).context)
    }
    const dot = { actor: `${'A'.repeat(16)}.1`, counter: 1 }
    const value = makeValue(utf8('late'), 1)
    const seed = new Uint8Array(16)
    const named = { kind: 'deliver', key, dot, value, w: 1, origin: 'a tab', seed } as const
    const deliver = (attempt: number) => member.write({ ...named, attempt, context: nothingSeen })
    await expect(deliver(1)).rejects.toMatchObject({ code: 'too-many-siblings' })
    await put({ member }, 'merged', context)
    await expect(deliver(1)).rejects.toMatchObject({ code: 'too-many-siblings' })
    // Whoever sends it anew, because an earlier sending may have arrived, is not to be refused for ever.
    expect((await deliver(2)).acks).toEqual([member.id])
  })
})

it('asked for again, is there again also if the record of its key was damaged meanwhile', async () => {
  const peer = await testRing().startMember(0)
  const request = new Uint8Array(16).fill(254)
  const value = makeValue(utf8('a mug'), 1)
  const order = { kind: 'mint', key, context: nothingSeen, value, w: 1, request } as const
  const first = await peer.member.write({ ...order, origin: 'a tab' })
  peer.content.set(object, undefined)
  const again = await peer.member.write({ ...order, origin: 'a tab' })
  expect(again.dot).toEqual(first.dot)
  expect(await shown(peer)).toEqual(['a mug'])
})

it('asked for again after it was deleted and forgotten, stays away', async () => {
  const ring = await testRing({ ...quick, reapMs: 50, reapPollMs: 10 }).start(3)
  await until('all to be ready', () => ring.members.every((one) => readinessOf(one) === 'ready'))
  const peer = ring.members[0]!
  const request = new Uint8Array(16).fill(253)
  const value = makeValue(utf8('a mug'), 1)
  const order = { kind: 'mint', key, context: nothingSeen, value, w: 1, request } as const
  const first = await peer.member.write({ ...order, origin: 'a tab' })
  const { member } = peer
  const deleted = makeValue(undefined, 2)
  const another = { request: new Uint8Array(16).fill(252), origin: member.id }
  await member.write({ ...order, ...another, context: first.context, value: deleted })
  await until('it is forgotten', () => !peer.content.values.has(object))
  const again = await member.write({ ...order, origin: 'a tab' })
  expect(again.dot).toEqual(first.dot)
  expect(await shown(peer)).toEqual([])
})

let requests = 0

function put({ member }: Pick<TestMember, 'member'>, text: string, context: Seen = nothingSeen) {
  const request = new Uint8Array(16).fill(++requests)
  const value = makeValue(utf8(text), 1)
  return member.write({ kind: 'mint', key, context, value, w: 1, origin: member.id, request })
}

/** The name that a put gets which one member asks of another. */
async function ask(asker: TestMember, through: TestMember, request: Uint8Array): Promise<string> {
  const value = makeValue(utf8('a mug'), 1)
  const body = encodeRequest({
    type: 'put',
    key,
    request,
    context: nothingSeen,
    value,
    w: 1,
    direct: false,
    origin: undefined,
  })
  const options = { lane: 'foreground', deadlineMs: 2000 } as const
  const reply = decodeReply(await asker.transport.request(through.member.id, body, options))
  if (reply.type !== 'written') throw new Error(JSON.stringify(reply))
  return `${reply.dot.actor} ${reply.dot.counter}`
}

/** What this peer holds, itself. */
async function shown({ member }: TestMember, of: Key = key): Promise<string[]> {
  const { state } = await member.records.read(of)
  const texts = liveSiblings(state).map(({ value }) => new TextDecoder().decode(value.bytes))
  return texts.sort()
}

/** The actor of the next epoch of the same generation. */
function after(actor: string): string {
  const [generation, epoch] = actor.split('.')
  return `${generation}.${Number(epoch) + 1}`
}
