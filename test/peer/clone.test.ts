import { expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { testRing, until } from './ring.ts'

it('takes a new generation when another copy of its store has spoken in its name', async () => {
  const ring = await testRing().start(3)
  const { member, content } = ring.members[2]!
  const generation = member.records.generation
  const copy = new MemoryContent()
  for (const [name, value] of content.values) copy.set(name, value)
  // The original goes on for a while: it restarts, and so states itself anew.
  await ring.stop(ring.members[2]!)
  const original = await ring.startMember(2, content)
  await until(
    'the ring knows its new word',
    () =>
      ring.members[0]!.member.view.byPeer.get(member.id)!.record.version ===
      original.member.view.byPeer.get(member.id)!.record.version,
  )
  expect(original.member.records.generation).toBe(generation)
  await ring.stop(original)

  const cloned = await ring.startMember(2, copy)
  await until('the copy mints under another generation', () => {
    return cloned.member.records.generation !== generation
  })
  await until(
    'the ring knows',
    () =>
      ring.members[0]!.member.view.byPeer.get(member.id)!.record.generation ===
      cloned.member.records.generation,
  )
})
