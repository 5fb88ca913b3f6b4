/** Whoever opens a database takes it: what its holder before does from then on is undone whole, and said. */
import { createStore, get, set } from 'idb-keyval'
import { afterEach, expect, test } from 'vitest'
import { bytes, bytesOf, increment, put } from '../../src/contract/storage-content.ts'
import type { Storage } from '../../src/ports.ts'
import { openIndexedDb } from '../../web/indexeddb.ts'

const run = crypto.randomUUID()
let databases = 0
const freshName = () => `fencing-${run}-${databases++}`
const taken = { name: 'StorageError', code: 'slot-taken', outcome: 'refused' }

const open: Storage[] = []
afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

async function opened(name: string): Promise<Storage> {
  const storage = await openIndexedDb(name)
  open.push(storage)
  return storage
}

test('the holder before writes and reads no more, and nothing of what it wrote is there', async () => {
  const name = freshName()
  const before = await opened(name)
  await put(before, [bytes(1), bytes(1)])
  const after = await opened(name)
  await expect(put(before, [bytes(1), bytes(9)], [bytes(2), bytes(9)])).rejects.toMatchObject({
    ...taken,
    remedy: expect.stringContaining('Reload'),
  })
  await expect(before.get(bytes(1))).rejects.toMatchObject(taken)
  await expect(before.range(bytes(1), bytes(3), 9)).rejects.toMatchObject(taken)
  expect(await after.getMany([bytes(1), bytes(2)])).toEqual([bytes(1), undefined])
  await put(after, [bytes(2), bytes(2)])
  expect(await after.get(bytes(2))).toEqual(bytes(2))
})

test('it is lost for good, also when nobody has it any more', async () => {
  const name = freshName()
  const before = await opened(name)
  await (await openIndexedDb(name)).close()
  await expect(put(before, [bytes(1), bytes(1)])).rejects.toMatchObject(taken)
  await expect(put(before, [bytes(1), bytes(1)])).rejects.toMatchObject(taken)
})

test('a holder whose handle was closed meanwhile does not take it back by opening another', async () => {
  const name = freshName()
  const handles: IDBDatabase[] = []
  const native = IDBFactory.prototype.open
  IDBFactory.prototype.open = function (...asked) {
    const request = native.apply(this, asked)
    request.addEventListener('success', () => handles.push(request.result))
    return request
  }
  try {
    const before = await opened(name)
    const after = await opened(name)
    handles[0]!.close()
    await expect(put(before, [bytes(1), bytes(1)])).rejects.toMatchObject(taken)
    await put(after, [bytes(1), bytes(2)])
  } finally {
    IDBFactory.prototype.open = native
  }
})

test('taken in the middle of many writes, what was acknowledged is there and the rest is not', async () => {
  const name = freshName()
  const before = await opened(name)
  let acknowledged = 0
  let refused = 0
  const counting = Array.from({ length: 3000 }, async (_, i) => {
    // One after another in several batches, so that some are under way at any moment.
    await new Promise((resolve) => {
      setTimeout(resolve, i / 20)
    })
    try {
      acknowledged = Math.max(acknowledged, await increment(before, bytes(1)))
    } catch (error) {
      expect(error).toMatchObject(taken)
      refused++
    }
  })
  await new Promise((resolve) => {
    setTimeout(resolve, 60)
  })
  const after = await opened(name)
  const found = await after.get(bytes(1))
  await Promise.all(counting)
  expect(acknowledged).toBeGreaterThan(0)
  expect(refused).toBeGreaterThan(0)
  expect(found).toEqual(bytesOf(acknowledged))
  expect(await after.get(bytes(1))).toEqual(found)
})

test('a commit of which nobody knows whether it came to be, before the database was taken, is in doubt', async () => {
  const name = freshName()
  const before = await opened(name)
  await put(before, [bytes(1), bytes(1)])
  const native = IDBDatabase.prototype.transaction
  let after: Storage | undefined
  IDBDatabase.prototype.transaction = function (...asked) {
    const transaction = native.apply(this, asked)
    if (asked[1] !== 'readwrite') return transaction
    IDBDatabase.prototype.transaction = native
    // The browser's storage process ends right after the commit: the page hears of an end, and not of which.
    transaction.addEventListener('complete', (event) => {
      event.stopImmediatePropagation()
      void opened(name).then((storage) => {
        after = storage
        transaction.dispatchEvent(new Event('abort'))
      })
    })
    return transaction
  }
  try {
    await expect(put(before, [bytes(1), bytes(2)])).rejects.toMatchObject({
      ...taken,
      outcome: 'unknown',
    })
  } finally {
    IDBDatabase.prototype.transaction = native
  }
  expect(await after!.get(bytes(1))).toEqual(bytes(2))
  await expect(put(before, [bytes(1), bytes(3)])).rejects.toMatchObject(taken)
})

test('a database that an earlier program made has no holder, and is taken', async () => {
  const name = freshName()
  const storage = await openIndexedDb(name)
  await put(storage, [bytes(1), bytes(1)])
  await storage.close()
  const raw = createStore(name, 'entries')
  const { format, mark } = (await get('format', raw)) as { format: number; mark: Uint8Array }
  await set('format', { format, mark }, raw)
  const next = await opened(name)
  expect(await next.get(bytes(1))).toEqual(bytes(1))
  await put(next, [bytes(1), bytes(2)])
})
