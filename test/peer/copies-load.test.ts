/** Opening with thousands of followed keys: few steps, and no work for what nobody looks at yet. */
import { expect, it } from 'vitest'
import { MemoryContent, openMemory } from '../../src/adapters/memory.ts'
import { systemClock } from '../../src/adapters/system.ts'
import { toBinaryText, utf8 } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { apply, emptyState, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { Copies } from '../../src/peer/copies.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import { type EdgeCopy, edgeCopy, noCopy, withWrite } from '../../src/protocol/copy.ts'
import type { EventType } from '../../src/protocol/event.ts'
import { storageKeys } from '../../src/protocol/record.ts'

const count = 5000
const keys = Array.from({ length: count }, (_, i) => makeKey('notes', [`user${i % 50}`, `n${i}`]))
const value = makeValue(utf8('x'.repeat(2000)), 1)
const copy = apply(emptyState, { actor: 'AAAAAAAAAAAAAAAA.1', counter: 1 }, nothingSeen, value)
const followed: EdgeCopy = { ...noCopy, copy, followed: true }

function stored(content: MemoryContent, at: number): Uint8Array {
  return content.values.get(toBinaryText(storageKeys.edge(keys[at]!)))!
}

function store(content: MemoryContent, at: number, entry: Uint8Array): void {
  content.set(toBinaryText(storageKeys.edge(keys[at]!)), entry)
}

function contentOf(entry: EdgeCopy): MemoryContent {
  const content = new MemoryContent()
  const bytes = encode(edgeCopy, entry)
  for (let i = 0; i < count; i++) store(content, i, bytes)
  return content
}

async function load(content: MemoryContent) {
  const storage = openMemory(content)
  const [events, ranges] = [[] as EventType[], [] as number[]]
  const range = storage.range.bind(storage)
  storage.range = (from, to, limit) => {
    ranges.push(limit)
    return range(from, to, limit)
  }
  const from = performance.now()
  const copies = await Copies.load(storage, systemClock, ({ type }) => void events.push(type))
  return { copies, events, ranges, tookMs: performance.now() - from }
}

it('reads thousands of copies in a step, and decodes what is looked at', async () => {
  const content = contentOf(followed)
  // A flipped bit in a value is met by whoever looks at it.
  const damaged = stored(content, 7).slice()
  damaged[damaged.indexOf('x'.charCodeAt(0))]! ^= 1
  store(content, 7, damaged)
  const { copies, events, ranges } = await load(content)
  expect(ranges).toHaveLength(1)
  expect(copies.followed()).toHaveLength(count)
  expect(events).toEqual([])
  expect(copies.of(keys[6]!)).toEqual(followed)
  expect(events).toEqual([])
  expect(copies.of(keys[7]!)).toMatchObject({ followed: true, copy: emptyState })
  expect(copies.isFilled(keys[7]!)).toBe(false)
  expect(events).toEqual(['quarantined'])
})

it('knows at once what is still to be delivered, and counts nothing twice', async () => {
  const content = contentOf(followed)
  const minting = {
    context: nothingSeen,
    value,
    generation: 'BBBBBBBBBBBBBBBB',
    unsent: () => false,
  }
  const owing = withWrite(followed, { ...minting, takeEpoch: () => 'BBBBBBBBBBBBBBBB.1' })
  store(content, 1, encode(edgeCopy, owing))
  store(
    content,
    2,
    encode(edgeCopy, { ...noCopy, minter: 'BBBBBBBBBBBBBBBB.2', minted: 4, count: 9 }),
  )
  const { copies } = await load(content)
  expect(copies.pendingWrites).toBe(1)
  expect(copies.unsettled().map(({ text }) => text)).toEqual([keys[1]!.text])
  expect(copies.followed()).toHaveLength(count - 1)
  expect(copies.of(keys[2]!)).toMatchObject({ minted: 4, count: 9 })
  expect(copies.under(makeKey('notes', 'user1'))).toHaveLength(count / 50)
  expect(copies.under(makeKey('notes', 'user2'))).toHaveLength(count / 50 - 1)
})

it('takes less time than decoding them all would', async () => {
  const content = contentOf(followed)
  const bytes = encode(edgeCopy, followed)
  const ratios: number[] = []
  for (let round = 0; round < 5; round++) {
    const from = performance.now()
    for (let i = 0; i < count; i++) decode(edgeCopy, bytes)
    const decodedMs = performance.now() - from
    const { tookMs } = await load(content)
    ratios.push(tookMs / decodedMs)
    console.log(
      `${count} copies: ${tookMs.toFixed(0)} ms to load, ${decodedMs.toFixed(0)} to decode`,
    )
  }
  // The best of a few rounds: the machine may be busy with something else.
  expect(Math.min(...ratios)).toBeLessThan(0.9)
})
