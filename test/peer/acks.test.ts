/** When a write resolves: on this device, unless its writer asks for more. */
import { describe, expect, it } from 'vitest'
import { peerOfEdge } from '../../src/peer/application.ts'
import type { Peer, TypedBucket } from '../../src/peer/api.ts'
import type { Edge } from '../../src/peer/edge.ts'
import { RingletError } from '../../src/protocol/errors.ts'
import { decodeRequest, encodeReply } from '../../src/protocol/message.ts'
import { counter } from '../../src/values/counter.ts'
import { map } from '../../src/values/map.ts'
import { set } from '../../src/values/set.ts'
import type { MergeableType, WriteId } from '../../src/values/type.ts'
import { refusalOfError } from '../../src/peer/ask.ts'
import { testRing, until } from './ring.ts'

function peerOf(edge: Edge): Peer {
  return peerOfEdge(edge, { r: 2, w: 2, warnings: [], close: async () => {} })
}

/** The most that was ever seen. */
const most: MergeableType<number> = { name: 'most', empty: 0, merge: (a, b) => Math.max(a, b) }

interface Case {
  readonly name: string
  readonly type: MergeableType<unknown>
  change(value: unknown, write: WriteId, by: number): unknown
  /** What both changes come to. */
  isBoth(value: unknown): boolean
}

function caseOf<V>(
  type: MergeableType<V>,
  change: (value: V, write: WriteId, by: number) => V,
  isBoth: (value: V) => boolean,
): Case {
  return { name: type.name, type, change, isBoth } as unknown as Case
}

const cases: readonly Case[] = [
  caseOf(
    counter,
    (value, write, by) => counter.add(value, by, write),
    (value) => counter.total(value) === 3,
  ),
  caseOf(
    set,
    (value, write, by) => set.add(value, `from ${by}`, write),
    (value) => set.elements(value).length === 2,
  ),
  caseOf(
    map,
    (value, write, by) => map.set(value, `from ${by}`, by, write),
    (value) => map.get(value, 'from 1') === 1 && map.get(value, 'from 2') === 2,
  ),
  caseOf(
    most,
    (value, _write, by) => Math.max(value, by),
    (value) => value === 2,
  ),
]

describe.each(cases)('an update of a $name', ({ type, change, isBoth }) => {
  async function bothAfter(mine: TypedBucket<unknown>, cut: Edge & { gate(open: boolean): void }) {
    cut.gate(false)
    const receipt = await mine.update('k', (value, write) => change(value, write, 1))
    expect(receipt.stage).toBe('device')
    expect(await mine.get('k')).toMatchObject({ pending: 1, source: 'local' })
    return receipt
  }

  it('is made on a device that is cut off, with a copy', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('values', type)
    await mine.follow('k')
    await until('the copy is there', () => edge.world.transport.links().length === 3)
    const receipt = await bothAfter(mine, edge)
    const other = peerOf(await ring.startEdge(2)).bucket('values', type)
    await (await other.update('k', (value, write) => change(value, write, 2))).reached('quorum')
    edge.gate(true)
    await receipt.reached('everywhere')
    expect(isBoth((await other.get('k')).value)).toBe(true)
  })

  it('is made on a device that is cut off and has no copy', async () => {
    const ring = await testRing().start(3)
    const other = peerOf(await ring.startEdge(2)).bucket('values', type)
    await (await other.update('k', (value, write) => change(value, write, 2))).reached('quorum')
    const edge = await ring.startEdge(1)
    const mine = peerOf(edge).bucket('values', type)
    const receipt = await bothAfter(mine, edge)
    edge.gate(true)
    await receipt.reached('everywhere')
    expect(isBoth((await other.get('k')).value)).toBe(true)
  })
})

describe('an update', () => {
  it.each(['closed', 'store-full', 'overloaded', 'not-a-member'] as const)(
    'is made here when members can only say %s',
    async (code) => {
      const ring = await testRing().start(3)
      const edge = await ring.startEdge(1)
      const visits = peerOf(edge).bucket('visits', counter)
      await until('linked', () => edge.world.transport.links().length === 3)
      const { transport } = edge.world
      const request = transport.request.bind(transport)
      transport.request = async (to, body, how) => {
        const { type } = decodeRequest(body)
        if (type !== 'get' && type !== 'deliver') return request(to, body, how)
        return encodeReply(refusalOfError(new RingletError(code, 'not now')))
      }
      const receipt = await visits.update('k', (value, write) => counter.add(value, 1, write))
      expect(receipt.stage).toBe('device')
      transport.request = request
      await receipt.reached('quorum')
      expect(counter.total((await visits.get('k')).value)).toBe(1)
    },
  )

  it('that must reach a quorum says that it has not, and goes on', async () => {
    const ring = await testRing().start(3)
    const edge = await ring.startEdge(1)
    const peer = peerOf(edge)
    const visits = peer.bucket('visits', counter)
    edge.gate(false)
    const add = visits.update('k', (value, write) => counter.add(value, 1, write), {
      ack: 'quorum',
    })
    await expect(add).rejects.toMatchObject({ code: 'quorum-not-reached', outcome: 'unknown' })
    expect(peer.status.pendingWrites).toBe(1)
    edge.gate(true)
    await until('it arrives', () => peer.status.pendingWrites === 0)
    expect(counter.total((await visits.get('k')).value)).toBe(1)
  })

  it('resolves at what its bucket asks for, or its type', async () => {
    const ring = await testRing().start(3)
    const peer = peerOf(await ring.startEdge(1))
    const add = (value: number): number => value + 1
    const stageOf = async (bucket: TypedBucket<number>): Promise<string> => {
      return (await bucket.update('k', add)).stage
    }
    expect(await stageOf(peer.bucket('a', { ...most, ack: 'everywhere' }))).toBe('everywhere')
    expect(await stageOf(peer.bucket('b', most, { ack: 'quorum' }))).toMatch(/quorum|everywhere/)
    expect((await peer.bucket('c').put('k', 1)).stage).toBe('quorum')
  })
})
