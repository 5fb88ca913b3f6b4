/** Which ring the members make: by their last words, and as each of them sees it. */
import { describe, expect, test } from 'vitest'
import { Cluster } from '../../src/simulation/cluster.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { Rings } from '../../src/simulation/rings.ts'
import { drawSwarm } from '../../src/simulation/swarm.ts'

const member = (peer: string, weight = 1, zone = '') => ({ peer, host: peer, weight, zone })
const shape = { n: 2, q: 64, durableOwners: 2 }

function rings(): Rings {
  return new Rings(
    shape,
    ['a', 'b', 'c', 'd'].map((peer) => member(peer)),
  )
}

describe('the ring', () => {
  test('is another from the moment in which a member states another weight, or another zone', () => {
    const all = rings()
    const first = all.present
    expect(all.movedMs).toBe(Infinity)
    all.states(member('a'), 5)
    expect(all.present).toBe(first)
    all.states(member('a', 8), 10)
    expect(all.present.shareOf('a')).toBeGreaterThan(first.shareOf('a'))
    const second = all.present
    all.states(member('d', 1, 'east'), 20)
    expect(all.present).not.toBe(second)
    expect(all.movedMs).toBe(10)
    expect([0, 9, 10, 19, 20, 99].map((ms) => all.at(ms))).toEqual([
      first,
      first,
      second,
      second,
      all.present,
      all.present,
    ])
  })

  test('is seen by some as it was, or half changed, and each such ring once', () => {
    const all = rings()
    all.states(member('a', 8), 10)
    all.states(member('b', 4), 20)
    expect([...all.seen]).toHaveLength(3)
    // Who has heard of the second change and not of the first.
    const half = new Rings(shape, [member('a'), member('b', 4), member('c'), member('d')]).present
    const view = { identity: { ...shape, name: '', id: '' }, members: [], byPeer: new Map() }
    for (let i = 0; i < 2; i++) all.sees({ ...view, digest: '', ring: half })
    expect([...all.seen]).toHaveLength(4)
    // Who does not know all members yet asks for nothing by such a ring.
    const few = new Rings(shape, [member('a'), member('b')]).present
    all.sees({ ...view, digest: '', ring: few })
    expect([...all.seen]).toHaveLength(4)
  })
})

test('a member that comes back with another weight owns more, and all the others see it so', async () => {
  const swarm = drawSwarm(seededRandom('owners'))
  const cluster = new Cluster(1, { ...swarm, members: 5, edges: 1, n: 3, q: 16, broken: {} })
  const { scheduler, machines } = cluster
  for (const machine of machines) cluster.start(machine)
  await scheduler.run(20_000)
  const [heavy] = cluster.members
  cluster.crash(heavy!, false)
  heavy!.weight = 8
  const before = cluster.ring
  cluster.restart(heavy!)
  await scheduler.run(40_000)
  const partitions = Array.from({ length: 16 }, (_, partition) => partition)
  const owners = partitions.map((partition) => cluster.ring.ownersOf(partition))
  expect(owners).not.toEqual(partitions.map((partition) => before.ownersOf(partition)))
  expect(cluster.ring.shareOf(heavy!.peer)).toBeGreaterThan(before.shareOf(heavy!.peer))
  const views = machines.map(({ process }) => process!.member?.view ?? process!.edge!.view)
  for (const { ring } of views)
    expect(partitions.map((partition) => ring.ownersOf(partition))).toEqual(owners)
})
