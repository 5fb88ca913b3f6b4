import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { toBinaryText, utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { liveSiblings, makeValue, type ObjectState } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { plainBucket } from '../../src/peer/bucket.ts'
import { MemberKeyed } from '../../src/peer/member-keyed.ts'
import type { Member } from '../../src/peer/member.ts'
import type { WriteDemands } from '../../src/protocol/demands.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import { readinessOf, type TestMember, type TestRing, testRing, until } from './ring.ts'

const key = makeKey('stock', 'mugs')
const strictly = { r: 2, strict: true } as const

function put(member: Member, text: string, demands: WriteDemands) {
  const request = member.world.random.bytes(16)
  const value = makeValue(utf8(text), 1)
  const order = { key, context: nothingSeen, value, origin: member.id, request }
  return member.write({ kind: 'mint', ...order, ...demands })
}

async function read(member: Member, of: Key = key): Promise<string[]> {
  return valuesOf((await member.get(of, strictly)).state)
}

function valuesOf(state: ObjectState): string[] {
  return liveSiblings(state)
    .map(({ value }) => new TextDecoder().decode(value.bytes))
    .sort()
}

/** Its members are whole, and each knows that all are. */
async function wholeRing(count: number): Promise<TestRing> {
  const ring = await testRing().start(count)
  await until('all members to be whole', () => isWhole(ring))
  return ring
}

function isWhole({ members }: TestRing): boolean {
  return members.every(({ member }) => {
    return member.view.members.every(({ record }) => record.readiness === 'ready')
  })
}

/** The owners of the key, most preferred first, and the others. */
function byRole({ members }: TestRing): { owners: TestMember[]; others: TestMember[] } {
  const { owners } = placementOf(members[0]!.member.view.ring, key.position)
  const byId = (id: string) => members.find(({ member }) => member.id === id)!
  const others = members.filter(({ member }) => !owners.includes(member.id))
  return { owners: owners.map(byId), others }
}

describe('a strict request', () => {
  it('is answered by ready owners alone, at any member', async () => {
    const ring = await wholeRing(5)
    const { owners, others } = byRole(ring)
    const { acks, hints } = await put(others[0]!.member, 'seven', { w: 2, strict: true })
    expect(hints).toEqual([])
    const ids = owners.map(({ member }) => member.id)
    expect(acks.every((peer) => ids.includes(peer))).toBe(true)
    for (const { member } of ring.members) expect(await read(member)).toEqual(['seven'])
  })

  it('has nobody to stand in: with one owner left of three it is refused, and a sloppy one is not', async () => {
    const ring = await wholeRing(5)
    const { owners, others } = byRole(ring)
    for (const { transport } of owners.slice(1)) transport.setGate(false)
    const member = owners[0]!.member
    await expect(put(member, 'seven', { w: 2, strict: true })).rejects.toMatchObject({
      code: 'quorum-not-reached',
      outcome: 'unknown',
    })
    await expect(read(others[0]!.member)).rejects.toMatchObject({
      code: 'quorum-not-reached',
    })
    await put(member, 'eight', { w: 2 })
  })

  it('leaves nothing behind where no owner takes it', async () => {
    const ring = await wholeRing(5)
    const { owners, others } = byRole(ring)
    for (const { transport } of owners) transport.setGate(false)
    await expect(put(others[0]!.member, 'seven', { w: 2, strict: true })).rejects.toMatchObject({
      code: 'quorum-not-reached',
    })
    const { state } = await others[0]!.member.records.read(key)
    expect(state.siblings).toEqual([])
  })

  it('is refused at once with numbers that would make it mean less', async () => {
    const { members } = await wholeRing(3)
    const { member } = members[0]!
    const bucket = plainBucket(new MemberKeyed(member, 2, 2), 'stock', { consistency: 'strict' })
    for (const asked of [
      bucket.get('mugs', { r: 1 }),
      bucket.put('mugs', 1, { w: 1 }),
      bucket.put('mugs', 1, { w: 4 }),
      bucket.put('mugs', 1, { w: 2.5 }),
      bucket.get('mugs', { pr: 0 }),
      put(member, 'x', { w: 1, strict: true }),
      member.get(key, { r: 1, strict: true }),
    ]) {
      await expect(asked).rejects.toMatchObject({ code: 'bad-argument', outcome: 'refused' })
    }
    await bucket.put('mugs', 7, { context: 'none' })
    expect((await bucket.get('mugs')).value).toBe(7)
    expect((await bucket.get('mugs', { consistency: 'quorum', r: 1, pr: 1 })).value).toBe(7)
  })

  it('lists what a strict put has written', async () => {
    const { members } = await wholeRing(3)
    const keyed = new MemberKeyed(members[0]!.member, 2, 2)
    const bucket = plainBucket(keyed, 'stock', { consistency: 'strict' })
    await bucket.put(['shelf', 'mugs'], 7)
    const listed = []
    for await (const entry of bucket.entries({ prefix: 'shelf' })) listed.push(entry.value)
    expect(listed).toEqual([7])
  })
})

describe('pw and dw', () => {
  it('ask for answers of owners, and of durable members', async () => {
    const ring = await wholeRing(5)
    const { owners } = byRole(ring)
    for (const { transport } of owners.slice(1)) transport.setGate(false)
    const member = owners[0]!.member
    // Fallbacks make two hosts, but no second owner.
    await expect(put(member, 'seven', { w: 2, pw: 2 })).rejects.toMatchObject({
      code: 'quorum-not-reached',
      message: expect.stringContaining('too few are of the kind needed'),
    })
    await put(member, 'eight', { w: 2, pw: 1, dw: 2 })
    await expect(member.get(key, { r: 1, pr: 2 })).rejects.toMatchObject({
      code: 'quorum-not-reached',
    })
  })
})

describe('a disk that was lost', () => {
  it('counts for nothing strict until enough others have told what was on it', async () => {
    const ring = await wholeRing(3)
    const [a, b, c] = byRole(ring).owners
    c!.transport.setGate(false)
    await put(a!.member, 'seven', { w: 2, strict: true })
    a!.transport.setGate(false)
    await ring.stop(b!)
    c!.transport.setGate(true)
    const wiped = await ring.startMember(ring.members.indexOf(b!), new MemoryContent())
    // It is told of its past by the one that it can reach, which never had the write.
    await until('the wiped member to know', () => readinessOf(wiped) === 'refilling')
    await until('the other to know', () => {
      return c!.member.view.byPeer.get(b!.member.id)!.record.readiness === 'refilling'
    })
    await expect(read(c!.member)).rejects.toMatchObject({ code: 'quorum-not-reached' })
    await expect(read(wiped.member)).rejects.toMatchObject({ code: 'quorum-not-reached' })
    a!.transport.setGate(true)
    await until('it to be whole again', () => readinessOf(wiped) === 'ready')
    expect((await wiped.member.records.read(key)).state.siblings).toHaveLength(1)
    await until('a strict read by it', async () => {
      return (await read(wiped.member).catch(() => []))[0] === 'seven'
    })
  })

  it('replaces no copy of a follower until it is whole', async () => {
    const ring = await wholeRing(3)
    const [a, b, c] = byRole(ring).owners
    const edge = await ring.startEdge(0)
    await edge.follow(key)
    const shownValues = async (): Promise<string[]> =>
      valuesOf((await edge.read(key, 'local')).state)
    await put(a!.member, 'seven', { w: 3 })
    await until('the follower to be told', async () => (await shownValues()).includes('seven'))
    a!.transport.setGate(false)
    const wiped: TestMember[] = []
    for (const each of [b!, c!]) {
      await ring.stop(each)
      wiped.push(await ring.startMember(ring.members.indexOf(each), new MemoryContent()))
    }
    await until('both to know', () => wiped.every((each) => readinessOf(each) === 'refilling'))
    await put(wiped[0]!.member, 'eight', { w: 2 })
    await until('they are asked', async () => {
      const read = await edge.read(key, 'quorum').catch(() => undefined)
      return read?.source === 'quorum' && valuesOf(read.state).includes('eight')
    })
    expect(await shownValues()).toContain('seven')
    a!.transport.setGate(true)
    await until('all is shown', async () => (await shownValues()).length === 2, 15_000)
  }, 30_000)

  it('is remembered by others where its peer has met none of them yet', async () => {
    const ring = await wholeRing(3)
    const [a, b] = byRole(ring).owners
    await put(a!.member, 'seven', { w: 2, strict: true })
    const generation = b!.member.records.generation
    await ring.stop(b!)
    const wiped = await ring.startMember(ring.members.indexOf(b!), new MemoryContent(), {
      gate: false,
    })
    expect(readinessOf(wiped)).toBe('new')
    wiped.transport.setGate(true)
    await until('it to be whole again', () => readinessOf(wiped) === 'ready')
    expect(wiped.member.records.generation).not.toBe(generation)
    const said = ring.events.filter(({ peer, type }) => {
      return peer === wiped.member.id && type === 'readiness'
    })
    expect(said.map(({ detail }) => detail).slice(-3)).toEqual(['new', 'refilling', 'ready'])
    expect((await wiped.member.records.read(key)).state.siblings).toHaveLength(1)
  })

  it('is whole by an operator’s word where nobody is left to refill it', async () => {
    const ring = await wholeRing(3)
    const [a, b, c] = byRole(ring).owners
    await put(a!.member, 'seven', { w: 3, strict: true })
    const wiped: TestMember[] = []
    for (const each of [b!, c!]) {
      await ring.stop(each)
      wiped.push(await ring.startMember(ring.members.indexOf(each), new MemoryContent()))
    }
    await until('both to be stuck', () => wiped.every(({ member }) => member.isStuck))
    await expect(read(a!.member)).rejects.toMatchObject({ code: 'quorum-not-reached' })
    // What is sloppy goes on: all that anybody has was told.
    expect((await a!.member.get(makeKey('stock', 'none'), 2)).state.siblings).toEqual([])
    await wiped[0]!.member.trust()
    await until('the other to be whole by itself', () => readinessOf(wiped[1]!) === 'ready')
    await until('a strict read', async () => (await read(a!.member).catch(() => [])).length === 1)
  })

  it('is not forgotten over a restart in between', async () => {
    const ring = await wholeRing(3)
    const [a, b, c] = byRole(ring).owners
    await put(a!.member, 'seven', { w: 2, strict: true })
    for (const { transport } of [a!]) transport.setGate(false)
    await ring.stop(b!)
    const content = new MemoryContent()
    const wiped = await ring.startMember(ring.members.indexOf(b!), content)
    await until('it to know', () => readinessOf(wiped) === 'refilling')
    await ring.stop(wiped)
    const again = await ring.startMember(ring.members.indexOf(b!), content)
    expect(readinessOf(again)).toBe('refilling')
    expect(again.member.records.generation).toBe(wiped.member.records.generation)
    a!.transport.setGate(true)
    await until('it to be whole', () => readinessOf(again) === 'ready')
    expect(c!.member.view.members).toHaveLength(3)
  })
})

describe('a record that was found damaged', () => {
  it('does not count until the others have told what they hold, over a restart too', async () => {
    const ring = await wholeRing(3)
    const [a, b, c] = byRole(ring).owners
    await put(a!.member, 'seven', { w: 3, strict: true })
    for (const { transport } of [b!, c!]) transport.setGate(false)
    const stored = toBinaryText(storageKeys.object(key))
    const damaged = a!.content.values.get(stored)!.slice()
    damaged[10]! ^= 1
    a!.content.set(stored, damaged)
    // What is written in its place looks as good as any.
    await put(a!.member, 'eight', { w: 1 })
    expect(a!.member.records.doubts.has(key)).toBe(true)
    await ring.stop(a!)
    const again = await ring.startMember(ring.members.indexOf(a!), a!.content)
    expect(again.member.records.doubts.has(key)).toBe(true)
    expect(again.member.view.byPeer.get(again.member.id)!.record.losses).toBeGreaterThan(0)
    b!.transport.setGate(true)
    await until('b to answer a', () => !again.member.world.links.isSuspect(b!.member.id))
    await expect(read(again.member)).rejects.toMatchObject({ code: 'quorum-not-reached' })
    c!.transport.setGate(true)
    await until('the doubt to be over', () => !again.member.records.doubts.has(key))
    expect(await read(again.member)).toEqual(['eight', 'seven'])
  })

  it('is dropped when the others have told that there is nothing in its place', async () => {
    const ring = await wholeRing(3)
    const [a, b, c] = byRole(ring).owners
    await put(a!.member, 'seven', { w: 3, strict: true })
    const stored = toBinaryText(storageKeys.object(key))
    // As after a power cut at the key's first write, of which nobody else has heard.
    for (const { content } of [b!, c!]) content.set(stored, undefined)
    a!.content.set(stored, a!.content.values.get(stored)!.slice(0, -1))
    await a!.member.records.read(key)
    expect(a!.member.records.doubts.has(key)).toBe(true)
    await until('it to be gone', () => !a!.content.values.has(stored))
    await until('the doubt to be over', () => !a!.member.records.doubts.has(key))
    await put(a!.member, 'eight', { w: 3, strict: true })
    expect(await read(b!.member)).toEqual(['eight'])
  })
})

describe('an edge', () => {
  it('asks strictly, and never answers so from its own copy', async () => {
    const ring = await wholeRing(3)
    const edge = await ring.startEdge(1)
    const bucket = plainBucket(edge, 'stock', { consistency: 'strict' })
    await bucket.follow('mugs')
    await bucket.put('mugs', 7)
    expect(await bucket.get('mugs')).toMatchObject({ value: 7, source: 'quorum' })
    edge.gate(false)
    await expect(bucket.get('mugs')).rejects.toMatchObject({ code: 'unreachable' })
    expect((await bucket.get('mugs', { consistency: 'local' })).value).toBe(7)
    expect((await bucket.get('mugs', { consistency: 'quorum' })).source).toBe('local')
  })

  it('keeps a strict write while it is alone, over a restart too, and delivers it strictly', async () => {
    const ring = await wholeRing(5)
    const content = new MemoryContent()
    const edge = await ring.startEdge(1, content)
    const bucket = plainBucket(edge, 'stock', { consistency: 'strict' })
    await bucket.follow('mugs')
    const { owners } = byRole(ring)
    for (const { transport } of owners.slice(1)) transport.setGate(false)
    const receipt = await bucket.put('mugs', 7, { ack: 'device' })
    expect(receipt.stage).toBe('device')
    await until('a member to have refused it', () => {
      return ring.events.some(({ peer, type, result }) => {
        return peer === edge.id && type === 'deliver' && result !== 'ok'
      })
    })
    await edge.close()
    const again = await ring.startEdge(1, content)
    const found = again.receipt(receipt.id)!
    expect(found.stage).toBe('device')
    for (const { transport } of owners.slice(1)) transport.setGate(true)
    await found.reached('quorum')
    expect(await read(owners[0]!.member)).toHaveLength(1)
  })

  it('refuses numbers that mean nothing before it keeps anything', async () => {
    const ring = await wholeRing(3)
    const edge = await ring.startEdge(1)
    const bucket = plainBucket(edge, 'stock', { consistency: 'strict' })
    await bucket.follow('mugs')
    await expect(bucket.put('mugs', 7, { w: 1 })).rejects.toMatchObject({ code: 'bad-argument' })
    await expect(bucket.get('mugs', { r: 9 })).rejects.toMatchObject({ code: 'bad-argument' })
    expect(edge.pendingWrites).toBe(0)
  })
})
