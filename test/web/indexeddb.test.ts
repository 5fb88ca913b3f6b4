import { createStore, set } from 'idb-keyval'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { bytes, bytesOf, increment, put } from '../../src/contract/storage-content.ts'
import { storageContract } from '../../src/contract/storage.ts'
import type { Storage } from '../../src/ports.ts'
import { openIndexedDb } from '../../web/indexeddb.ts'

/** Chromium's storage buckets, which TypeScript does not know yet. */
declare global {
  interface Navigator {
    readonly storageBuckets: {
      open(name: string, options: { quota: number }): Promise<{ readonly indexedDB: IDBFactory }>
    }
  }
}

const run = crypto.randomUUID()
const nameOf = (name: string) => `test-${run}-${name}`
let databases = 0
const freshName = () => nameOf(`database-${databases++}`)

const open: Storage[] = []
afterEach(async () => {
  for (const storage of open.splice(0)) await storage.close().catch(() => {})
})

async function opened(name: string): Promise<Storage> {
  const storage = await openIndexedDb(name)
  open.push(storage)
  return storage
}

describe('the IndexedDB store keeps the storage contract', () => {
  const cases = storageContract({
    open: (name) => openIndexedDb(nameOf(name)),
    openGated: (name, gate) => openIndexedDb(nameOf(name), { beforeCommit: gate }),
  })
  test.each(cases)('$name', ({ run: runCase }) => runCase())
})

test('every transaction that writes is strict', async () => {
  const durabilities = await spyingOn('transaction', async (calls) => {
    const storage = await opened(freshName())
    await put(storage, [bytes(1), bytes(1)])
    return calls.map(([, mode, options]) => `${String(mode)} ${options?.durability}`)
  })
  expect(new Set(durabilities)).toEqual(new Set(['readwrite strict']))
})

test('a stored view takes no more than its own bytes along', async () => {
  const name = freshName()
  const storage = await opened(name)
  await put(storage, [bytes(1), new Uint8Array(1_000_000).subarray(5, 8)])
  const found = await storage.get(bytes(1))
  expect(found?.length).toBe(3)
  expect(found?.buffer.byteLength).toBe(3)
})

