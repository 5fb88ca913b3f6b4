/** A ring of real members changes: somebody joins, leaves, is sent away, or weighs more. */
import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { liveSiblings, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { Member } from '../../src/peer/member.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { pause, type TestMember, type TestRing, testRing, until } from './ring.ts'

const patienceMs = 20_000
const keys = Array.from({ length: 40 }, (_, at) => makeKey('stock', `item ${at}`))

async function put(member: Member, key: Key, text: string, strict = true): Promise<void> {
  const request = member.world.random.bytes(16)
  const order = {
    key,
    context: nothingSeen,
    value: makeValue(utf8(text), 1),
    origin: member.id,
    request,
  }
  await member.write({ kind: 'mint', ...order, w: 2, strict })
}

async function read(member: Member, key: Key): Promise<string[]> {
  const { state } = await member.get(key, { r: 2, strict: true })
  return liveSiblings(state)
    .map(({ value }) => new TextDecoder().decode(value.bytes))
    .sort()
}

async function wholeRing(count: number): Promise<TestRing> {
  const ring = await testRing().start(count)
  await until('all members to be whole', () =>
    ring.members.every(({ member }) =>
      member.view.members.every(({ record }) => record.readiness === 'ready'),
    ),
  )
  return ring
}

async function writeAll({ members }: TestRing): Promise<void> {
  for (const [at, key] of keys.entries())
    await put(members[at % members.length]!.member, key, `${at}`)
}

/** All of these see a ring of just these, and none on its way. */
async function settled(members: readonly TestMember[], seats = members): Promise<void> {
  const ids = seats.map(({ member }) => member.id).sort()
  await until(
    'the change to be settled',
    () =>
      members.every(({ member: { view } }) => {
        return (
          view.next === undefined && view.ring.members.map(({ id }) => id).join() === ids.join()
        )
      }),
    patienceMs,
  )
}

async function readAll(members: readonly TestMember[]): Promise<void> {
  for (const [at, key] of keys.entries()) {
    expect(await read(members[at % members.length]!.member, key)).toEqual([`${at}`])
  }
}

/** Every owner of a key holds it, and nobody else does. */
async function isInPlace(members: readonly TestMember[]): Promise<boolean> {
  for (const key of keys) {
    const { owners } = placementOf(members[0]!.member.view.ring, key.position)
    for (const { member } of members) {
      const { state } = await member.records.read(key)
      if (state.siblings.length > 0 !== owners.includes(member.id)) return false
    }
  }
  return true
}

describe('a joiner', () => {
  it('owns nothing before it holds what it is to own, and then all goes on', async () => {
    const ring = await wholeRing(4)
    await writeAll(ring)
    const joiner = await ring.startMember(4, new MemoryContent(), { joins: true })
    const all = [...ring.members, joiner]
    await settled(all)
    expect(joiner.member.view.ring.shareOf(joiner.member.id)).toBeGreaterThan(0.1)
    await readAll(all)
    await until('all to be in place', () => isInPlace(all), patienceMs)
    expect(ring.events.filter(({ type }) => type === 'task-failed')).toEqual([])
  })

  it('is in the ring after a restart as well, and so are the others', async () => {
    const ring = await wholeRing(3)
    await writeAll(ring)
    const joiner = await ring.startMember(3, new MemoryContent(), { joins: true })
    await settled([...ring.members, joiner])
    await ring.stop(joiner)
    const again = await ring.startMember(3, joiner.content, { joins: true })
    await settled([...ring.members, again])
    await readAll([...ring.members, again])
  })

  it('comes while strict writes go on, and none is missed', async () => {
    const ring = await wholeRing(3)
    await writeAll(ring)
    let isOver = false
    let written = 0
    const writing = (async () => {
      while (!isOver) {
        const key = makeKey('stock', `more ${written}`)
        await put(ring.members[written % 3]!.member, key, `${written}`)
        expect(await read(ring.members[(written + 1) % 3]!.member, key)).toEqual([`${written}`])
        written++
        // Nothing here waits for a timer, and all else does.
        await pause(1)
      }
    })()
    const joiner = await ring.startMember(3, new MemoryContent(), { joins: true })
    await settled([...ring.members, joiner])
    isOver = true
    await writing
    expect(written).toBeGreaterThan(3)
    for (let at = 0; at < written; at++) {
      expect(await read(joiner.member, makeKey('stock', `more ${at}`))).toEqual([`${at}`])
    }
  })
})

describe('two joiners at one time', () => {
  it('come one after the other', async () => {
    const ring = await wholeRing(3)
    await writeAll(ring)
    const joiners = await Promise.all(
      [3, 4].map((at) => ring.startMember(at, new MemoryContent(), { joins: true })),
    )
    const all = [...ring.members, ...joiners]
    await settled(all)
    await readAll(all)
  })
})

describe('a leaver', () => {
  it('goes once others hold all that it held', async () => {
    const ring = await wholeRing(4)
    await writeAll(ring)
    const leaver = ring.members[1]!
    const others = ring.members.filter((each) => each !== leaver)
    const left = leaver.member.leave()
    await settled(others)
    await left
    expect(leaver.member.changing.isRemoved).toBe(true)
    await expect(put(leaver.member, keys[0]!, 'late')).rejects.toMatchObject({ code: 'closed' })
    expect(await leaver.member.hints()).toBe(0)
    await ring.stop(leaver)
    await readAll(others)
    await until('the others to have forgotten it', () =>
      others.every(({ member }) => member.view.members.length === 3),
    )
  })
})

describe('a tab', () => {
  it('learns that a member has left, and its writes are everywhere without that one', async () => {
    const ring = await wholeRing(4)
    const edge = await ring.startEdge(1)
    await until('the tab to know four', () => edge.view.members.length === 4)
    const leaver = ring.members[3]!
    await leaver.member.leave()
    await ring.stop(leaver)
    await until('the tab to know three', () => edge.view.members.length === 3, patienceMs)
    const bucket = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} }).bucket(
      'stock',
    )
    for (const at of [1, 2, 3, 4, 5, 6]) {
      const receipt = await bucket.put(`item ${at}`, at)
      await receipt.reached('everywhere')
    }
  })
})

