import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { liveSiblings, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen, type Seen } from '../../src/data/vector.ts'
import type { Member } from '../../src/peer/member.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { testRing, until } from './ring.ts'

let requests = 0

function put(member: Member, key: Key, text: string, context: Seen = nothingSeen, w = 2) {
  const request = new Uint8Array(16)
  new DataView(request.buffer).setUint32(0, ++requests)
  const value = makeValue(utf8(text), 1)
  return member.write({ kind: 'mint', key, context, value, w, origin: member.id, request })
}

async function read(member: Member, key: Key, r = 2): Promise<{ texts: string[]; seen: Seen }> {
  const { state } = await member.get(key, r)
  const texts = liveSiblings(state).map(({ value }) => new TextDecoder().decode(value.bytes))
  return { texts: texts.sort(), seen: state.seen }
}

describe('put and get', () => {
  it('reads at any member what was put at another', async () => {
    const { members } = await testRing().start(3)
    const key = makeKey('carts', 'alice')
    const { acks } = await put(members[0]!.member, key, 'one')
    expect(acks.length).toBeGreaterThanOrEqual(2)
    for (const { member } of members) expect((await read(member, key)).texts).toEqual(['one'])
  })

  it('replaces what its context has seen, and keeps what it has not', async () => {
    const { members } = await testRing().start(3)
    const [a, b] = members.map(({ member }) => member)
    const key = makeKey('carts', 'alice')
    await put(a!, key, 'one')
    const { seen } = await read(b!, key)
    await put(b!, key, 'two', seen)
    expect((await read(a!, key)).texts).toEqual(['two'])
    await put(a!, key, 'late', seen)
    expect((await read(b!, key)).texts).toEqual(['late', 'two'])
  })

  it('hands back a context that does not cover what its caller never saw', async () => {
    const { members } = await testRing().start(3)
    const a = members[0]!.member
    const key = makeKey('carts', 'alice')
    await put(a, key, 'unseen')
    const { context } = await put(a, key, 'mine')
    await put(a, key, 'mine again', context)
    expect((await read(a, key)).texts).toEqual(['mine again', 'unseen'])
  })

  it('is served by a member that owns nothing of the key', async () => {
    const { members } = await testRing().start(5)
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      const key = makeKey('carts', name)
      const { owners } = placementOf(members[0]!.member.view.ring, key.position)
      const stranger = members.find(({ member }) => !owners.includes(member.id))!.member
      await put(stranger, key, name)
      expect((await read(stranger, key)).texts).toEqual([name])
    }
  })

  it('refuses a thirty-third blind sibling, and takes a put that has seen one', async () => {
    const { members } = await testRing().start(3)
    const a = members[0]!.member
    const key = makeKey('carts', 'crowd')
    for (let i = 0; i < 32; i++) await put(a, key, `${i}`)
    await expect(put(a, key, 'one more')).rejects.toMatchObject({
      code: 'too-many-siblings',
      outcome: 'refused',
    })
    const { seen } = await read(a, key)
    await put(a, key, 'merged', seen)
    expect((await read(a, key)).texts).toEqual(['merged'])
  })
})

describe('a sloppy quorum', () => {
  it('lets a fallback stand in for an owner that is cut off, and pays its debt when it is back', async () => {
    const ring = await testRing().start(5)
    const key = makeKey('carts', 'alice')
    const { owners } = placementOf(ring.members[0]!.member.view.ring, key.position)
    const byId = (id: string) => ring.members.find(({ member }) => member.id === id)!
    const [first, second, third] = owners.map(byId)
    second!.transport.setGate(false)
    third!.transport.setGate(false)
    const { hints } = await put(first!.member, key, 'one')
    expect(hints.length).toBeGreaterThanOrEqual(1)
    expect((await read(first!.member, key)).texts).toEqual(['one'])

    second!.transport.setGate(true)
    third!.transport.setGate(true)
    await until('both owners have it', async () => {
      const held = await Promise.all(
        [second!, third!].map(({ member }) => member.records.read(key)),
      )
      return held.every(({ state }) => state.siblings.length === 1)
    })
    await until('nobody owes anything', async () => {
      const owed = await Promise.all(ring.members.map(({ member }) => member.hints()))
      return owed.every((count) => count === 0)
    })
    expect(ring.events.some(({ type }) => type === 'hint-dropped')).toBe(true)
  })

  it('says how many were needed and how many answered when too few are left', async () => {
    const ring = await testRing().start(3)
    const key = makeKey('carts', 'alice')
    for (const { transport } of ring.members.slice(1)) transport.setGate(false)
    const alone = ring.members[0]!.member
    await expect(put(alone, key, 'one')).rejects.toMatchObject({
      code: 'quorum-not-reached',
      outcome: 'unknown',
      needed: 2,
      got: 1,
    })
    await expect(alone.get(key, 2)).rejects.toMatchObject({ code: 'quorum-not-reached' })
  })
})

describe('repair', () => {
  it('brings an owner that missed a write up to date by reading', async () => {
    const ring = await testRing().start(3)
    const key = makeKey('carts', 'alice')
    const [a, b, c] = ring.members
    c!.transport.setGate(false)
    await put(a!.member, key, 'one')
    c!.transport.setGate(true)
    await until('the third owner answers a read', async () => {
      const got = await read(a!.member, key, 3).catch(() => undefined)
      return got?.texts[0] === 'one'
    })
    await until('it holds the write', async () => {
      return (await c!.member.records.read(key)).state.siblings.length === 1
    })
    expect((await read(b!.member, key, 3)).texts).toEqual(['one'])
  })

  it('brings it up to date without any read, by anti-entropy', async () => {
    const ring = await testRing().start(3)
    const [a, , c] = ring.members
    const keys = Array.from({ length: 50 }, (_, i) => makeKey('carts', `cart-${i}`))
    c!.transport.setGate(false)
    for (const key of keys) await put(a!.member, key, 'x')
    c!.transport.setGate(true)
    await until('all fifty are there', async () => {
      const held = await Promise.all(keys.map((key) => c!.member.records.read(key)))
      return held.every(({ state }) => state.siblings.length === 1)
    })
  })
})