describe('a handle that', () => {
  test('was closed is opened again, for reads and for writes', async () => {
    const handles = handlesOpened()
    const storage = await opened(freshName())
    expect(await increment(storage, bytes(1))).toBe(1)
    handles.at(-1)!.close()
    expect(await storage.get(bytes(1))).toEqual(bytesOf(1))
    handles.at(-1)!.close()
    expect(await increment(storage, bytes(1))).toBe(2)
    handles.at(-1)!.close()
    expect((await storage.range(bytes(1), bytes(2), 1)).length).toBe(1)
    expect(handles.length).toBe(4)
  })

  test('the browser says it closed is opened again', async () => {
    const handles = handlesOpened()
    const storage = await opened(freshName())
    handles[0]!.dispatchEvent(new Event('close'))
    expect(await increment(storage, bytes(1))).toBe(1)
    expect(handles.length).toBe(2)
  })

  test('is in the way of an upgrade gives way, and the newer version is refused', async () => {
    const name = freshName()
    const storage = await opened(name)
    await put(storage, [bytes(1), bytes(1)])
    const newer = await new Promise<IDBDatabase>((resolve, reject) => {
      const request = indexedDB.open(name, 2)
      request.onsuccess = () => resolve(request.result)
      request.onerror = () => reject(request.error!)
    })
    newer.close()
    await expect(storage.get(bytes(1))).rejects.toMatchObject({ code: 'store-format' })
    await expectRefusal(name, 'store-format')
  })

  test('was closed in the middle of many writes loses none of them', async () => {
    const handles = handlesOpened()
    const storage = await opened(freshName())
    const counted = Array.from({ length: 300 }, async (_, i) => {
      const count = await increment(storage, bytes(1))
      if (i % 50 === 0) handles.at(-1)!.close()
      return count
    })
    expect(await Promise.all(counted)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
    expect(await storage.get(bytes(1))).toEqual(bytesOf(300))
  })
})

test('a database that was deleted under an open store is lost, and is not made anew behind its back', async () => {
  const name = freshName()
  const storage = await opened(name)
  await put(storage, [bytes(1), bytes(1)])
  await deleted(name)
  await expect(increment(storage, bytes(1))).rejects.toMatchObject({ code: 'store-lost' })
  await expect(storage.get(bytes(1))).rejects.toMatchObject({ code: 'store-lost' })
  const names = (await indexedDB.databases()).map((database) => database.name)
  expect(names).not.toContain(name)
  const next = await opened(name)
  expect(await next.get(bytes(1))).toBeUndefined()
})

test('a database that was deleted and made anew by another is lost too', async () => {
  const name = freshName()
  const storage = await opened(name)
  await put(storage, [bytes(1), bytes(1)])
  await deleted(name)
  await (await openIndexedDb(name)).close()
  await expect(storage.get(bytes(1))).rejects.toMatchObject({
    code: 'store-lost',
    remedy: expect.stringContaining('Reload'),
  })
})

test('a newer format is refused, with a remedy', async () => {
  const name = freshName()
  await (await openIndexedDb(name)).close()
  await set('format', { format: 2, mark: bytes(1) }, createStore(name, 'entries'))
  await expectRefusal(name, 'store-format')
})

test('a database that is not ours is refused', async () => {
  const [other, nonsense] = [freshName(), freshName()]
  await set('some', 'thing', createStore(other, 'keyval'))
  await expectRefusal(other, 'store-corrupt')
  await (await openIndexedDb(nonsense)).close()
  await set('format', 'nonsense', createStore(nonsense, 'entries'))
  await expectRefusal(nonsense, 'store-corrupt')
})

test('at the quota a write fails as store-full, reads go on, and writes resume when there is room', async () => {
  // A bucket with a quota of its own: what the browser allows a whole site is cached for half a minute.
  const bucket = await navigator.storageBuckets.open(freshName(), { quota: 2_000_000 })
  vi.stubGlobal('indexedDB', bucket.indexedDB)
  try {
    const storage = await opened('small')
    const ballast = await opened('ballast')
    const large = crypto.getRandomValues(new Uint8Array(65_536))
    const fill = async (into: Storage, count: number) => {
      for (let i = 1; i <= count; i++) await put(into, [bytesOf(i), large], [bytes(1), bytes(i)])
    }
    await fill(ballast, 10)
    await expect(fill(storage, 100)).rejects.toMatchObject({
      code: 'store-full',
      outcome: 'refused',
      remedy: expect.stringContaining('room'),
    })
    const count = (await storage.get(bytes(1)))![0]!
    expect(await storage.get(bytesOf(count))).toEqual(large)
    expect(await storage.get(bytesOf(count + 1))).toBeUndefined()
    await ballast.close()
    await deleted('ballast')
    await put(storage, [bytesOf(count + 1), large])
    expect(await storage.get(bytesOf(count + 1))).toEqual(large)
  } finally {
    vi.unstubAllGlobals()
  }
})

test('the browser says what it may use, and whether it stays', async () => {
  const storage = await opened(freshName())
  expect(await storage.usage()).toEqual({
    usedBytes: expect.any(Number) as unknown,
    quotaBytes: expect.any(Number) as unknown,
    persisted: false,
  })
  vi.spyOn(navigator.storage, 'persisted').mockResolvedValue(true)
  expect(await storage.usage()).toMatchObject({ persisted: true })
  vi.restoreAllMocks()
})

test('what waits together is written in few transactions', async () => {
  const transactions = await spyingOn('transaction', async (calls) => {
    const storage = await opened(freshName())
    await Promise.all(Array.from({ length: 500 }, (_, i) => put(storage, [bytesOf(i), bytes(1)])))
    return calls.filter(([, mode]) => mode === 'readwrite').length
  })
  expect(transactions).toBeLessThan(5)
})

async function expectRefusal(name: string, code: string): Promise<void> {
  await expect(openIndexedDb(name)).rejects.toMatchObject({
    name: 'StorageError',
    code,
    remedy: expect.stringMatching(/\.$/),
  })
}

function deleted(name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.deleteDatabase(name)
    request.onsuccess = () => resolve()
    request.onerror = () => reject(request.error!)
  })
}

const restored: (() => void)[] = []
afterEach(() => {
  for (const restore of restored.splice(0)) restore()
})

/** The handles that are opened from now on, in order. */
function handlesOpened(): IDBDatabase[] {
  const handles: IDBDatabase[] = []
  const native = IDBFactory.prototype.open
  IDBFactory.prototype.open = function (...asked) {
    const request = native.apply(this, asked)
    request.addEventListener('success', () => handles.push(request.result))
    return request
  }
  restored.push(() => {
    IDBFactory.prototype.open = native
  })
  return handles
}

/** Runs `act` while the arguments of a method of the database handle are noted. */
async function spyingOn<T>(
  method: 'transaction',
  act: (calls: Parameters<IDBDatabase['transaction']>[]) => Promise<T>,
): Promise<T> {
  const calls: Parameters<IDBDatabase['transaction']>[] = []
  const native = IDBDatabase.prototype[method]
  IDBDatabase.prototype[method] = function (...asked) {
    calls.push(asked)
    return native.apply(this, asked)
  }
  restored.push(() => {
    IDBDatabase.prototype[method] = native
  })
  return act(calls)
}
