/** Closing: what was asked before is done first, what is asked after is refused, and nothing that was done is lost. */
import { ensure, rejectsWithCode, sameList, type ContractCase } from './case.ts'
import type { StorageSubject } from './storage-subject.ts'
import { bytes, increment, numberOf, put } from './storage-content.ts'

export function closingCases(subject: StorageSubject, freshName: () => string): ContractCase[] {
  const key = bytes(1)
  return [
    {
      name: 'a closed store refuses every call with the code closed, and may be closed again',
      async run() {
        const storage = await subject.open(freshName())
        await put(storage, [key, bytes(1)])
        await storage.close()
        await storage.close()
        await rejectsWithCode(storage.get(key), 'closed', 'get')
        await rejectsWithCode(storage.getMany([key]), 'closed', 'getMany')
        await rejectsWithCode(storage.getMany([]), 'closed', 'getMany of nothing')
        await rejectsWithCode(storage.range(key, bytes(2), 1), 'closed', 'range')
        await rejectsWithCode(increment(storage, key), 'closed', 'update')
        await rejectsWithCode(put(storage), 'closed', 'update of nothing')
        await rejectsWithCode(storage.usage(), 'closed', 'usage')
      },
    },
    {
      name: 'close waits for the updates called before it, and refuses those called after',
      async run() {
        const name = freshName()
        const storage = await subject.open(name)
        const settled: string[] = []
        const updates = Array.from({ length: 20 }, () => increment(storage, key))
        const counted = Promise.all(updates).then(() => settled.push('updates'))
        const closed = storage.close().then(() => settled.push('close'))
        await rejectsWithCode(increment(storage, key), 'closed', 'an update after close')
        await Promise.all([counted, closed])
        sameList(settled, ['updates', 'close'], 'the order in which they settled')
        await expectCount(subject, name, 20)
      },
    },
    {
      name: 'a store opened again goes on from where it was, five times over',
      async run() {
        const name = freshName()
        for (let round = 1; round <= 5; round++) {
          const storage = await subject.open(name)
          ensure((await increment(storage, key)) === round, `round ${round} counts on`)
          await storage.close()
        }
        await expectCount(subject, name, 5)
      },
    },
    {
      name: 'stores of different names share nothing',
      async run() {
        const [one, other] = [await subject.open(freshName()), await subject.open(freshName())]
        await put(one, [key, bytes(1)])
        ensure((await other.get(key)) === undefined, 'the other store has no such key')
        await Promise.all([one.close(), other.close()])
      },
    },
  ]

  async function expectCount(of: StorageSubject, name: string, count: number) {
    const storage = await of.open(name)
    const found = numberOf(await storage.get(key))
    ensure(found === count, `the counter holds ${found}, not ${count}`)
    await storage.close()
  }
}
