/** What a peer does when a disk, a table or another peer is not as it should be. */
import { describe, expect, it } from 'vitest'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { MemoryContent, openMemory } from '../../src/adapters/memory.ts'
import { systemClock, systemRandom } from '../../src/adapters/system.ts'
import { toBinaryText, utf8 } from '../../src/data/bytes.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { generationOf } from '../../src/data/hash.ts'
import { liveSiblings, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { Member } from '../../src/peer/member.ts'
import { startMember } from '../../src/peer/start-member.ts'
import { RingletError, StorageError, TransportError } from '../../src/protocol/errors.ts'
import {
  decodeReply,
  decodeRequest,
  encodeReply,
  encodeRequest,
} from '../../src/protocol/message.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import type { Storage, Transport } from '../../src/ports.ts'
import { pause, quick, ring as identity, testRing, until, within } from './ring.ts'

let requests = 0
function put(member: Member, key: Key, text: string, w = 2) {
  const request = new Uint8Array(16)
  new DataView(request.buffer).setUint32(0, ++requests)
  const value = makeValue(utf8(text), 1)
  return member.write({
    kind: 'mint',
    key,
    context: nothingSeen,
    value,
    w,
    origin: member.id,
    request,
  })
}

describe('a bad disk', () => {
  it('mends a record whose body has a flipped bit without anybody reading it', async () => {
    const ring = await testRing().start(3)
    const key = makeKey('carts', 'alice')
    await put(ring.members[0]!.member, key, 'precious', 3)
    const { content, member } = ring.members[1]!
    const name = toBinaryText(storageKeys.object(key))
    const bytes = content.values.get(name)!.slice()
    bytes[bytes.length - 60]! ^= 1
    content.set(name, bytes)
    // Thirty exchanges, three of them salted.
    await pause(4500)
    const before = ring.events.filter(({ type }) => type === 'quarantined').length
    const held = (await member.records.read(key)).state
    expect(ring.events.filter(({ type }) => type === 'quarantined').length).toBe(before)
    expect(held.siblings.length).toBe(1)
  }, 15_000)

  it('goes on draining and writing with one marker that cannot be read', async () => {
    const ring = await testRing().start(5)
    const members = ring.members
    const view = members[0]!.member.view
    // A stranger holds hints of two keys, the first of which has a broken marker.
    const names = Array.from({ length: 60 }, (_, i) => `k${i}`)
    const byOwner = names.map((name) => makeKey('carts', name))
    const target = members[0]!
    const foreign = byOwner
      .filter((key) => !placementOf(view.ring, key.position).owners.includes(target.member.id))
      .sort((a, b) => a.position - b.position)
    const [first, second] = foreign
    for (const { transport } of members.slice(1)) transport.setGate(false)
    await put(target.member, first!, 'x', 1)
    await put(target.member, second!, 'y', 1)
    const name = toBinaryText(storageKeys.marker(first!))
    expect(target.content.values.has(name)).toBe(true)
    target.content.set(name, Uint8Array.of(0xff, 0xff))
    for (const { transport } of members.slice(1)) transport.setGate(true)
    const second_ = toBinaryText(storageKeys.marker(second!))
    await until('the sound hint drains', () => !target.content.values.has(second_), 3000)
  }, 10_000)

  it('reads from the other owners when its own disk cannot', async () => {
    const network = memoryNetwork(quick)
    const content = new MemoryContent()
    const opened = await Promise.all([0, 1, 2].map((i) => open(network, i, { content })))
    await until('all know all', () =>
      opened.every(({ member }) => member.view.members.length === 3),
    )
    const key = makeKey('carts', 'alice')
    await put(opened[0]!.member, key, 'x', 3)
    opened[0]!.storage.get = () =>
      Promise.reject(new StorageError('store-lost', 'the disk is gone'))
    try {
      expect(liveSiblings((await opened[0]!.member.get(key, 2)).state).length).toBe(1)
    } finally {
      for (const each of opened) await each.close()
    }
  })

  it('answers a get when the last one to ask is itself and its disk fails', async () => {
    const network = memoryNetwork(quick)
    const opened = await Promise.all([0, 1, 2, 3].map((i) => open(network, i, {})))
    await until('all know all', () =>
      opened.every(({ member }) => member.view.members.length === 4),
    )
    const stranger = opened[0]!
    const key = Array.from({ length: 60 }, (_, i) => makeKey('c', `k${i}`)).find(
      ({ position }) =>
        !placementOf(stranger.member.view.ring, position).owners.includes(stranger.member.id),
    )!
    for (const { transport } of opened.slice(1)) transport.setGate(false)
    stranger.storage.get = () => Promise.reject(new StorageError('store-lost', 'gone'))
    const got = await within(
      3000,
      stranger.member.get(key, 1).catch((error: unknown) => error),
    )
    for (const { transport } of opened.slice(1)) transport.setGate(true)
    expect(got).toBeInstanceOf(RingletError)
  })

  it('sends what is owed no more often than it says it does', async () => {
    const network = memoryNetwork(quick)
    const opened = await Promise.all([0, 1, 2, 3].map((i) => open(network, i, {})))
    await until('all know all', () =>
      opened.every(({ member }) => member.view.members.length === 4),
    )
    const stranger = opened[0]!
    const key = Array.from({ length: 60 }, (_, i) => makeKey('c', `k${i}`)).find(
      ({ position }) =>
        !placementOf(stranger.member.view.ring, position).owners.includes(stranger.member.id),
    )!
    const { owners } = placementOf(stranger.member.view.ring, key.position)
    for (const { transport } of opened.slice(1)) transport.setGate(false)
    await put(stranger.member, key, 'x'.repeat(100_000), 1)
    let sent = 0
    const request = stranger.transport.request.bind(stranger.transport)
    stranger.transport.request = (to, body, options) => {
      if (body[1] === 7 && to === owners[0]) sent++
      return request(to, body, options)
    }
    // Its owner has a full disk: alive, and unable to take anything.
    const full = opened.find(({ member }) => member.id === owners[0])!
    full.storage.update = () => Promise.reject(new StorageError('store-full', 'full'))
    for (const { transport } of opened.slice(1)) transport.setGate(true)
    await pause(3000)
    expect(sent).toBeLessThan(3000 / quick.handoffMs + 3)
  }, 10_000)
})

describe('outcomes', () => {
  it('does not refuse for good an edge write that a member which lags behind turns away', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
    const bucket = peer.bucket('notes')
    await bucket.follow('k')
    await until('it has links', () => edge.world.transport.links().length === 3)
    const request = edge.world.transport.request.bind(edge.world.transport)
    // What a non-owner answers when the owner that it passed the delivery to does not know it yet (protocol/admission).
    let turned = false
    edge.world.transport.request = async (to, body, options) => {
      if (body[1] !== 5 || turned) return request(to, body, options)
      turned = true
      // Take what a member really says to a stranger that forwards.
      const delivery = decodeRequest(body)
      if (delivery.type !== 'deliver') throw new Error(`no delivery: ${delivery.type}`)
      const passedOn = encodeRequest({ ...delivery, direct: true })
      const stranger = await ring.startEdge(2)
      const reply = await stranger.world.transport.request(
        ring.members[0]!.member.id,
        passedOn,
        options,
      )
      expect(decodeReply(reply)).toMatchObject({ type: 'refused', code: 'not-admitted' })
      return encodeReply(decodeReply(reply))
    }
    const receipt = await bucket.put('k', 'kept', { ack: 'device' })
    await receipt.reached('quorum')
    expect(turned).toBe(true)
  })

  it('calls nonsense refused: nothing of it can be anywhere', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    await until('linked', () => edge.world.transport.links().length > 0)
    const { peer } = edge.world.transport.links()[0]!
    const reply = await edge.world.transport.request(peer, Uint8Array.of(1, 3, 0xff), {
      lane: 'foreground',
      deadlineMs: 500,
    })
    expect(decodeReply(reply)).toMatchObject({ code: 'malformed', outcome: 'refused' })
  })

  it('asks another member when one has a defect', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const bucket = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} }).bucket('n')
    await until('it has links', () => edge.world.transport.links().length === 3)
    const key = makeKey('n', 'k')
    // The fastest owner has a marker that cannot be read (a flipped bit).
    const first = edge.world.links.fastestFirst(placementOf(edge.view.ring, key.position).owners)[0]
    const broken = ring.members.find(({ member }) => member.id === first)!
    broken.content.set(toBinaryText(storageKeys.marker(key)), Uint8Array.of(0xff, 0xff))
    const receipt = await bucket.put('k', 'x')
    expect(receipt.stage).toBe('quorum')
  })
})

