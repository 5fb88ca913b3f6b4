/** What a peer does when much comes at once, or nothing comes back. */
import { describe, expect, it } from 'vitest'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { openMemory } from '../../src/adapters/memory.ts'
import { systemClock, systemRandom } from '../../src/adapters/system.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { startMember } from '../../src/peer/start-member.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import { signRecord } from '../../src/protocol/membership.ts'
import { encodeRequest } from '../../src/protocol/message.ts'
import { pause, quick, ring as identity, testRing, until, within } from './ring.ts'

it('closes while others go on asking', async () => {
  const ring = await testRing().start(3)
  const edge = await ring.startEdge(1)
  const { member } = ring.members[0]!
  await until('linked', () => edge.world.transport.links().length === 3)
  // Milliseconds of a real network, in place of none at all.
  const { transport } = ring.members[0]!
  const outward = transport.request.bind(transport)
  transport.request = async (to, body, options) => {
    await pause(2 + 10 * Math.random())
    return outward(to, body, options)
  }
  let going = true
  let count = 0
  const loops = Array.from({ length: 64 }, async () => {
    while (going) {
      const request = new Uint8Array(16)
      new DataView(request.buffer).setUint32(0, ++count)
      const body = encodeRequest({
        type: 'put',
        key: makeKey('n', `k${count % 64}`),
        request,
        context: nothingSeen,
        value: makeValue(utf8('x'), 1),
        w: 2,
        direct: true,
        origin: undefined,
      })
      await edge.world.transport
        .request(member.id, body, { lane: 'foreground', deadlineMs: 500 })
        .catch(() => undefined)
      await pause(0)
    }
  })
  await pause(200)
  const closed = await within(4000, member.close())
  going = false
  await Promise.all(loops)
  expect(closed).not.toBe('too late')
}, 15_000)

it('answers within the time of a request, however many members are silent', async () => {
  const network = memoryNetwork(quick)
  let silent = false
  const opened = await Promise.all(
    Array.from({ length: 24 }, async (_, index) => {
      const self = identityFromSeed(new Uint8Array(32).fill(index + 1))
      const transport = network.open(self.peer)
      const request = transport.request.bind(transport)
      transport.request = async (to, body, options) => {
        if (!silent) return request(to, body, options)
        await pause(options.deadlineMs)
        throw new TransportError('deadline', true)
      }
      const member = await startMember({
        ring: identity,
        identity: self,
        transport,
        storage: openMemory(),
        clock: systemClock,
        random: systemRandom,
        trace: () => {},
        bootstrap: [`memory:${identityFromSeed(new Uint8Array(32).fill(1)).peer}`],
        class: 'durable',
        host: `host-${index}`,
        zone: '',
        weight: 1,
        limits: { ...quick, antiEntropyMs: 60_000 },
      })
      return { member, transport }
    }),
  )
  await until(
    'all know all',
    () => opened.every(({ member }) => member.view.members.length === 24),
    15_000,
  )
  silent = true
  const { member } = opened[0]!
  await pause(1500)
  const began = performance.now()
  await member
    .write({
      kind: 'mint',
      key: makeKey('n', 'k'),
      context: nothingSeen,
      value: makeValue(utf8('x'), 1),
      w: 2,
      origin: member.id,
      request: new Uint8Array(16),
    })
    .catch(() => {})
  const took = performance.now() - began
  silent = false
  for (const { transport } of opened) await transport.close()
  for (const each of opened) await within(1000, each.member.close())
  expect(took).toBeLessThan(quick.requestMs + quick.ownerMs)
}, 60_000)

it('does not suspect a member because background work was slow there', async () => {
  const ring = await testRing().start(3)
  const storages = ring.members.map(({ member }) => member.world.storage)
  const slow = storages[1]!
  const range = slow.range.bind(slow)
  slow.range = async (from, to, limit) => {
    await pause(1500)
    return range(from, to, limit)
  }
  // As after a restart, or in a salted exchange: the folds are made from the store.
  ring.members[1]!.member.records.digests.remake()
  const before = ring.events.length
  await pause(4000)
  const suspicions = ring.events
    .slice(before)
    .filter(({ type, to }) => type === 'suspect' && to === ring.members[1]!.member.id)
  slow.range = range
  expect(suspicions).toEqual([])
}, 15_000)

describe('a hostile peer', () => {
  it('cannot hold the event loop with false signatures', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    await until('linked', () => edge.world.transport.links().length > 0)
    const { peer } = edge.world.transport.links()[0]!
    const victim = ring.members.find(({ member }) => member.id === peer)!.member
    const [genuine] = victim.view.members
    const forged = Array.from({ length: 2000 }, (_, i) => {
      const self = identityFromSeed(new Uint8Array(32).fill(7))
      const signed = signRecord(self, identity, { ...genuine!.record, version: 2 ** 40 + i })
      return signed
    })
    const body = encodeRequest({ type: 'records', records: forged })
    const began = performance.now()
    await edge.world.transport.request(peer, body, { lane: 'foreground', deadlineMs: 30_000 })
    const took = performance.now() - began
    expect(took, `${body.length} bytes`).toBeLessThan(300)
  }, 60_000)
})

it('begins fewer at one time where its process comes round late', async () => {
  const network = memoryNetwork(quick)
  const self = identityFromSeed(new Uint8Array(32).fill(1))
  const transport = network.open(self.peer)
  let behindMs = 0
  let isBusy = true
  const member = await startMember({
    ring: identity,
    identity: self,
    transport,
    storage: openMemory(),
    // Each timer of a busy process is late, and it sees that by its clock.
    clock: {
      now: systemClock.now,
      elapsed: () => systemClock.elapsed() + behindMs,
      after: (ms, run) =>
        systemClock.after(ms, () => {
          if (isBusy) behindMs += quick.ownerMs
          run()
        }),
    },
    random: systemRandom,
    trace: () => {},
    bootstrap: [],
    class: 'durable',
    host: 'host-1',
    zone: '',
    weight: 1,
    limits: { ...quick, requestsUnderWay: 512 },
  })
  expect(member.intake.most).toBeGreaterThan(32)
  await until('it begins as few as it ever does', () => member.intake.most === 32)
  isBusy = false
  await until('it begins more again', () => member.intake.most > 32)
  await member.close()
  await transport.close()
})
