/** What anti-entropy costs: its bytes grow with the differences, not with the keys. */
import { describe, expect, test } from 'vitest'
import { MemoryContent, openMemory } from '../../src/adapters/memory.ts'
import { makeKey, partitionOf } from '../../src/data/key.ts'
import { slotOf } from '../../src/peer/comparison.ts'
import { measureDifference } from '../bench/difference.ts'

const open = () => Promise.resolve(openMemory(new MemoryContent()))
const kibibyte = 1024

describe('two owners of ten thousand keys', () => {
  test.for([16, 256])(
    'with %i partitions find ten differences in little',
    { timeout: 60_000 },
    async (q: number) => {
      const cost = await measureDifference({ keys: 10_000, differences: 10, q, open })
      expect(cost.equal).toMatchObject({ requests: 1, differed: 0 })
      expect(cost.equal.bytes).toBeLessThan(2 * kibibyte)
      expect(cost.differing.differed).toBe(10)
      expect(cost.differing.bytes).toBeLessThan(32 * kibibyte)
      expect(cost.after).toMatchObject({ requests: 1, differed: 0 })
    },
  )

  test('that share few of them do not ask slot by slot', async () => {
    const few = { keys: 2000, differences: 1500, q: 16, open }
    const { differing } = await measureDifference(few)
    expect(differing.differed).toBe(1500)
    // One list for each partition, and a batch for every 64 keys that differ.
    expect(differing.requests).toBeLessThan(16 * 6)
  }, 60_000)
})

test('the keys of one partition stand in all slots', () => {
  const keys = Array.from({ length: 60_000 }, (_, i) => makeKey('carts', `key ${i}`))
  const ofOne = keys.filter(({ position }) => partitionOf(position, 64) === 5)
  expect(ofOne.length).toBeGreaterThan(700)
  const sizes = Array<number>(64).fill(0)
  for (const key of ofOne) sizes[slotOf(key)]! += 1
  expect(Math.min(...sizes)).toBeGreaterThan(0)
  expect(Math.max(...sizes)).toBeLessThan(5 * (ofOne.length / 64))
})