describe('limits', () => {
  it('refuses the thirty-third blind sibling from an edge too', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const bucket = peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} }).bucket('n')
    await bucket.follow('k')
    const settled = await Promise.allSettled(
      Array.from({ length: 40 }, (_, i) => bucket.put('k', i, { context: 'none' })),
    )
    expect(settled.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(33)
    const state = (await ring.members[0]!.member.get(makeKey('n', 'k'), 2)).state
    expect(liveSiblings(state).length).toBeLessThanOrEqual(33)
  }, 20_000)

  it('keeps no more loose dots of a context than a context may have', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    await until('linked', () => edge.world.transport.links().length > 0)
    const { peer } = edge.world.transport.links()[0]!
    const actor = `${generationOf('somebody', new Uint8Array(16))}.1`
    const loose = Array.from({ length: 100_000 }, (_, i) => 2 * i + 2)
    const key = makeKey('n', 'k')
    const body = encodeRequest({
      type: 'put',
      key,
      request: new Uint8Array(16),
      context: new Map([[actor, { upTo: 0, loose }]]),
      value: makeValue(utf8('x'), 1),
      w: 1,
      direct: true,
      origin: undefined,
    })
    await edge.world.transport.request(peer, body, { lane: 'foreground', deadlineMs: 1000 })
    const { member } = ring.members.find((each) => each.member.id === peer)!
    const { seen } = (await member.records.read(key)).state
    expect(seen.get(actor)?.loose.length ?? 0).toBeLessThanOrEqual(64)
  })
})

