/** Grace: when all is over that a member had begun, and discarded what it had sent. */
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { apply, emptyState, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { encode } from '../../src/protocol/codec.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../../src/protocol/message.ts'
import { reapingRules } from '../../src/protocol/reaping.ts'
import { reapingRequest } from '../../src/protocol/reaping-message.ts'
import { type Session, Sessions } from '../../src/peer/sessions.ts'
import { type TestMember, testRing, until } from './ring.ts'

const key = makeKey('carts', 'alice')
const dot = { actor: `${'A'.repeat(16)}.1`, counter: 1 }
const state = apply(emptyState, dot, nothingSeen, makeValue(utf8('mug'), 1))

function replicate(life: number, number: number): Request {
  const session = { life: new Uint8Array(8).fill(life), number }
  const more = { minter: undefined, insteadOf: undefined }
  return { type: 'replicate', key, state, ...more, session }
}

function newSession(session: Session): Request {
  return { type: 'reaping', body: encode(reapingRequest, { type: 'session', session }) }
}

async function tell(from: TestMember, to: TestMember, request: Request): Promise<Reply['type']> {
  const options = { lane: 'foreground', deadlineMs: 2000 } as const
  const body = encodeRequest(request)
  return decodeReply(await from.transport.request(to.member.id, body, options)).type
}

describe('what a member has sent', () => {
  test('is discarded once it has said so, if it comes late, and nothing else is', async () => {
    const { members } = await testRing().start(2)
    const [one, other] = members as [TestMember, TestMember]
    expect(await tell(one, other, replicate(1, 4))).toBe('stored')
    const newest = { life: new Uint8Array(8).fill(1), number: 5 }
    expect(await tell(one, other, newSession(newest))).toBe('reaping')
    expect(await tell(one, other, replicate(1, 4))).toBe('refused')
    expect(await tell(one, other, replicate(1, 5))).toBe('stored')
    // A late copy of an earlier word changes nothing.
    const earlier = { ...newest, number: 3 }
    expect(await tell(one, other, newSession(earlier))).toBe('reaping')
    expect(await tell(one, other, replicate(1, 4))).toBe('refused')
    // A process that started since counts anew; another member is another matter.
    expect(await tell(one, other, replicate(2, 1))).toBe('stored')
    expect(await tell(other, one, replicate(1, 4))).toBe('stored')
  })
})

describe('a sweep', () => {
  test('is over when all that had begun before it has ended, and what began meanwhile', async () => {
    const { member } = await testRing().startMember(0)
    const sessions = new Sessions(member.world, reapingRules)
    const endEarlier = sessions.begin()
    const sweep = sessions.want()
    sessions.tick()
    expect(sessions.isDone(sweep)).toBe(false)
    const numberOf = (): unknown =>
      (sessions.stamp(replicate(0, 0)) as { session: unknown }).session
    const before = numberOf()
    const endLater = sessions.begin()
    endEarlier()
    sessions.tick()
    // From here on it sends in a session of its own; what was begun in the old one may still send in that.
    expect(numberOf()).not.toEqual(before)
    expect(sessions.isDone(sweep)).toBe(false)
    endLater()
    sessions.tick()
    expect(sessions.isDone(sweep)).toBe(true)
    expect(sessions.want()).toBeGreaterThan(sweep)
  })

  test('that is asked for while one runs is another, for what began in between', async () => {
    const { member } = await testRing().startMember(0)
    const sessions = new Sessions(member.world, reapingRules)
    const end = sessions.begin()
    const first = sessions.want()
    sessions.tick()
    const second = sessions.want()
    expect(second).toBeGreaterThan(first)
    const endAnother = sessions.begin()
    end()
    sessions.tick()
    endAnother()
    sessions.tick()
    expect([sessions.isDone(first), sessions.isDone(second)]).toEqual([true, false])
    sessions.tick()
    expect(sessions.isDone(second)).toBe(true)
  })

  test('is not over before every other member has heard of it, and names who has not', async () => {
    const ring = await testRing().start(2)
    const [one, other] = ring.members as [TestMember, TestMember]
    const sessions = new Sessions(one.member.world, reapingRules)
    other.transport.setGate(false)
    const sweep = sessions.want()
    const isOver = (): boolean => {
      sessions.tick()
      return sessions.isDone(sweep)
    }
    await until('it is suspect', () => one.member.world.links.isSuspect(other.member.id))
    expect(isOver()).toBe(false)
    expect(sessions.waitsFor).toBe(other.member.id)
    other.transport.setGate(true)
    await until('it has heard', isOver)
    expect(sessions.waitsFor).toBeUndefined()
  })
})
