/** Owners change while a key is owed, late copies come, members stop in the middle: nothing is lost, and nothing is left. */
import { describe, expect, test } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { makeKey, type Key } from '../../src/data/key.ts'
import { apply, emptyState, makeValue, sameState } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { absorb } from '../../src/peer/absorb.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
} from '../../src/protocol/message.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import { key, holds, inOrder, owes, put } from './standing-in.ts'
import { quick, testRing, type TestMember, type TestRing, until } from './ring.ts'

const quiet = { ...quick, antiEntropyMs: 2 ** 30 }
const state = apply(
  emptyState,
  { actor: 'AAAAAAAAAAAAAAAA.1', counter: 1 },
  nothingSeen,
  makeValue(utf8('mug'), 1),
)

function ownersOf(ring: TestRing, of: Key = key): readonly string[] {
  return placementOf(ring.members[0]!.member.view.ring, of.position).owners
}

async function allKnow(ring: TestRing): Promise<void> {
  const count = ring.members.length
  await until('all members know all', () =>
    ring.members.every(({ member }) => member.view.members.length === count),
  )
}

/** Every owner holds this, and nobody else anything. */
async function isSettled(ring: TestRing, of: Key = key): Promise<boolean> {
  const owners = ownersOf(ring, of)
  for (const each of ring.members) {
    const isOwner = owners.includes(each.member.id)
    if ((await holds(each, of)) !== isOwner || (await owes(each, of))) return false
    if (isOwner && !sameState((await each.member.records.read(of)).state, state)) return false
  }
  return true
}

/** Takes the state as a stand-in would that is asked by whoever still believes that it should. */
async function sendTo({ member }: TestMember, from: TestMember): Promise<void> {
  const body = encodeRequest(
    from.member.world.stamp({
      type: 'replicate',
      key,
      state,
      minter: undefined,
      insteadOf: undefined,
      lists: undefined,
    }),
  )
  const options = { lane: 'foreground', deadlineMs: 1000 } as const
  const reply = decodeReply(await from.transport.request(member.id, body, options))
  expect(reply.type).toBe('stored')
}

describe('owners that change while a key is owed', () => {
  test('more than once: the copy goes when all that own it at last have it', async () => {
    const ring = await testRing(quiet).start(4)
    const holder = inOrder(ring)[3]!
    const away = inOrder(ring).slice(0, 3)
    for (const { transport } of away) transport.setGate(false)
    await absorb(holder.member.world, holder.member.records, key, state, 'as stand-in')
    const before = ownersOf(ring)
    const seen = [before]
    for (let i = 4; seen.length < 3; i++) {
      for (const { transport } of away) transport.setGate(true)
      ring.members.push(await ring.startMember(i))
      await allKnow(ring)
      const now = ownersOf(ring)
      if (now.join() !== seen.at(-1)!.join()) seen.push(now)
      for (const { transport } of away) transport.setGate(false)
    }
    for (const { transport } of away) transport.setGate(true)
    await until('all is handed over', () => isSettled(ring), 20_000)
  })

  test('an owner that lost its disk after it had acknowledged is owed it again', async () => {
    const ring = await testRing(quiet).start(4)
    const [first, second, third, holder] = inOrder(ring)
    third!.transport.setGate(false)
    await absorb(holder!.member.world, holder!.member.records, key, state, 'as stand-in')
    await until('two have it', async () => (await holds(first!)) && (await holds(second!)))
    await until('one is owed', async () => {
      return (await holder!.storage.get(storageKeys.marker(key)))!.length < 100
    })
    const lost = ring.members.indexOf(first!)
    await ring.stop(first!)
    const again = await ring.startMember(lost, new MemoryContent())
    ring.members[lost] = again
    await until('its new store is known', () => {
      const known = holder!.member.view.byPeer.get(again.member.id)!.record
      return known.generation === again.member.records.generation
    })
    third!.transport.setGate(true)
    await until('all is handed over', () => isSettled(ring), 20_000)
  })

  test('an acknowledgement of one that is no owner any more, in its own view, is none', async () => {
    const ring = await testRing(quiet).start(4)
    const stranger = inOrder(ring)[3]!
    const { world, records } = stranger.member
    expect(await absorb(world, records, key, state, 'as owner')).toBeUndefined()
    // It learns so only while its turn comes.
    const views = [{ ...world, view: () => ownView(ring, stranger) }, world]
    let asked = 0
    const moving = { ...world, view: () => (asked++ === 0 ? views[0]! : views[1]!).view() }
    expect(await absorb(moving, records, key, state, 'as owner')).toBeUndefined()
    expect(await holds(stranger)).toBe(false)
  })
})

