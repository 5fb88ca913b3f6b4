/** A member that stood in for much pays all of it after a restart, and drops nothing before. */
import { expect, test } from 'vitest'
import { MemoryContent, openMemory } from '../../src/adapters/memory.ts'
import { measureOwing } from '../bench/owing.ts'

test('two thousand markers, each of a debt to three owners, are paid and gone', async () => {
  const contents = Array.from({ length: 4 }, () => new MemoryContent())
  const open = (index: number) => Promise.resolve(openMemory(contents[index]!))
  // It reads what every owner holds at the end, and rejects if anything is missing.
  const { markers, seconds } = await measureOwing({ markers: 2000, valueBytes: 100, open })
  expect(markers).toBe(2000)
  expect(seconds).toBeGreaterThan(0)
  const held = contents.map(({ values }) => {
    return [...values.keys()].filter((stored) => stored.includes('key 1')).length
  })
  expect(held[3]).toBe(0)
  expect(held[0]).toBeGreaterThan(100)
}, 60_000)
