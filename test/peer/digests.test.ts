import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openMemory } from '../../src/adapters/memory.ts'
import { emptyBytes, utf8 } from '../../src/data/bytes.ts'
import { digestLength } from '../../src/data/hash.ts'
import { makeKey, partitionOf } from '../../src/data/key.ts'
import { apply, makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { Digests, xorInto } from '../../src/peer/digests.ts'
import { openIdentity } from '../../src/peer/epochs.ts'
import { Records } from '../../src/peer/records.ts'
import { pause } from './ring.ts'
import { systemRandom } from '../../src/adapters/system.ts'

const q = 4
const keys = Array.from({ length: 8 }, (_, i) => makeKey('b', `key ${i}`))

async function openRecords() {
  const storage = openMemory()
  const identity = await openIdentity(
    storage,
    systemRandom,
    { self: 'peer', ring: 'ring' },
    () => {},
  )
  return { storage, records: new Records(storage, q, () => {}, identity) }
}

function put(records: Records, key: (typeof keys)[number], text: string): Promise<void> {
  return records.mint(key, ({ object, takeEpoch }) => {
    const dot = { actor: takeEpoch(), counter: 1 }
    return {
      result: undefined,
      state: apply(object.state, dot, nothingSeen, makeValue(utf8(text), 0)),
    }
  })
}

/** What the folds must be: made from the records one by one. */
async function expected(records: Records): Promise<Uint8Array[]> {
  const folds = Array.from({ length: q }, () => new Uint8Array(digestLength))
  for (const key of keys) {
    xorInto(folds[partitionOf(key.position, q)]!, (await records.read(key)).digest)
  }
  return folds
}

function all(digests: Digests): Promise<Uint8Array[]> {
  return Promise.all([0, 1, 2, 3].map((partition) => digests.of(partition, emptyBytes)))
}

describe("the folds of a store's digests", () => {
  it('are those of its records, however writes and scans interleave', async () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('put' as const), key: fc.nat(7), text: fc.string() }),
      fc.record({ kind: fc.constant('drop' as const), key: fc.nat(7) }),
      fc.record({ kind: fc.constant('refuse' as const), key: fc.nat(7) }),
      fc.record({ kind: fc.constantFrom('scan' as const, 'remake' as const, 'pause' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { records } = await openRecords()
        const running: Promise<unknown>[] = []
        for (const each of steps) {
          if (each.kind === 'put') running.push(put(records, keys[each.key]!, each.text))
          if (each.kind === 'drop') {
            running.push(records.change(keys[each.key]!, () => ({ result: 0, drop: true })))
          }
          if (each.kind === 'refuse') {
            const refused = records.change(keys[each.key]!, () => {
              throw new Error('refused')
            })
            running.push(refused.catch(() => undefined))
          }
          if (each.kind === 'scan') running.push(all(records.digests))
          if (each.kind === 'remake') records.digests.remake()
          if (each.kind === 'pause') await pause(0)
        }
        await Promise.all(running)
        expect(await all(records.digests)).toEqual(await expected(records))
        const held = await Promise.all(keys.map((key) => records.read(key)))
        const there = held.filter(({ state }) => state.seen.size > 0)
        expect(records.digests.count).toBe(there.length)
      }),
      { numRuns: 200 },
    )
  })

  it('change with a salt, and agree between equal stores under the same one', async () => {
    const { storage, records } = await openRecords()
    for (const key of keys) await put(records, key, key.text)
    const again = new Digests(storage, q)
    const salt = utf8('salt')
    const salted = await Promise.all([0, 1, 2, 3].map((p) => records.digests.of(p, salt)))
    expect(await Promise.all([0, 1, 2, 3].map((p) => again.of(p, salt)))).toEqual(salted)
    expect(salted).not.toEqual(await all(records.digests))
  })
})

describe('records', () => {
  it('write nothing when a decision throws', async () => {
    const { storage, records } = await openRecords()
    const refusal = records.mint(keys[0]!, ({ takeEpoch }) => {
      takeEpoch()
      throw new Error('no')
    })
    await expect(refusal).rejects.toThrow('no')
    expect((await records.read(keys[0]!)).state.seen.size).toBe(0)
    expect((await storage.range(utf8('o'), utf8('p'), 10)).length).toBe(0)
  })

  it('quarantine a record whose bits have flipped, and never believe it', async () => {
    const { storage, records } = await openRecords()
    await put(records, keys[0]!, 'a value long enough to flip a bit in')
    const [stored] = await storage.range(utf8('o'), utf8('p'), 10)
    for (let bit = 0; bit < stored!.value.length * 8; bit += 7) {
      const value = stored!.value.slice()
      value[bit >> 3]! ^= 1 << (bit & 7)
      await storage.update([], () => ({ writes: [{ key: stored!.key, value }], result: 0 }))
      expect((await records.read(keys[0]!)).state.siblings).toEqual([])
    }
  })
})
