import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../src/simulation/random.ts'

describe('seeded random', () => {
  test('the same seed draws the same numbers, another seed others', () => {
    const draw = (seed: number): number[] => {
      const random = seededRandom(seed)
      return Array.from({ length: 20 }, () => random.fraction())
    }
    expect(draw(1)).toEqual(draw(1))
    expect(draw(1)).not.toEqual(draw(2))
  })

  test('a fork depends on its label, not on how much its parent has drawn', () => {
    const fresh = seededRandom(7)
    const drawn = seededRandom(7)
    for (let i = 0; i < 100; i++) drawn.fraction()
    expect(fresh.fork('faults').bytes(16)).toEqual(drawn.fork('faults').bytes(16))
    expect(fresh.fork('faults').bytes(16)).not.toEqual(fresh.fork('gossip').bytes(16))
  })

  test('fractions, bytes and whole numbers are spread evenly', () => {
    const random = seededRandom('even')
    const counts = Array.from({ length: 10 }, () => 0)
    for (let i = 0; i < 10_000; i++) counts[random.whole(10)]!++
    for (const count of counts) expect(count).toBeGreaterThan(850)
    const sum = random.bytes(10_000).reduce((total, byte) => total + byte, 0)
    expect(sum / 10_000).toBeGreaterThan(122)
    expect(sum / 10_000).toBeLessThan(133)
  })

  test('a shuffle keeps every item', () => {
    const items = Array.from({ length: 50 }, (_, i) => i)
    const mixed = seededRandom('mix').shuffled(items)
    expect(mixed).not.toEqual(items)
    expect(mixed.toSorted((a, b) => a - b)).toEqual(items)
  })
})
