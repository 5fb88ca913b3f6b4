/** A read that takes longer than usual is asked of one more owner, and the first to answer counts. */
import { beforeEach, describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { liveSiblings, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { Hedging } from '../../src/peer/hedging.ts'
import type { Member } from '../../src/peer/member.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { decodeRequest } from '../../src/protocol/message.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { pause, quick, ring as identity, type TestRing, testRing, until } from './ring.ts'

describe('how long a reader waits, and how often it asks more', () => {
  let nowMs = 0
  const clock = { now: () => 0, elapsed: () => nowMs, after: () => () => {} }
  const limits = { ...quick, hedgesPerRead: 0.1, hedgesAtOnce: 3 }
  let hedging: Hedging
  beforeEach(() => {
    nowMs = 0
    hedging = new Hedging(clock, limits)
  })

  it('waits as long as nineteen in twenty answers of that peer took, once there are some', () => {
    for (let i = 1; i < 20; i++) hedging.took('b', i)
    expect(hedging.patienceMs('b')).toBeUndefined()
    hedging.took('b', 1000)
    expect(hedging.patienceMs('b')).toBeGreaterThanOrEqual(19)
    expect(hedging.patienceMs('b')).toBeLessThan(22)
    expect(hedging.patienceMs('c')).toBeUndefined()
    nowMs = 70_000
    expect(hedging.patienceMs('b')).toBeUndefined()
  })

  it('waits no longer for a peer that pauses often', () => {
    for (let i = 0; i < 100; i++) hedging.took('b', i % 5 === 0 ? 800 : 5)
    expect(hedging.patienceMs('b')).toBeGreaterThanOrEqual(20)
    expect(hedging.patienceMs('b')).toBeLessThan(23)
  })

  it('asks one more for ten reads, and a few at once', () => {
    let asked = 0
    for (let i = 0; i < 1000; i++) {
      hedging.patienceMs('b')
      if (hedging.take()) asked++
    }
    expect(Math.abs(asked - 100)).toBeLessThanOrEqual(1)
    for (let i = 0; i < 1000; i++) hedging.patienceMs('b')
    // No read is asked of more than one.
    expect(hedging.take(1)).toBe(false)
    expect([1, 2, 3, 4].map(() => hedging.take())).toEqual([true, true, true, false])
    expect(hedging.extra).toBe(asked + 3)
  })
})

describe('a get while an owner pauses', () => {
  let ring: TestRing
  let reader: Member
  let slow: Member
  /** Who was asked to read, in order. */
  let asked: string[]
  let pauseMs: number
  let third: string
  let key: Key

  /** The reader has read much from the peer that then pauses, and turns to it first. */
  beforeEach(async () => {
    ring = await testRing({ ...quick, ownerMs: 600, requestMs: 2000, hedgesPerRead: 1 }).start(4)
    ;[reader, slow] = ring.members.map(({ member }) => member) as [Member, Member]
    ;[key, third] = ownedBy(reader, slow)
    await put(reader, key, 'one')
    asked = []
    pauseMs = 0
    const { transport, links, hedging } = reader.world
    const request = transport.request.bind(transport)
    transport.request = async (to, body, how) => {
      const isRead = decodeRequest(body).type === 'read'
      if (isRead) asked.push(to)
      if (!isRead || to !== slow.id || pauseMs === 0) return request(to, body, how)
      await pause(Math.min(pauseMs, how.deadlineMs))
      if (pauseMs >= how.deadlineMs) throw new TransportError('deadline', true)
      return request(to, body, how)
    }
    links.fastestFirst = (peers) => [...peers].sort((a) => (a === slow.id ? -1 : 1))
    for (let i = 0; i < 40; i++) {
      hedging.took(slow.id, 5)
      hedging.patienceMs(slow.id)
    }
  })

  it('is answered by the next owner, and by nobody twice', async () => {
    pauseMs = 400
    const startMs = performance.now()
    const got = await reader.get(key, 2)
    expect(performance.now() - startMs).toBeLessThan(pauseMs)
    expect(asked).toEqual([slow.id, third])
    expect([...got.answers].sort()).toEqual([reader.id, third].sort())
    expect(got.missing).toBe(0)
    expect(liveSiblings(got.state)).toHaveLength(1)
    await pause(pauseMs)
    expect(ring.events.filter(({ type }) => type === 'hedge')).toHaveLength(1)
  })

  it('asks nobody in vain when the one that pauses is given up after the answer', async () => {
    pauseMs = 700
    await reader.get(key, 2)
    await until('it is given up', () => ring.events.some(({ type }) => type === 'suspect'))
    await pause(50)
    // There is a fourth member, which holds nothing of it.
    expect(asked).toEqual([slow.id, third])
  })

  it('waits for both when it needs both', async () => {
    pauseMs = 100
    const got = await reader.get(key, 3)
    expect(new Set(got.answers).size).toBe(identity.n)
    // There is no owner left to be asked.
    expect(asked).toHaveLength(2)
  })

  it('asks no more than it may', async () => {
    pauseMs = 100
    reader.world.hedging.take = () => false
    const startMs = performance.now()
    await reader.get(key, 2)
    expect(performance.now() - startMs).toBeGreaterThan(pauseMs - 10)
    expect(asked).toEqual([slow.id])
  })
})

/** A key that both own, and its third owner. */
function ownedBy(one: Member, other: Member): [Key, string] {
  for (let i = 0; ; i++) {
    const key = makeKey('n', `k${i}`)
    const { owners } = placementOf(one.view.ring, key.position)
    if (![one, other].every(({ id }) => owners.includes(id))) continue
    return [key, owners.find((id) => id !== one.id && id !== other.id)!]
  }
}

async function put(member: Member, key: Key, text: string): Promise<void> {
  await member.write({
    kind: 'mint',
    key,
    context: nothingSeen,
    value: makeValue(utf8(text), 1),
    w: 3,
    origin: member.id,
    request: new Uint8Array(16),
  })
}
