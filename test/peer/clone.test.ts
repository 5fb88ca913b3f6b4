/**
 * A data folder that was copied, restarted or set back: who goes on as the member, under which generation, and who stops.
 */
import { describe, expect, it } from 'vitest'
import { MemoryContent } from '../../src/adapters/memory.ts'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { utf8 } from '../../src/data/bytes.ts'
import type { Member } from '../../src/peer/member.ts'
import { pause, testRing, type TestRing, until } from './ring.ts'

it('takes a new generation when another copy of its store has spoken in its name', async () => {
  const ring = await testRing().start(3)
  const { member, content } = ring.members[2]!
  const generation = member.records.generation
  const copy = copyOf(content)
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

describe('two that live with one identity', () => {
  it.each(['noted', 'not noted'])('are soon one again, with the medium %s', async (noted) => {
    const ring = await testRing().start(3)
    const { member: elder, content } = ring.members[2]!
    const copy = copyOf(content)
    const { member: younger } = await ring.startMember(2, copy, {
      medium: noted === 'noted' ? 'other' : '',
    })
    const error = await younger.displaced
    expect(error).toMatchObject({ code: 'identity-in-use', outcome: 'refused' })
    expect(error.message).toContain(elder.id)
    expect(error.remedy).toMatch(/empty folder/)
    await expect(put(younger)).rejects.toMatchObject({ code: 'identity-in-use' })
    expect(younger.world.troubles.sentences.join()).toContain('another peer runs')
    await theRingKnows(ring, elder)
    await put(elder)
    expect(elder.records.generation).not.toBe(younger.records.generation)
    await until('it to be whole', () => recordOf(ring, elder).readiness === 'ready')
    // And it is calm from here on.
    const { version } = recordOf(ring, elder)
    await pause(500)
    expect(recordOf(ring, elder).version).toBe(version)
  })

  it('that both were started from a stopped one: one of them goes on', async () => {
    const ring = await testRing().start(3)
    const { content } = ring.members[2]!
    await ring.stop(ring.members[2]!)
    const [one, other] = await Promise.all([
      ring.startMember(2, copyOf(content)),
      ring.startMember(2, copyOf(content)),
    ])
    const stopped = await Promise.race([
      one.member.displaced.then(() => one),
      other.member.displaced.then(() => other),
    ])
    const left = (stopped === one ? other : one).member
    await theRingKnows(ring, left)
    await put(left)
    expect(left.records.generation).not.toBe(stopped.member.records.generation)
  })
})

describe('who lives alone never stops for what it said in an earlier life', () => {
  it('when it is started again at once, time after time', async () => {
    const ring = await testRing().start(3)
    let last = ring.members[2]!
    const { generation } = last.member.records
    for (let i = 0; i < 4; i++) {
      void ring.stop(last)
      last = await ring.startMember(2, last.content)
    }
    await theRingKnows(ring, last.member)
    await put(last.member)
    expect(last.member.records.generation).toBe(generation)
  })

  it('nor when its disk is set back, more than once', async () => {
    const ring = await testRing().start(3)
    const image = copyOf(ring.members[2]!.content)
    let last = ring.members[2]!
    const generations = new Set<string>()
    for (let i = 0; i < 3; i++) {
      await ring.stop(last)
      last = await ring.startMember(2, last.content)
      await theRingKnows(ring, last.member)
      generations.add(last.member.records.generation)
      await ring.stop(last)
      last = await ring.startMember(2, copyOf(image))
      await theRingKnows(ring, last.member)
      generations.add(last.member.records.generation)
      await put(last.member)
    }
    expect(generations.size).toBe(4)
  })
})

it('takes a new generation on another medium, though nobody is there to warn it', async () => {
  const ring = testRing()
  const content = new MemoryContent()
  const first = await ring.startMember(0, content, { medium: 'one' })
  const { generation } = first.member.records
  await ring.stop(first)
  const again = await ring.startMember(0, content, { medium: 'one' })
  expect(again.member.records.generation).toBe(generation)
  await ring.stop(again)
  const copied = await ring.startMember(0, copyOf(content), { medium: 'another' })
  expect(copied.member.records.generation).not.toBe(generation)
})

it('takes the medium that it is first opened on for its own', async () => {
  const ring = testRing()
  const before = await ring.startMember(0)
  const { generation } = before.member.records
  await ring.stop(before)
  const noted = await ring.startMember(0, before.content, { medium: 'one' })
  expect(noted.member.records.generation).toBe(generation)
  await ring.stop(noted)
  const copied = await ring.startMember(0, copyOf(before.content), { medium: 'another' })
  expect(copied.member.records.generation).not.toBe(generation)
})

function copyOf(content: MemoryContent): MemoryContent {
  const copy = new MemoryContent()
  for (const [name, value] of content.values) copy.set(name, value)
  return copy
}

function put(member: Member) {
  return member.write({
    kind: 'mint',
    key: makeKey('carts', 'alice'),
    context: nothingSeen,
    value: makeValue(utf8('a mug'), 1),
    w: 2,
    origin: member.id,
    request: new Uint8Array(16),
  })
}

function recordOf({ members }: TestRing, { id }: Member) {
  return members[0]!.member.view.byPeer.get(id)!.record
}

async function theRingKnows(ring: TestRing, member: Member): Promise<void> {
  await until('the ring knows its last word', () => {
    const { version, generation } = member.view.byPeer.get(member.id)!.record
    const known = recordOf(ring, member)
    return known.version === version && known.generation === generation
  })
}
