/** An application that runs inside a member. */
import { describe, expect, it } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { peerOfMember } from '../../src/peer/application.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { pause, quick, testRing, until, within } from './ring.ts'

describe('an application in a member', () => {
  it('closes soon although somebody waits for an owner that is gone', async () => {
    const ring = await testRing().start(3)
    const { member } = ring.members[0]!
    const peer = peerOfMember(member, { r: 2, w: 2, warnings: [], close: async () => {} })
    ring.members[2]!.transport.setGate(false)
    const receipt = await peer.bucket('notes').put('k', 1)
    void receipt.reached('everywhere').catch(() => {})
    expect(await within(4000, peer.close())).not.toBe('too late')
  }, 10_000)

  it('counts what it owes once for all who ask at one time', async () => {
    const ring = await testRing().start(1)
    const { member, storage } = ring.members[0]!
    const range = storage.range.bind(storage)
    let scans = 0
    storage.range = (...asked) => {
      scans++
      return range(...asked)
    }
    const before = scans
    const reports = await Promise.all(Array.from({ length: 100 }, () => member.report()))
    expect(reports.map(({ hints }) => hints)).toEqual(reports.map(() => 0))
    expect(scans - before).toBeGreaterThan(0)
    expect(scans - before).toBeLessThan(50)
  })

  it('ends its watches when it is closed', async () => {
    const ring = await testRing().start(3)
    const { member } = ring.members[0]!
    const peer = peerOfMember(member, { r: 2, w: 2, warnings: [], close: async () => {} })
    const bucket = peer.bucket('notes')
    const watching = (async () => {
      for await (const _ of bucket.watch('k'));
    })()
    await pause(50)
    await peer.close()
    expect(
      await within(
        1500,
        watching.then(
          () => 'ended',
          () => 'ended',
        ),
      ),
    ).toBe('ended')
  })

  it('is told that it is unknown whether all owners have a write, when that takes too long', async () => {
    const ring = await testRing().start(3)
    const { member } = ring.members[0]!
    const peer = peerOfMember(member, { r: 2, w: 2, warnings: [], close: async () => {} })
    ring.members[2]!.transport.setGate(false)
    const began = performance.now()
    const put = peer.bucket('notes').put('k', 1, { ack: 'everywhere' })
    await expect(put).rejects.toMatchObject({ code: 'quorum-not-reached', outcome: 'unknown' })
    expect(performance.now() - began).toBeLessThan(quick.requestMs + 2 * quick.ownerMs + 500)
  })

  it('learns of a write that is everywhere once its owner is back', async () => {
    const ring = await testRing().start(3)
    const { member } = ring.members[0]!
    const peer = peerOfMember(member, { r: 2, w: 2, warnings: [], close: async () => {} })
    ring.members[2]!.transport.setGate(false)
    const receipt = await peer.bucket('notes').put('k', 1)
    const waiting = Promise.all([receipt.reached('everywhere'), receipt.reached('everywhere')])
    await pause(300)
    ring.members[2]!.transport.setGate(true)
    expect(await within(4000, waiting)).not.toBe('too late')
  }, 10_000)

  it('goes on watching a key that it does not own when nobody can be asked for a while', async () => {
    const ring = await testRing().start(5)
    const { member, transport } = ring.members[0]!
    const peer = peerOfMember(member, { r: 2, w: 2, warnings: [], close: async () => {} })
    const name = Array.from({ length: 60 }, (_, i) => `k${i}`).find((each) => {
      const { owners } = placementOf(member.view.ring, makeKey('notes', each).position)
      return !owners.includes(member.id)
    })!
    const stop = new AbortController()
    const seen: unknown[] = []
    const watching = (async () => {
      for await (const { value } of peer.bucket('notes').watch(name, { signal: stop.signal })) {
        seen.push(value)
      }
    })()
    await until('it looked', () => seen.length > 0)
    transport.setGate(false)
    await pause(1500)
    transport.setGate(true)
    await peer.bucket('notes').put(name, 'new')
    await until('it shows the new one', () => seen.at(-1) === 'new')
    stop.abort()
    await watching
  }, 10_000)
})