describe('a member that is gone', () => {
  it('is sent away by the word of another, and its part goes to those who are there', async () => {
    const ring = await wholeRing(4)
    await writeAll(ring)
    const gone = ring.members[2]!
    const others = ring.members.filter((each) => each !== gone)
    await ring.stop(gone)
    await others[0]!.member.evict(gone.member.id)
    await settled(others)
    await readAll(others)
    await until('it to be removed', () =>
      others.every(({ member }) => member.view.members.length === 3),
    )
    // Its old store comes back: only a fresh join makes it a member.
    const back = await ring.startMember(2, gone.content, { joins: true })
    await settled([...others, back])
    await readAll([...others, back])
  })
})

describe('a member that was sent away while it was down', () => {
  it('asks before it believes that its seat is still its own', async () => {
    const ring = await wholeRing(4)
    const joiner = await ring.startMember(4, new MemoryContent(), { joins: true })
    await settled([...ring.members, joiner])
    await writeAll(ring)
    await ring.stop(joiner)
    await ring.members[0]!.member.evict(joiner.member.id)
    await settled(ring.members)
    const back = await ring.startMember(4, joiner.content, { joins: true })
    expect(back.member.changing.standing).toBe('joining')
    await settled([...ring.members, back])
    await readAll([...ring.members, back])
  })
})

describe('a weight', () => {
  it('becomes another by a change like any other', async () => {
    const ring = await wholeRing(4)
    await writeAll(ring)
    const heavy = ring.members[3]!
    const { class: kind, host, zone } = heavy.member.view.byPeer.get(heavy.member.id)!.record
    heavy.member.want({ seat: { class: kind, host, zone, weight: 3 } })
    await until(
      'the ring to have it',
      () =>
        ring.members.every(({ member: { view } }) => {
          const one = view.ring.members.find(({ id }) => id === heavy.member.id)
          return one?.weight === 3 && view.next === undefined
        }),
      patienceMs,
    )
    await readAll(ring.members)
  })
})
