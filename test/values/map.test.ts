import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeStructured } from '../../src/data/structured.ts'
import { map, type TextMap } from '../../src/values/map.ts'
import type { MergeableType } from '../../src/values/type.ts'
import {
  expectEqual,
  faithful,
  lawful,
  lawfulForStrangers,
  retriable,
  type Subject,
  usedLong,
} from './histories.ts'
import { write } from './writes.ts'

const subject: Subject<TextMap> = {
  empty: map.empty,
  replaces: true,
  merge: map.merge,
  validate: map.validate,
  add: map.set,
  remove: map.remove,
  show: (value) =>
    map.entries(value).map(([key]) => [key, (map.all(value, key) as number[]).toSorted(ascending)]),
  expected: (present) => {
    const keys = [...new Set(present.map(({ name }) => name))].toSorted()
    return keys.map((key) => {
      const items = present.filter(({ name }) => name === key).map(({ amount }) => amount)
      return [key, items.toSorted(ascending)]
    })
  },
}

describe('a map', () => {
  test('holds under each key what truly was written and not replaced or removed', () => {
    fc.assert(faithful(subject), { numRuns: 500 })
  })

  test('merges by the laws', () => {
    fc.assert(lawful(subject), { numRuns: 300 })
  })

  test('takes a write once, however often it is tried', () => {
    fc.assert(retriable(subject), { numRuns: 300 })
  })

  test('keeps both of two fields that are filled in apart', () => {
    const start = map.set(map.empty, 'name', 'Ada', write('ann', 1))
    const here = map.set(start, 'city', 'London', write('ann', 2))
    const there = map.set(start, 'name', 'Ada Lovelace', write('bob', 1))
    const both = [
      ['city', 'London'],
      ['name', 'Ada Lovelace'],
    ]
    expect(map.entries(map.merge(here, there))).toEqual(both)
    expect(map.entries(map.merge(there, here))).toEqual(both)
  })

  test('shows one of two concurrent values, the same everywhere, and keeps both until the next', () => {
    const here = map.set(map.empty, 'name', 'Ada', write('ann', 1))
    const there = map.set(map.empty, 'name', 'Ida', write('bob', 1))
    const both = map.merge(here, there)
    expect(map.all(both, 'name')).toEqual(['Ada', 'Ida'])
    expect(map.get(both, 'name')).toBe(map.get(map.merge(there, here), 'name'))
    expect(map.entries(both)).toEqual([['name', map.get(both, 'name')]])
    const settled = map.set(both, 'name', 'Eda', write('ann', 2))
    expect(map.all(map.merge(settled, there), 'name')).toEqual(['Eda'])
  })

  test('shows first what the device wrote that has written more often', () => {
    const ann = map.set(map.empty, 'name', 'Ada', write('ann', 1))
    const bob = map.set(map.empty, 'name', 'Ida', write('bob', 2))
    expect(map.all(map.merge(ann, bob), 'name')).toEqual(['Ida', 'Ada'])
  })

  test(
    'after 10,000 writes and removes on three devices fits in 4 KiB',
    { timeout: 30_000 },
    () => {
      expect(encodeStructured(usedLong(subject, 40)).length).toBeLessThan(4096)
    },
  )

  test('of strangers merges by the laws', () => {
    fc.assert(lawfulForStrangers(subject, fc.constantFrom([1], [null], [['mug', { a: 2 }]])))
  })

  test('holds any structured data, null included', () => {
    const items = [null, false, 0, '', [1, null], { a: [{}] }, Uint8Array.of(1)]
    const value = items.reduce<TextMap>(
      (filled, item, i) => map.set(filled, `k${i}`, item, write('ann', i + 1)),
      map.empty,
    )
    expect(map.entries(value).map(([, item]) => item)).toEqual(items)
    expect(map.get(value, 'absent')).toBeUndefined()
    const empty = map.remove(value, 'k0', write('ann', 10))
    expect(map.get(empty, 'k0')).toBeUndefined()
  })

  test('settles a write that was tried with two values in one way', () => {
    const once = map.set(map.empty, 'name', 'Ada', write('ann', 1))
    const again = map.set(map.empty, 'name', 'Ida', write('ann', 1))
    expectEqual(map.merge(once, again), map.merge(again, once))
    expect(map.all(map.merge(once, again), 'name')).toHaveLength(1)
  })

  test('is a type for a bucket and tells other values from maps', () => {
    const type: MergeableType<TextMap> = map
    expect(type.name).toBe('map')
    expect(map.validate({ name: 'Ada' })).toBe(false)
    expect(map.validate({ added: { ann: { 1: { name: 'Ada' } } }, removed: {} })).toBe(false)
    expect(map.validate({ added: { ann: { 1: { name: ['Ada', 1] } } }, removed: {} })).toBe(false)
    expect(map.validate({ added: { ann: { 1: { name: ['Ada'] } } }, removed: {} })).toBe(true)
    expect(() => map.set(map.empty, '\udc00', 1, write('ann', 1))).toThrow('well-formed text')
  })
})

describe('the properties catch', () => {
  const mutants: Record<string, Partial<Subject<TextMap>>> = {
    'a merge in which the later of two concurrent values wins': {
      merge: (a, b) =>
        map.entries(map.merge(a, b)).reduce(
          (value, [key]) => {
            const [first, ...others] = map.all(value, key)
            if (others.length === 0) return value
            return map.set(value, key, first, write('nobody', 1))
          },
          map.merge(a, b),
        ),
    },
    'a set that replaces nothing': {
      add: (value, key, item, id) => map.merge(value, map.set(map.empty, key, item, id)),
    },
    'a retry that replaces what came after it': {
      add: (value, key, item, id) =>
        map.set(map.remove(value, key, { ...id, count: id.count + 1_000 }), key, item, id),
    },
    'a removal that takes all keys': {
      remove: (value, _key, id) =>
        map.entries(value).reduce((left, [key]) => map.remove(left, key, id), value),
    },
  }

  test.each(Object.entries(mutants))('%s', (_name, wrong) => {
    const broken = { ...subject, ...wrong }
    const runs = { numRuns: 2000, seed: 1 }
    const failed =
      fc.check(faithful(broken), runs).failed ||
      fc.check(lawful(broken), runs).failed ||
      fc.check(retriable(broken), runs).failed
    expect(failed).toBe(true)
  })
})

function ascending(a: number, b: number): number {
  return a - b
}
