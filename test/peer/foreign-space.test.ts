/** What is kept for others has a bound: at it the next member is asked, and nothing that was kept is dropped. */
import { describe, expect, test } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { ForeignSpace } from '../../src/peer/foreign-space.ts'
import { StorageError } from '../../src/protocol/errors.ts'
import { limits } from '../../src/protocol/limits.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import { rules } from '../../src/protocol/rules.ts'
import { Troubles } from '../../src/peer/troubles.ts'
import { giveRoom, holds, inOrder, owes, put, weightIn } from './standing-in.ts'
import { quick, testRing, type TestMember, until } from './ring.ts'

/** Nobody hands over before a test says so. */
const patient = { ...quick, handoffMs: 2 ** 30, antiEntropyMs: 2 ** 30 }

function counted({ member }: TestMember): Promise<void> {
  return until('it has counted', () => member.records.foreign.isCounted)
}

function warningsOf({ member }: TestMember): readonly string[] {
  return member.world.troubles.sentences
}

describe('a stand-in without room', () => {
  test('refuses, and the next one is asked', async () => {
    const ring = await testRing(patient).start(5)
    const [first, second, third, fourth, fifth] = inOrder(ring)
    giveRoom(fourth!, 0)
    for (const away of [second!, third!]) away.transport.setGate(false)
    const { acks, hints } = await put(first!.member)
    expect(acks.toSorted()).toEqual([first!.member.id, fifth!.member.id].toSorted())
    expect(hints.map(({ holder }) => holder)).toEqual([fifth!.member.id])
    expect(await holds(fourth!)).toBe(false)
    const refusals = ring.events.filter(({ type }) => type === 'hint-refused')
    expect(refusals.map(({ peer }) => peer)).toContain(fourth!.member.id)
    expect(warningsOf(fourth!).join()).toContain('others have to stand in')
    expect(fourth!.member.records.foreign.status).toMatchObject({ usedBytes: 0, limitBytes: 0 })
  })

  test('leaves a put that nobody else can take unknown, and says why', async () => {
    const ring = await testRing(patient).start(4)
    const [first, second, third, fourth] = inOrder(ring)
    giveRoom(fourth!, 0)
    for (const away of [second!, third!]) away.transport.setGate(false)
    await expect(put(first!.member)).rejects.toMatchObject({
      code: 'quorum-not-reached',
      outcome: 'unknown',
      answers: { [fourth!.member.id]: 'too-many-hints' },
    })
  })

  test('keeps what it has, takes no more of it, and does so again once it has handed over', async () => {
    const ring = await testRing({ ...quick, antiEntropyMs: 2 ** 30 }).start(4)
    const [first, second, third, fourth] = inOrder(ring)
    await counted(fourth!)
    for (const away of [second!, third!]) away.transport.setGate(false)
    const { context } = await put(first!.member)
    const { usedBytes } = fourth!.member.records.foreign.status
    expect(usedBytes).toBe(await weightIn(fourth!.storage))
    giveRoom(fourth!, usedBytes)
    await expect(put(first!.member, { length: 100 })).rejects.toMatchObject({
      code: 'quorum-not-reached',
    })
    expect(warningsOf(fourth!)).not.toEqual([])
    expect(await owes(fourth!)).toBe(true)
    // What makes it no longer is welcome, also now.
    await put(first!.member, { context }).catch(() => {})
    for (const back of [second!, third!]) back.transport.setGate(true)
    await until('all is handed over', async () => !(await holds(fourth!)), 15_000)
    expect(fourth!.member.records.foreign.status.usedBytes).toBe(0)
    expect(warningsOf(fourth!)).toEqual([])
    const spaces = ring.events.filter(({ type, result }) => {
      return type === 'hint-space' && result === 'has room again'
    })
    expect(spaces.map(({ peer }) => peer)).toEqual([fourth!.member.id])
  })

  test('passes on what it is asked to coordinate, where no owner is there', async () => {
    const ring = await testRing(patient).start(6)
    const [first, second, third, fourth, fifth, sixth] = inOrder(ring)
    giveRoom(fourth!, 0)
    for (const away of [first!, second!, third!]) away.transport.setGate(false)
    // Until the owners are known to be away, a request takes as long as it may.
    await put(fifth!.member)
    const { acks } = await put(fourth!.member)
    expect(acks.toSorted()).toEqual([fifth!.member.id, sixth!.member.id].toSorted())
    expect(await holds(fourth!)).toBe(false)
  })

  test('refuses to coordinate what nobody can take, and it is nowhere', async () => {
    const ring = await testRing(patient).start(4)
    const [first, second, third, fourth] = inOrder(ring)
    giveRoom(fourth!, 0)
    for (const away of [first!, second!, third!]) away.transport.setGate(false)
    await put(fourth!.member).catch(() => {})
    await expect(put(fourth!.member)).rejects.toMatchObject({
      code: 'too-many-hints',
      outcome: 'refused',
    })
    expect(await holds(fourth!)).toBe(false)
  })

  test('answers a late copy of what it refused as before, and takes what is asked anew', async () => {
    const ring = await testRing(patient).start(5)
    const [first, second, third, fourth] = inOrder(ring)
    for (const full of inOrder(ring).slice(3)) giveRoom(full, 0)
    for (const away of [first!, second!, third!]) away.transport.setGate(false)
    await put(fourth!.member).catch(() => {})
    const request = new Uint8Array(16).fill(7)
    const refused = { code: 'too-many-hints' }
    await expect(put(fourth!.member, { request })).rejects.toMatchObject(refused)
    for (const empty of inOrder(ring).slice(3)) giveRoom(empty, 10_000)
    await expect(put(fourth!.member, { request })).rejects.toMatchObject(refused)
    expect(await holds(fourth!)).toBe(false)
    await put(fourth!.member)
    expect(await holds(fourth!)).toBe(true)
  })

  test('takes as an owner whatever it is sent', async () => {
    const ring = await testRing(quick).start(3)
    for (const each of ring.members) giveRoom(each, 0)
    const { acks } = await put(ring.members[0]!.member, { w: 3 })
    expect(acks).toHaveLength(3)
  })
})

