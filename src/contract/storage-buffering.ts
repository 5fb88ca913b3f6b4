/**
 * Buffering: what need not be synced is shown at once, stands in the order of all else, and is made durable by whoever
 * builds on it.
 *
 * What a power cut takes back shows only on a medium whose power can be cut; the cases that need it are left out elsewhere.
 */
import type { Storage } from '../ports.ts'
import { ensure, sameBytes, sameList, type ContractCase } from './case.ts'
import { bytes, bytesOf, incremented, look, numberOf } from './storage-content.ts'
import type { StorageSubject } from './storage-subject.ts'

const [a, b, c] = [bytes(1), bytes(2), bytes(3)]

export function bufferingCases(subject: StorageSubject, freshName: () => string): ContractCase[] {
  const { cutPower } = subject
  return [
    ...cases.map(({ name, check }) => ({
      name,
      async run() {
        const storage = await subject.open(freshName())
        await check(storage)
        await storage.close()
      },
    })),
    reopening(subject, freshName),
    ...(cutPower === undefined
      ? []
      : powerCases.map(({ name, check }) => ({
          name,
          async run() {
            const store = freshName()
            await check(await subject.open(store))
            await cutPower.call(subject, store)
            const storage = await subject.open(store)
            const found = await storage.getMany([a, b, c])
            await storage.close()
            sameList(found.map(numberOf), [1, 1, 0], 'what the power cut left')
          },
        }))),
  ]
}

const buffer = (storage: Storage, key: Uint8Array): Promise<number> =>
  storage.update([key], incremented(key), 'buffered')
const sync = (storage: Storage, key: Uint8Array): Promise<number> =>
  storage.update([key], incremented(key))

const cases = [
  {
    name: 'a buffered write is read once it resolved, and seen by every later update',
    async check(storage: Storage) {
      ensure((await buffer(storage, a)) === 1, 'the first count')
      sameBytes(await storage.get(a), bytesOf(1), 'what is read')
      ensure((await look(storage, a)) === 1, 'what a synced update sees')
    },
  },
  {
    name: 'buffered and synced updates come out as if they ran one by one in the order of their calls',
    async check(storage: Storage) {
      const counts = Array.from({ length: 200 }, (_, i) => {
        return i % 3 === 0 ? sync(storage, a) : buffer(storage, a)
      })
      sameList(
        await Promise.all(counts),
        counts.map((_, i) => i + 1),
        'the counts',
      )
    },
  },
  {
    name: 'a synced update that writes nothing resolves after buffered ones, also when there are none left to sync',
    async check(storage: Storage) {
      const writing = buffer(storage, a)
      ensure((await look(storage, a)) === 1, 'it saw what was queued')
      await writing
      await buffer(storage, a)
      ensure((await look(storage, a)) === 2, 'it saw what was committed')
      ensure((await look(storage, a)) === 2, 'and once more')
    },
  },
]

function reopening(subject: StorageSubject, freshName: () => string): ContractCase {
  return {
    name: 'what was buffered is there when the store was closed and opened again',
    async run() {
      const name = freshName()
      const storage = await subject.open(name)
      await buffer(storage, a)
      await storage.close()
      const again = await subject.open(name)
      ensure(numberOf(await again.get(a)) === 1, 'the count, in the store opened again')
      await again.close()
    },
  }
}

/** Each leaves one of a and one of b durable, and of c nothing. */
const powerCases = [
  {
    name: 'a power cut takes back what was buffered after the last sync, and nothing before it',
    async check(storage: Storage) {
      await buffer(storage, a)
      await sync(storage, b)
      await buffer(storage, c)
      await buffer(storage, b)
    },
  },
  {
    name: 'a synced update that writes nothing makes durable what it saw',
    async check(storage: Storage) {
      await buffer(storage, a)
      await buffer(storage, b)
      await look(storage, a)
      await buffer(storage, c)
    },
  },
]
