/**
 * Writing: updates are atomic, and come out as if they ran one by one in the order of their calls, however many are
 * under way at once.
 */
import { emptyBytes } from '../data/bytes.ts'
import type { Storage } from '../ports.ts'
import {
  ensure,
  rejection,
  sameBytes,
  sameList,
  seededFractions,
  type ContractCase,
} from './case.ts'
import type { StorageSubject } from './storage-subject.ts'
import { bytes, bytesOf, increment, look, numberOf, put } from './storage-content.ts'

interface WritingCase {
  readonly name: string
  check(storage: Storage): Promise<void>
}

export function writingCases(subject: StorageSubject, freshName: () => string): ContractCase[] {
  return cases.map(({ name, check }) => ({
    name,
    async run() {
      const storage = await subject.open(freshName())
      await check(storage)
      await storage.close()
    },
  }))
}

const [a, b, c] = [bytes(1), bytes(2), bytes(3)]

const cases: readonly WritingCase[] = [
  {
    name: 'an update gets the state of its keys in their order, and its caller gets its result',
    async check(storage) {
      await put(storage, [a, bytes(10)], [b, bytes(20)])
      const result = await storage.update([b, c, a, b], (current) => ({
        writes: [],
        result: current.map((value) => value?.[0] ?? null),
      }))
      sameList(result, [20, null, 10, 20], 'what the update saw')
    },
  },
  {
    name: 'an update may write, overwrite and delete keys that it did not ask for',
    async check(storage) {
      await put(storage, [a, bytes(1)], [b, bytes(2)])
      await put(storage, [a, undefined], [b, bytes(22)], [c, bytes(3)], [bytes(9), undefined])
      const found = await storage.getMany([a, b, c])
      sameList(
        found.map((value) => value?.[0] ?? null),
        [null, 22, 3],
        'what is stored',
      )
    },
  },
  {
    name: 'of two writes of one key in one update the later counts',
    async check(storage) {
      await put(storage, [a, bytes(1)], [a, bytes(2)], [b, bytes(1)], [b, undefined])
      sameBytes(await storage.get(a), bytes(2), 'written twice')
      sameBytes(await storage.get(b), undefined, 'written, then deleted')
    },
  },
  {
    name: 'a thousand increments of one counter, all at once, count a thousand',
    async check(storage) {
      const results = await Promise.all(Array.from({ length: 1000 }, () => increment(storage, a)))
      sameList(
        results,
        Array.from({ length: 1000 }, (_, i) => i + 1),
        'what each increment made of it',
      )
      ensure(numberOf(await storage.get(a)) === 1000, 'the counter holds 1000')
    },
  },
  {
    name: 'updates over overlapping keys come out as if they ran one by one, in the order called',
    check: interleaveOverlapping,
  },
  {
    name: 'updates resolve in the order in which they were called, those that write nothing included',
    async check(storage) {
      const order: number[] = []
      const calls = Array.from({ length: 60 }, async (_, i) => {
        await (i % 3 === 0 ? look(storage, bytes(i)) : increment(storage, bytes(i % 7)))
        order.push(i)
      })
      await Promise.all(calls)
      sameList(order, [...order].sort(ascending), 'the order in which they resolved')
    },
  },
  {
    name: 'an update that throws rejects with what it threw, writes nothing and harms no other',
    async check(storage) {
      const refused = new Error('refused')
      const before = increment(storage, a)
      const thrown = storage.update([a], () => {
        throw refused
      })
      const after = increment(storage, a)
      ensure(
        (await rejection(thrown, 'the throwing update')) === refused,
        'rejects with the thrown',
      )
      sameList([await before, await after], [1, 2], 'the updates around it')
      ensure(numberOf(await storage.get(a)) === 2, 'the counter holds 2')
    },
  },
  {
    name: 'a change runs once, however many are under way',
    async check(storage) {
      const runs = Array.from({ length: 50 }, () => 0)
      await Promise.all(
        runs.map((_, i) =>
          storage.update([a, bytes(i)], () => {
            runs[i]!++
            return { writes: [{ key: a, value: bytes(i) }], result: undefined }
          }),
        ),
      )
      ensure(
        runs.every((count) => count === 1),
        `runs of each change: ${runs.join(' ')}`,
      )
    },
  },
  {
    name: 'what is written together is read together, also while it changes',
    check: readWhileWriting,
  },
  {
    name: 'a thousand keys in one update, and a mebibyte beside small values, arrive whole',
    async check(storage) {
      const keys = Array.from({ length: 1000 }, (_, i) => bytesOf(i))
      const large = new Uint8Array(2 ** 20).fill(7)
      await Promise.all([
        put(storage, ...keys.map((key) => [key, key] as const)),
        put(storage, [a, large], [b, emptyBytes]),
      ])
      const found = await storage.getMany(keys)
      for (const [i, value] of found.entries()) sameBytes(value, keys[i], `key ${i}`)
      sameBytes(await storage.get(a), large, 'the mebibyte')
      sameBytes(await storage.get(b), emptyBytes, 'the empty value beside it')
    },
  },
]

function ascending(x: number, y: number): number {
  return x - y
}

/** Three keys, random pairs of them, added up and moved about; a plain array is the judge. */
async function interleaveOverlapping(storage: Storage): Promise<void> {
  const next = seededFractions(7)
  const model = [0, 0, 0, 0]
  const calls: Promise<void>[] = []
  for (let i = 0; i < 300; i++) {
    const [from, to] = [Math.floor(next() * 4), Math.floor(next() * 4)]
    const keys = [bytes(from), bytes(to)]
    const expected = [model[from]!, model[to]!]
    const isDelete = next() < 0.1
    model[to] = isDelete ? 0 : model[from]! + i
    const value = isDelete ? undefined : bytesOf(model[to])
    const call = storage.update(keys, (current) => ({
      writes: [{ key: keys[1]!, value }],
      result: current.map(numberOf),
    }))
    calls.push(call.then((saw) => sameList(saw, expected, `what update ${i} saw`)))
    // Now and then let commits end, so that some state is durable and some queued.
    if (next() < 0.05) await call
  }
  await Promise.all(calls)
  const stored = await storage.getMany([bytes(0), bytes(1), bytes(2), bytes(3)])
  sameList(stored.map(numberOf), model, 'what is stored at the end')
}

async function readWhileWriting(storage: Storage): Promise<void> {
  let isWriting = true
  const write = async () => {
    for (let i = 1; i <= 40; i++) {
      const value = bytesOf(i)
      await Promise.all([put(storage, [a, value], [c, value]), increment(storage, b)])
    }
    isWriting = false
  }
  const read = async () => {
    for (let last = 0; isWriting;) {
      const [one, other] = await storage.getMany([a, c])
      sameBytes(one, other, 'two keys that are written together, by getMany')
      const entries = await storage.range(a, bytes(4), 3)
      sameBytes(entries[0]?.value, entries[2]?.value, 'the same two, by range')
      ensure(numberOf(one) >= last, 'a later read never sees less')
      last = numberOf(one)
    }
  }
  await put(storage, [a, bytesOf(0)], [b, bytesOf(0)], [c, bytesOf(0)])
  await Promise.all([write(), read(), read()])
}
