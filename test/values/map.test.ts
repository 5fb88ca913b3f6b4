import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { map, type TextMap } from '../../src/values/map.ts'
import type { MergeableType } from '../../src/values/type.ts'
import { expectEqual, faithful, lawful, retriable, type Subject } from './histories.ts'
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
    const settled = map.set(both, 'name', 'Eda', write('ann', 2))
    expect(map.all(map.merge(settled, there), 'name')).toEqual(['Eda'])
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
    expect(map.validate({ added: { ann: { 1: { name: ['Ada'] } } }, removed: {} })).toBe(true)
    expect(() => map.set(map.empty, '\udc00', 1, write('ann', 1))).toThrow('well-formed text')
  })
})

function ascending(a: number, b: number): number {
  return a - b
}