/** A view in which this member is alone, and so owns all there is. */
function ownView(ring: TestRing, { member }: TestMember) {
  const { view } = member
  return { ...view, ring: { ...view.ring, ownersOf: () => [member.id] } as typeof view.ring }
}

describe('a late copy', () => {
  test('that reaches one that has handed over and dropped the key is owed and paid again', async () => {
    const ring = await testRing(quiet).start(4)
    const [first, , , holder] = inOrder(ring)
    await sendTo(holder!, first!)
    await until('all is handed over', () => isSettled(ring), 20_000)
    await sendTo(holder!, first!)
    expect(await owes(holder!)).toBe(true)
    await until('all is handed over again', () => isSettled(ring), 20_000)
  })

  test('that somebody with an old view sends to a former owner is handed on', async () => {
    const ring = await testRing(quiet).start(3)
    const before = ownersOf(ring)
    let former: string | undefined
    for (let i = 3; former === undefined; i++) {
      ring.members.push(await ring.startMember(i))
      await allKnow(ring)
      former = before.find((id) => !ownersOf(ring).includes(id))
    }
    const receiver = ring.members.find(({ member }) => member.id === former)!
    const sender = ring.members.find(({ member }) => member.id !== former)!
    await sendTo(receiver, sender)
    await until('all is handed over', () => isSettled(ring), 20_000)
  })
})

describe('a restart in the middle of handing over', () => {
  test('between the acknowledgement and the drop: what is there is offered again', async () => {
    const ring = await testRing(quiet).start(4)
    const holder = inOrder(ring)[3]!
    // The owners take it, and what they say is never heard.
    const request = holder.transport.request.bind(holder.transport)
    let taken = 0
    holder.transport.request = async (to, body, how) => {
      const reply = await request(to, body, how)
      if (decodeRequest(body).type !== 'handoff') return reply
      taken++
      throw new TransportError('link-lost', true)
    }
    await absorb(holder.member.world, holder.member.records, key, state, 'as stand-in')
    await until('it is handed over', () => taken >= 3, 15_000)
    expect(await owes(holder)).toBe(true)
    const index = ring.members.indexOf(holder)
    await ring.stop(holder)
    ring.members[index] = await ring.startMember(index, holder.content)
    await until('all is handed over', () => isSettled(ring), 20_000)
  })

  test('between the drop of the marker and that of the copy, should a store do one of them alone', async () => {
    const ring = await testRing(quiet).start(4)
    const holder = inOrder(ring)[3]!
    const index = ring.members.indexOf(holder)
    await absorb(holder.member.world, holder.member.records, key, state, 'as stand-in')
    await ring.stop(holder)
    for (const name of holder.content.values.keys()) {
      if (name.startsWith('h')) holder.content.values.delete(name)
    }
    ring.members[index] = await ring.startMember(index, holder.content)
    await until('all is handed over', () => isSettled(ring), 20_000)
  })

  test('of an owner that says it has it: it has, also when it is back', async () => {
    const ring = await testRing(quiet).start(4)
    const [first, , , holder] = inOrder(ring)
    const index = ring.members.indexOf(first!)
    const { content } = first!
    await sendTo(holder!, first!)
    await until('the first has it', () => holds(first!))
    await ring.stop(first!)
    ring.members[index] = await ring.startMember(index, content)
    await until('all is handed over', () => isSettled(ring), 20_000)
  })
})

test('an answer under another generation than the view knows pays nothing', async () => {
  const ring = await testRing(quiet).start(4)
  const [first, , , holder] = inOrder(ring)
  const request = holder!.transport.request.bind(holder!.transport)
  let said = 0
  holder!.transport.request = async (to, body, how) => {
    const reply = await request(to, body, how)
    const read = decodeReply(reply)
    if (to !== first!.member.id || read.type !== 'taken') return reply
    said++
    return encodeReply({ ...read, generation: 'the one before' })
  }
  await put(holder!.member, { of: makeKey('carts', 'warm') }).catch(() => {})
  await absorb(holder!.member.world, holder!.member.records, key, state, 'as stand-in')
  await until('the first has said so', () => said > 0, 15_000)
  expect(await owes(holder!)).toBe(true)
  holder!.transport.request = request
  await until('all is handed over', () => isSettled(ring), 20_000)
})
