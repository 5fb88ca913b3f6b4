/**
 * Reading: each case writes, reads, closes, opens again and reads again, so that no clause holds by a cache alone.
 */
import { emptyBytes, toHex, type Bytes } from '../data/bytes.ts'
import type { Storage } from '../ports.ts'
import { ensure, sameBytes, sameList, type ContractCase } from './case.ts'
import type { StorageSubject } from './storage-subject.ts'
import { bytes, entry, put, type Pair } from './storage-content.ts'

interface ReadingCase {
  readonly name: string
  readonly content: readonly Pair[]
  check(storage: Storage): Promise<void>
}

export function readingCases(subject: StorageSubject, freshName: () => string): ContractCase[] {
  return cases.map(({ name, content, check }) => ({
    name: `${name}, before and after the store is opened again`,
    async run() {
      const store = freshName()
      const first = await subject.open(store)
      await put(first, ...content)
      await check(first)
      await first.close()
      const second = await subject.open(store)
      await check(second)
      await second.close()
    },
  }))
}

const mebibyte = new Uint8Array(2 ** 20).map((_, i) => i * 31)

/** Above each other as unsigned bytes, the shorter first; as text or signed bytes they would not be. */
const ascending: readonly Bytes[] = [
  emptyBytes,
  bytes(0),
  bytes(0, 0),
  bytes(0, 0xff),
  bytes(1),
  bytes(9),
  bytes(0x7f),
  bytes(0x7f, 0xff),
  bytes(0x80),
  bytes(0x80, 0),
  bytes(0xff),
  bytes(0xff, 0),
  bytes(0xff, 0xff),
]

const shuffled = ascending.toSorted((a, b) => a.length - b.length).map((key) => entry(key, key))
const aboveAll = bytes(0xff, 0xff, 0xff)

const cases: readonly ReadingCase[] = [
  {
    name: 'what was written is read, an empty value, an empty key and a mebibyte included',
    content: [entry(bytes(1), emptyBytes), entry(emptyBytes, bytes(7)), entry(bytes(2), mebibyte)],
    async check(storage) {
      sameBytes(await storage.get(bytes(1)), emptyBytes, 'the empty value')
      sameBytes(await storage.get(emptyBytes), bytes(7), 'the value of the empty key')
      sameBytes(await storage.get(bytes(2)), mebibyte, 'the mebibyte')
    },
  },
  {
    name: 'a key that nobody wrote, or that was deleted, reads as undefined',
    content: [entry(bytes(1), bytes(1)), entry(bytes(2), bytes(2)), [bytes(1), undefined]],
    async check(storage) {
      sameBytes(await storage.get(bytes(9)), undefined, 'a key that nobody wrote')
      sameBytes(await storage.get(bytes(1)), undefined, 'a deleted key')
      sameBytes(await storage.get(bytes(2)), bytes(2), 'its neighbour')
      sameList(await keysOf(storage, emptyBytes, aboveAll), ['02'], 'the keys that are left')
    },
  },
  {
    name: 'getMany answers in the order asked, for missing and repeated keys too',
    content: [entry(bytes(1), bytes(10)), entry(bytes(2), bytes(20))],
    async check(storage) {
      const found = await storage.getMany([bytes(2), bytes(9), bytes(1), bytes(2)])
      sameList(found.map(hexOrNull), ['14', null, '0a', '14'], 'the answers')
      sameList(await storage.getMany([]), [], 'the answer to nothing')
    },
  },
  {
    name: 'a range ascends by unsigned bytes, a prefix before what it begins',
    content: shuffled,
    async check(storage) {
      const entries = await storage.range(emptyBytes, aboveAll, 100)
      const keys = entries.map(({ key }) => toHex(key))
      sameList(keys, ascending.map(toHex), 'the keys')
      for (const { key, value } of entries) sameBytes(value, key, 'a value beside its key')
    },
  },
  {
    name: 'a range includes its start and excludes its end, whether they are stored or not',
    content: shuffled,
    async check(storage) {
      sameList(
        await keysOf(storage, bytes(1), bytes(0x80)),
        ['01', '09', '7f', '7fff'],
        'both stored',
      )
      sameList(
        await keysOf(storage, bytes(2), bytes(0x80, 1)),
        ['09', '7f', '7fff', '80', '8000'],
        'not',
      )
      sameList(await keysOf(storage, bytes(1), bytes(1)), [], 'an empty range')
      sameList(await keysOf(storage, bytes(2), bytes(1)), [], 'a range that ends before it starts')
      sameList(await keysOf(storage, emptyBytes, emptyBytes), [], 'an empty range at the start')
    },
  },
  {
    name: 'a range stops at its limit',
    content: shuffled,
    async check(storage) {
      sameList(await keysOf(storage, bytes(0), aboveAll, 3), ['00', '0000', '00ff'], 'limit 3')
      sameList(await keysOf(storage, bytes(0), aboveAll, 0), [], 'limit 0')
      const all = await storage.range(emptyBytes, aboveAll, Number.MAX_SAFE_INTEGER)
      ensure(all.length === ascending.length, 'no limit to speak of gives all')
    },
  },
  {
    name: 'a caller that changes bytes it wrote or read changes nothing that is stored',
    content: [],
    async check(storage) {
      const [key, value] = [bytes(1), bytes(5)]
      await put(storage, [key, value])
      key[0] = 2
      value[0] = 6
      const found = await storage.get(bytes(1))
      const [inRange] = await storage.range(bytes(1), bytes(2), 1)
      if (found) found[0] = 7
      if (inRange) inRange.key[0] = inRange.value[0] = 8
      sameBytes(await storage.get(bytes(1)), bytes(5), 'the value')
      sameList(await keysOf(storage, emptyBytes, aboveAll), ['01'], 'the keys')
    },
  },
  {
    name: 'usage is told in bytes, or not at all',
    content: [entry(bytes(1), mebibyte)],
    async check(storage) {
      const { usedBytes = 0, quotaBytes = 0 } = await storage.usage()
      ensure(usedBytes >= 0 && quotaBytes >= 0, `usage of ${usedBytes} of ${quotaBytes} bytes`)
    },
  },
]

async function keysOf(storage: Storage, from: Bytes, to: Bytes, limit = 100): Promise<string[]> {
  return (await storage.range(from, to, limit)).map(({ key }) => toHex(key))
}

function hexOrNull(value: Bytes | undefined): string | null {
  return value === undefined ? null : toHex(value)
}
