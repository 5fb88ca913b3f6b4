import { describe, expect, test } from 'vitest'
import { makeKey, partitionOf } from '../../src/data/key.ts'
import { makeRing } from '../../src/data/ring.ts'
import { placementOf } from '../../src/protocol/placement.ts'

const ring = makeRing(
  { n: 3, q: 64, durableOwners: 3 },
  Array.from({ length: 7 }, (_, i) => ({
    id: `peer ${i}`,
    class: 'durable' as const,
    host: `host ${i % 4}`,
    zone: '',
    weight: 1,
  })),
)

describe('the placement of a key', () => {
  const { position } = makeKey('carts', 'alice')
  const placement = placementOf(ring, position)

  test('is that of its partition', () => {
    expect(placement.partition).toBe(partitionOf(position, 64))
    expect(placement.owners).toEqual(ring.ownersOf(placement.partition))
  })

  test('lists every other member as a fallback, preferred first', () => {
    const preference = ring.preferenceOf(placement.partition)
    expect(placement.fallbacks).toEqual(
      preference.filter((peer) => !placement.owners.includes(peer)),
    )
    expect(placement.fallbacks).toHaveLength(4)
  })

  test('knows the host of every member and of nobody else', () => {
    expect(placement.hostOf('peer 5')).toBe('host 1')
    expect(() => placement.hostOf('a stranger')).toThrow(RangeError)
  })

  test('is made once for all keys of a partition, and anew in another ring', () => {
    const start = placement.partition * 2 ** 26
    expect(placementOf(ring, start)).toBe(placement)
    expect(placementOf(ring, start + 2 ** 26 - 1)).toBe(placement)
    expect(placementOf(makeRing(ring.shape, ring.members), start)).not.toBe(placement)
  })

  test('the first and the last position have one', () => {
    expect(placementOf(ring, 0).partition).toBe(0)
    expect(placementOf(ring, 2 ** 32 - 1).partition).toBe(63)
  })

  test('without members there is nobody to ask', () => {
    const empty = placementOf(makeRing(ring.shape, []), position)
    expect([empty.owners, empty.fallbacks]).toEqual([[], []])
  })
})
