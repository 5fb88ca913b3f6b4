/**
 * A key whose siblings add up to more than one message may carry: it reaches its owners all the same.
 */
import { expect, it } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import type { Member } from '../../src/peer/member.ts'
import { systemRandom } from '../../src/adapters/system.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { quick, testRing, type TestMember, until } from './ring.ts'

const valueBytes = 1000
const key = makeKey('carts', 'alice')
/** Four values fit into a message, as by default all values of a key that one coordinator lets stand. */
const limits = {
  ...quick,
  siblings: 4,
  messageBytes: 6 * valueBytes,
  batchBytes: valueBytes,
}

function put({ member }: TestMember, w: number) {
  const value = makeValue(systemRandom.bytes(valueBytes), 1)
  const request = systemRandom.bytes(16)
  const order = { kind: 'mint', key, context: nothingSeen, value, w, request } as const
  return member.write({ ...order, origin: member.id })
}

async function count(member: Member): Promise<number> {
  return (await member.records.read(key)).state.siblings.length
}

it('is exchanged by owners who were apart', async () => {
  const { members } = await testRing(limits).start(3)
  const [one, ...others] = members
  one!.transport.setGate(false)
  for (let i = 0; i < 4; i++) await put(one!, 1)
  for (let i = 0; i < 4; i++) await put(others[0]!, 2)
  one!.transport.setGate(true)
  await until(
    'all hold all',
    async () =>
      (await Promise.all(members.map(({ member }) => count(member)))).every((n) => n === 8),
    15_000,
  )
}, 20_000)

it('is replicated, handed over by a stand-in, and superseded', async () => {
  const { members } = await testRing(limits).start(5)
  const { owners } = placementOf(members[0]!.member.view.ring, key.position)
  const [one, two, three] = members.filter(({ member }) => owners.includes(member.id))
  const standIns = members.filter(({ member }) => !owners.includes(member.id))
  // Two crowds that know nothing of each other, one of them with those who stand in.
  one!.transport.setGate(false)
  for (let i = 0; i < 4; i++) await put(one!, 1)
  for (const owner of [two!, three!]) owner.transport.setGate(false)
  for (let i = 0; i < 4; i++) await put(standIns[0]!, 2)
  one!.transport.setGate(true)
  await until('one holds all', async () => (await count(one!.member)) === 8, 15_000)
  // Too many for a blind write; one that has seen some of them goes to all who can be reached.
  const { state } = await one!.member.records.read(key)
  const value = makeValue(systemRandom.bytes(valueBytes), 1)
  const [{ dot }] = state.siblings as [(typeof state.siblings)[0]]
  const context = new Map([[dot.actor, { upTo: 0, loose: [dot.counter] }]])
  const seen = dot.counter === 1 ? new Map([[dot.actor, { upTo: 1, loose: [] }]]) : context
  const { acks } = await one!.member.write({
    kind: 'mint',
    key,
    context: seen,
    value,
    w: 3,
    origin: one!.member.id,
    request: systemRandom.bytes(16),
  })
  expect(acks.length).toBeGreaterThanOrEqual(3)
  for (const owner of [two!, three!]) owner.transport.setGate(true)
  await until(
    'all owners hold all, and nobody owes anything',
    async () => {
      const counts = await Promise.all([one!, two!, three!].map(({ member }) => count(member)))
      const hints = await Promise.all(members.map(({ member }) => member.hints()))
      return counts.every((n) => n === 8) && hints.every((n) => n === 0)
    },
    15_000,
  )
  for (const { member } of standIns) expect(await count(member)).toBe(0)
}, 40_000)