describe('two halves that were founded apart', () => {
  it('find each other once they can talk', async () => {
    const network = memoryNetwork(quick)
    const ids = [0, 1, 2, 3].map((i) => identityFromSeed(new Uint8Array(32).fill(i + 1)).peer)
    const bootstrap = ids.map((id) => `memory:${id}`)
    let cut = true
    const between = (a: number, b: number) => cut && Math.floor(a / 2) !== Math.floor(b / 2)
    const opened = await Promise.all(
      [0, 1, 2, 3].map((i) =>
        open(network, i, { bootstrap, forbid: (to) => between(i, ids.indexOf(to)) }),
      ),
    )
    await until('two rings of two', () =>
      opened.every(({ member }) => member.view.members.length === 2),
    )
    await pause(500)
    cut = false
    try {
      await until(
        'one ring of four',
        () => opened.every(({ member }) => member.view.members.length === 4),
        5000,
      )
    } finally {
      for (const each of opened) await each.close()
    }
  }, 15_000)
})

interface Opened {
  member: Member
  storage: Storage
  transport: Transport
  close(): Promise<void>
}

async function open(
  network: ReturnType<typeof memoryNetwork>,
  index: number,
  {
    content = new MemoryContent(),
    bootstrap,
    forbid = () => false,
  }: {
    content?: MemoryContent
    bootstrap?: readonly string[]
    forbid?: (to: string) => boolean
  },
): Promise<Opened> {
  const self = identityFromSeed(new Uint8Array(32).fill(index + 1))
  const transport = network.open(self.peer)
  const request = transport.request.bind(transport)
  const dial = transport.dial.bind(transport)
  transport.request = async (to, body, options) => {
    if (forbid(to)) throw new TransportError('unreachable', false)
    return request(to, body, options)
  }
  transport.dial = async (address) => {
    if (forbid(address.slice('memory:'.length))) throw new TransportError('unreachable', false)
    return dial(address)
  }
  const storage = openMemory(index === 0 ? content : new MemoryContent())
  const member = await startMember({
    ring: identity,
    identity: self,
    transport,
    storage,
    clock: systemClock,
    random: systemRandom,
    trace: () => {},
    bootstrap:
      bootstrap ??
      [0, 1, 2, 3].map((i) => `memory:${identityFromSeed(new Uint8Array(32).fill(i + 1)).peer}`),
    class: 'durable',
    host: `host-${index}`,
    zone: '',
    weight: 1,
    limits: quick,
  })
  return {
    member,
    storage,
    transport,
    close: async () => {
      await within(3000, member.close())
      await transport.close()
    },
  }
}
