import { describe, expect, test } from 'vitest'
import { makeRing, type Ring } from '../../src/data/ring.ts'

const shape = { n: 3, q: 4096, durableOwners: 3 }
const replicas = shape.n * shape.q

const ringOf = (name: string, count: number) =>
  makeRing(
    shape,
    Array.from({ length: count }, (_, i) => {
      const id = `${name} ${i}`
      return { id, class: 'durable' as const, host: id, zone: '', weight: 1 }
    }),
  )

/** The mean load over the highest: 1 is perfect. */
const balanceOf = (ring: Ring) =>
  1 / ring.members.length / Math.max(...ring.members.map((m) => ring.shareOf(m.id)))

/** The copies that somebody must fetch when `before` becomes `after`. */
function movedCopies(before: Ring, after: Ring): number {
  let moved = 0
  for (let partition = 0; partition < shape.q; partition++) {
    const had = before.ownersOf(partition)
    moved += after.ownersOf(partition).filter((owner) => !had.includes(owner)).length
  }
  return moved
}

describe('measured with 4096 partitions and three owners', () => {
  test.each(['oak', 'elm', 'ash'])('30 members balance and a join moves little (%s)', (name) => {
    const before = ringOf(name, 30)
    const after = ringOf(name, 31)
    expect(balanceOf(before)).toBeGreaterThanOrEqual(0.98)
    expect(movedCopies(before, after) / (replicas / 31)).toBeLessThanOrEqual(1.2)
  })

  test.each(['oak', 'elm', 'ash'])('so they do at 60, where each owns about 200 (%s)', (name) => {
    const before = ringOf(name, 60)
    const after = ringOf(name, 61)
    expect(balanceOf(before)).toBeGreaterThanOrEqual(0.97)
    const moved = movedCopies(before, after)
    expect(moved / (after.shareOf(`${name} 60`) * replicas)).toBeLessThanOrEqual(1.2)
    expect(moved / (replicas / 61)).toBeLessThanOrEqual(1.25)
  })

  test('a leave moves exactly what the join moved', () => {
    const small = ringOf('oak', 30)
    const large = ringOf('oak', 31)
    expect(movedCopies(large, small)).toBe(movedCopies(small, large))
  })

  test('each of three members owns everything; a fourth takes its part and no more', () => {
    const three = ringOf('oak', 3)
    expect(three.members.map((m) => three.shareOf(m.id))).toEqual([1 / 3, 1 / 3, 1 / 3])
    const four = ringOf('oak', 4)
    expect(movedCopies(three, four)).toBe(Math.round(four.shareOf('oak 3') * replicas))
  })
})
