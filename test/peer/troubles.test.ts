/** What goes wrong in the background is a warning in the status until it works again. */
import { describe, expect, it } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { peerOfEdge, peerOfMember } from '../../src/peer/application.ts'
import type { Peer, PeerStatus } from '../../src/peer/api.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { StorageError } from '../../src/protocol/errors.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import type { Storage } from '../../src/ports.ts'
import { Troubles } from '../../src/peer/troubles.ts'
import { testRing, until } from './ring.ts'

const full = new StorageError('store-full', 'the disk is full', { remedy: 'Make room.' })
const warning = 'This device does not store all that it should: the disk is full. Make room.'

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, { r: 2, w: 2, warnings: ['always'], close: async () => {} })
}

/** Every update of these keys (or all) fails until the returned function is called. */
function fill(storage: Storage, ...keys: readonly Uint8Array[]): () => void {
  const update = storage.update.bind(storage)
  storage.update = (asked, change, durability) => {
    const hit = asked.some((key) => keys.some((each) => each.join() === key.join()))
    if (keys.length > 0 && !hit) return update(asked, change, durability)
    return Promise.reject(full)
  }
  return () => {
    storage.update = update
  }
}

describe('a warning of what could not be stored', () => {
  it('stands while a copy cannot be refreshed, and goes once it can', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const heard: PeerStatus[] = []
    peer.addEventListener('status', ({ detail }) => heard.push(detail))
    const notes = peer.bucket('notes')
    const other = peerOf(await ring.startEdge(2)).bucket('notes')
    await notes.follow('k')
    await notes.follow('fine')
    await until('all tell it', () => ring.members.every(({ member }) => member.followers === 1))
    const empty = fill(edge.world.storage, storageKeys.edge(makeKey('notes', 'k')))
    await other.put('k', 'news')
    await until('it warns', () => peer.status.warnings.includes(warning))
    expect(peer.status.warnings).toEqual(['always', warning])
    await until('its listeners hear', () => heard.at(-1)?.warnings.includes(warning) === true)
    // Another copy is stored: that says nothing of this one.
    await other.put('fine', 'news')
    await until('the other has come', async () => {
      return (await notes.get('fine', { consistency: 'local' })).value === 'news'
    })
    expect(peer.status.warnings).toContain(warning)

    empty()
    peer.setGate(false)
    peer.setGate(true)
    await until('it is stored', async () => {
      return (await notes.get('k', { consistency: 'local' })).value === 'news'
    })
    expect(peer.status.warnings).toEqual(['always'])
    await until('its listeners hear that too', () => heard.at(-1)?.warnings.length === 1)
  }, 20_000)

  it('stands while it cannot be noted that a quorum has a write', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const notes = peer.bucket('notes')
    await until('linked', () => edge.world.transport.links().length === 3)
    edge.sleep()
    const receipt = await notes.put('k', 1, { ack: 'device' })
    const empty = fill(edge.world.storage)
    edge.wake()
    await until('it warns', () => peer.status.warnings.includes(warning))
    expect(receipt.stage).toBe('device')
    empty()
    await receipt.reached('everywhere')
    await until('it is over', () => peer.status.warnings.length === 1)
  }, 20_000)

  it('stands while it cannot be noted that all owners have a write', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const notes = peer.bucket('notes', { ack: 'device' })
    await until('linked', () => edge.world.transport.links().length === 3)
    ring.members[2]!.transport.setGate(false)
    const receipts = [await notes.put('k', 1), await notes.put('other', 1)]
    await Promise.all(receipts.map((receipt) => receipt.reached('quorum')))
    const empty = fill(edge.world.storage, storageKeys.edge(makeKey('notes', 'k')))
    ring.members[2]!.transport.setGate(true)
    await receipts[1]!.reached('everywhere')
    await until('it warns', () => peer.status.warnings.includes(warning))
    expect(receipts[0]!.stage).toBe('quorum')
    empty()
    await receipts[0]!.reached('everywhere')
    await until('it is over', () => peer.status.warnings.length === 1)
  }, 20_000)

  it('stands while a key that nobody watches any more cannot be let go', async () => {
    const ring = await testRing().start(1)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const stop = new AbortController()
    const watching = (async () => {
      for await (const _ of peer.bucket('notes').watch('k', { signal: stop.signal }));
    })()
    await until('it is followed', () => edge.copies.of(makeKey('notes', 'k')).followed)
    const empty = fill(edge.world.storage)
    stop.abort()
    await watching
    await until('it warns', () => peer.status.warnings.includes(warning))
    empty()
    await until('it is over', () => peer.status.warnings.length === 1)
    expect(edge.copies.of(makeKey('notes', 'k')).followed).toBe(false)
  })

  it('tells of nothing that its caller was told', async () => {
    const ring = await testRing().start(1)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const empty = fill(edge.world.storage, storageKeys.edge(makeKey('notes', 'k')))
    await expect(peer.bucket('notes').follow('k')).rejects.toBe(full)
    await expect(peer.bucket('notes').put('k', 1, { ack: 'device' })).rejects.toBe(full)
    expect(peer.status.warnings).toEqual(['always'])
    empty()
  })

  it('is given by a member too', async () => {
    const ring = await testRing().start(2)
    const { member, storage } = ring.members[0]!
    const peer = peerOfMember(member, { r: 1, w: 1, warnings: [], close: async () => {} })
    const empty = fill(storage)
    await ring.startMember(2)
    await until('its table cannot be kept', () => peer.status.warnings.includes(warning))
    empty()
    await until('it is over', () => peer.status.warnings.length === 0)
    expect(peer.ring.members).toHaveLength(3)
  })
})

describe('troubles', () => {
  it('are told of once, and forgotten by name', async () => {
    const troubles = new Troubles()
    let changes = 0
    const stop = troubles.onChange(() => changes++)
    const fails = (error: unknown): Promise<unknown> =>
      troubles.watch('a', () => Promise.reject(error)).catch((each: unknown) => each)
    expect(await fails(full)).toBe(full)
    await fails(full)
    troubles.failed('b', full)
    expect(troubles.sentences).toEqual([warning])
    expect(changes).toBe(2)
    expect(await troubles.watch('b', async () => 'done')).toBe('done')
    expect(troubles.sentences).toEqual([warning])
    troubles.over('a')
    expect(troubles.sentences).toEqual([])
    stop()
    await fails(full)
    expect(changes).toBe(4)
  })

  it('are those of a store, and not that it was closed', async () => {
    const troubles = new Troubles()
    troubles.failed('a', new TypeError('a defect'))
    troubles.failed('a', new StorageError('closed', 'closed'))
    expect(troubles.sentences).toEqual([])
  })
})