describe('the count', () => {
  test('is what the store holds: while it grows, after a restart, and when all is paid', async () => {
    const ring = await testRing({ ...quick, antiEntropyMs: 2 ** 30 }).start(4)
    const keys = Array.from({ length: 40 }, (_, i) => makeKey('carts', `cart ${i}`))
    const holder = 3
    const held = ring.members[holder]!
    await counted(held)
    for (const { transport } of ring.members.slice(0, 2)) transport.setGate(false)
    for (const of of keys) {
      await put(ring.members[2]!.member, { of, length: of.text.length * 3 }).catch(() => {})
    }
    const { status } = held.member.records.foreign
    expect(status.usedBytes).toBeGreaterThan(0)
    expect(status.usedBytes).toBe(await weightIn(held.storage))
    await ring.stop(held)
    const again = await ring.startMember(holder, held.content)
    ring.members[holder] = again
    await counted(again)
    expect(again.member.records.foreign.status.usedBytes).toBe(await weightIn(again.storage))
    for (const { transport } of ring.members.slice(0, 2)) transport.setGate(true)
    await until('all is paid', async () => (await weightIn(again.storage)) === 0, 20_000)
    expect(again.member.records.foreign.status.usedBytes).toBe(0)
  })

  const space = () => {
    const made = new ForeignSpace(() => {})
    made.govern(rules, { ...limits, foreignBytes: 1000 }, new Troubles())
    return made
  }
  const weighing = (name: string, beforeBytes: number, afterBytes: number) => {
    const of = makeKey('carts', name)
    return { key: of, place: storageKeys.object(of), beforeBytes, afterBytes }
  }
  test('counts what comes while the scan is under way once, wherever the scan is', () => {
    const [a, b, c, d] = ['one', 'two', 'three', 'four'].toSorted(
      (x, y) => makeKey('carts', x).position - makeKey('carts', y).position,
    ) as [string, string, string, string]
    const made = space()
    made.beginCount()
    // Ahead of the scan: it will be met, and weighs then what was written last.
    made.note(weighing(d, 0, 5))
    made.note(weighing(d, 5, 7))
    made.note(weighing(a, 100, 100))
    made.note(weighing(b, 10, 10))
    made.passTo(storageKeys.object(makeKey('carts', b)))
    // Behind it: only what is more or less.
    made.note(weighing(a, 100, 0))
    made.note(weighing(b, 10, 30))
    made.note(weighing(c, 0, 1))
    expect(made.endCount()).toBe(true)
    expect(made.status.usedBytes).toBe(30 + 1 + 7)
  })

  test('takes back what was not written, and begins again where nobody knows', () => {
    const made = space()
    made.beginCount()
    expect(made.endCount()).toBe(true)
    const grown = weighing('one', 0, 600)
    made.note(grown)
    expect(made.hasRoom(weighing('two', 0, 600))).toBe(false)
    made.undo(grown, new StorageError('store-full', 'full'))
    expect(made.hasRoom(weighing('two', 0, 600))).toBe(true)
    expect(made.isCounted).toBe(true)
    made.note(grown)
    made.undo(grown, new StorageError('store-lost', 'lost', { outcome: 'unknown' }))
    expect(made.isCounted).toBe(false)
  })

  test('is right after writes in its midst that a full disk did not take', () => {
    const made = space()
    const steps = [weighing('one', 100, 250), weighing('one', 250, 600)]
    const full = new StorageError('store-full', 'full')
    made.beginCount()
    for (const step of steps) made.note(step)
    for (const step of steps) made.undo(step, full)
    made.passTo(storageKeys.object(makeKey('carts', 'one')))
    for (const step of steps) made.note(step)
    for (const step of steps) made.undo(step, full)
    expect(made.endCount()).toBe(true)
    expect(made.status.usedBytes).toBe(100)
  })

  test('is of no use after a failure in its midst of which nobody knows what it left', () => {
    const made = space()
    made.beginCount()
    const grown = weighing('one', 0, 600)
    made.note(grown)
    made.undo(grown, new StorageError('store-lost', 'lost', { outcome: 'unknown' }))
    expect(made.endCount()).toBe(false)
  })
})

test('the room is a share of what the disk says it may hold, or so many bytes', async () => {
  const storage = (await testRing(quick).startMember(0, new MemoryContent())).storage
  const made = new ForeignSpace(() => {})
  expect(made.limitBytes).toBe(limits.unknownSpaceBytes / 4)
  await made.measure({ ...storage, usage: () => Promise.resolve({ quotaBytes: 4000 }) })
  expect(made.limitBytes).toBe(1000)
  made.govern(rules, { ...limits, foreignBytes: 10 }, new Troubles())
  expect(made.limitBytes).toBe(10)
})
