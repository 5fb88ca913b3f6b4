import { describe, expect, test } from 'vitest'
import { MemoryContent, memoryMedium, openMemory } from '../../src/adapters/memory.ts'
import { storageOver, type Medium } from '../../src/adapters/storage.ts'
import { seededFractions } from '../../src/contract/case.ts'
import { storageContract, type StorageSubject } from '../../src/contract/storage.ts'
import { bytes, increment } from '../../src/contract/storage-content.ts'
import { StorageError } from '../../src/protocol/errors.ts'
import type { Storage } from '../../src/ports.ts'

/** Stores on contents kept by name, each made by `over`. */
function subject(over: typeof openMemory): StorageSubject {
  const contents = new Map<string, MemoryContent>()
  const contentOf = (name: string) => {
    const content = contents.get(name) ?? new MemoryContent()
    contents.set(name, content)
    return content
  }
  return {
    open: async (name) => over(contentOf(name)),
    openGated: async (name, gate) => over(contentOf(name), { beforeCommit: gate }),
  }
}

describe('the memory store keeps the storage contract', () => {
  test.each(storageContract(subject(openMemory)))('$name', ({ run }) => run())
})

describe('a medium that takes a random while for all it does keeps the storage contract', () => {
  const slow: typeof openMemory = (content, options) =>
    storageOver(slowly(memoryMedium(content ?? new MemoryContent())), options)
  test.each(storageContract(subject(slow)))('$name', ({ run }) => run())
})

/** Reads and commits overlap in every order that a real medium might choose. */
function slowly(medium: Medium): Medium {
  const next = seededFractions(3)
  const aWhile = async () => {
    for (let turns = next() * 12; turns > 0; turns--) await Promise.resolve()
  }
  return {
    async read(keys) {
      await aWhile()
      const found = medium.read(keys)
      await aWhile()
      return found
    },
    async range(...asked) {
      await aWhile()
      return medium.range(...asked)
    },
    async commit(...asked) {
      await aWhile()
      await medium.commit(...asked)
      await aWhile()
    },
    usage: medium.usage,
    close: medium.close,
  }
}

describe('the storage contract catches a store that', () => {
  const mutants: Record<
    string,
    { breaks: string; mutate: (storage: Storage) => Partial<Storage> }
  > = {
    'serves queued writes to get': {
      breaks: 'no read sees a write before it is durable',
      mutate(storage) {
        const queued = new Map<string, Uint8Array | undefined>()
        return {
          update: (keys, change) =>
            storage.update(keys, (current) => {
              const changed = change(current)
              for (const { key, value } of changed.writes) queued.set(String(key), value)
              return changed
            }),
          get: async (key) =>
            queued.has(String(key)) ? queued.get(String(key)) : storage.get(key),
        }
      },
    },
    'lets two updates read before either writes': {
      breaks: 'a thousand increments of one counter, all at once, count a thousand',
      mutate: (storage) => ({
        async update(keys, change) {
          const current = await storage.getMany(keys)
          return storage.update([], () => change(current))
        },
      }),
    },
    'writes one key at a time': {
      breaks: 'what is written together is read together, also while it changes',
      mutate: (storage) => ({
        async update(keys, change) {
          const { writes, result } = await storage.update(keys, (current) => ({
            writes: [],
            result: change(current),
          }))
          for (const write of writes) {
            await storage.update([], () => ({ writes: [write], result: undefined }))
          }
          return result
        },
      }),
    },
    'acknowledges before the commit': {
      breaks: 'an update sees what is queued, and resolves only once that is durable',
      mutate: (storage) => ({
        update: (keys, change) =>
          new Promise((resolve, reject) => {
            storage
              .update(keys, (current) => {
                const changed = change(current)
                resolve(changed.result)
                return changed
              })
              .catch(reject)
          }),
      }),
    },
    'lets an update that writes nothing overtake': {
      breaks: 'updates resolve in the order in which they were called',
      mutate: (storage) => ({
        async update(keys, change) {
          const { writes, result } = change(await storage.getMany(keys))
          if (writes.length === 0) return result
          return storage.update(keys, change)
        },
      }),
    },
    'compares keys as text': {
      breaks: 'a range ascends by unsigned bytes, a prefix before what it begins',
      mutate: (storage) => ({
        range: async (...asked) =>
          (await storage.range(...asked)).toSorted((x, y) =>
            String(x.key) < String(y.key) ? -1 : 1,
          ),
      }),
    },
    'goes on after close': {
      breaks: 'a closed store refuses every call with the code closed',
      mutate: () => ({ close: async () => {} }),
    },
  }
  test.each(Object.entries(mutants))('%s', async (_, { breaks, mutate }) => {
    const mutant: typeof openMemory = (content, options) =>
      mutated(openMemory(content, options), mutate)
    const cases = storageContract(subject(mutant))
    const broken: string[] = []
    for (const { name: clause, run } of cases) {
      await run().catch(() => broken.push(clause))
    }
    expect(broken.join('\n')).toContain(breaks)
  })
})

function mutated(storage: Storage, mutate: (storage: Storage) => Partial<Storage>): Storage {
  const whole: Storage = {
    get: (key) => storage.get(key),
    getMany: (keys) => storage.getMany(keys),
    range: (...asked) => storage.range(...asked),
    update: (...asked) => storage.update(...asked),
    usage: () => storage.usage(),
    close: () => storage.close(),
  }
  return { ...whole, ...mutate(storage) }
}

test('a commit that loses the disk ends the store, reads included', async () => {
  const lost = new StorageError('store-lost', 'The disk is gone.')
  const storage = openMemory(new MemoryContent(), {
    beforeCommit() {
      throw lost
    },
  })
  await expect(increment(storage, bytes(1))).rejects.toBe(lost)
  await expect(storage.get(bytes(1))).rejects.toBe(lost)
  await expect(storage.range(bytes(0), bytes(9), 1)).rejects.toBe(lost)
  await expect(increment(storage, bytes(1))).rejects.toBe(lost)
  await storage.close()
})
