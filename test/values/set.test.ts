import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeStructured } from '../../src/data/structured.ts'
import { set, type TextSet } from '../../src/values/set.ts'
import type { MergeableType } from '../../src/values/type.ts'
import {
  faithful,
  lawful,
  lawfulForStrangers,
  retriable,
  type Subject,
  usedLong,
} from './histories.ts'
import { write } from './writes.ts'

const subject: Subject<TextSet> = {
  empty: set.empty,
  replaces: true,
  merge: set.merge,
  validate: set.validate,
  add: (value, name, _amount, id) => set.add(value, name, id),
  remove: set.remove,
  show: set.elements,
  expected: (present) => [...new Set(present.map(({ name }) => name))].toSorted(),
}

describe('a set', () => {
  test('holds what truly was added and not removed, whatever is merged, retried or forgotten', () => {
    fc.assert(faithful(subject), { numRuns: 500 })
  })

  test('merges by the laws', () => {
    fc.assert(lawful(subject), { numRuns: 300 })
  })

  test('takes a write once, however often it is tried', () => {
    fc.assert(retriable(subject), { numRuns: 300 })
  })

  test('lets an addition win over a removal that did not see it', () => {
    const start = set.add(set.empty, 'blue', write('ann', 1))
    const here = set.remove(start, 'blue', write('ann', 2))
    const there = set.add(start, 'blue', write('bob', 1))
    expect(set.has(here, 'blue')).toBe(false)
    expect(set.has(set.merge(here, there), 'blue')).toBe(true)
    expect(set.has(set.remove(set.merge(here, there), 'blue', write('ann', 3)), 'blue')).toBe(false)
  })

  test('does not grow by what is added again and again', () => {
    let value = set.empty
    for (let i = 1; i <= 1000; i++) {
      value = set.add(value, 'blue', write(i % 2 === 0 ? 'ann' : 'bob', Math.ceil(i / 2)))
    }
    expect(set.elements(value)).toEqual(['blue'])
    expect(encodeStructured(value).length).toBeLessThan(60)
  })

  test('after 10,000 adds and removes on three devices fits in 4 KiB', { timeout: 30_000 }, () => {
    expect(encodeStructured(usedLong(subject, 40)).length).toBeLessThan(4096)
  })

  test('of strangers merges by the laws', () => {
    fc.assert(lawfulForStrangers(subject, fc.constant(true)))
  })

  test('is a type for a bucket and tells other values from sets', () => {
    const type: MergeableType<TextSet> = set
    expect(type.name).toBe('set')
    expect(set.validate({ added: { ann: { 1: { blue: 1 } } }, removed: {} })).toBe(false)
    expect(set.validate(['blue'])).toBe(false)
    expect(() => set.add(set.empty, '\udc00', write('ann', 1))).toThrow(
      'a name is well-formed text',
    )
  })
})

describe('the properties catch', () => {
  const mutants: Record<string, Partial<Subject<TextSet>>> = {
    'a retry that replaces what came after it': {
      add: (value, element, _amount, id) =>
        set.add(set.remove(value, element, { ...id, count: id.count + 1_000 }), element, id),
    },
    'a removal that wins over additions it has not seen': {
      merge: (a, b) => {
        const merged = set.merge(a, b)
        const gone = set.elements(merged).filter((each) => lost(a, each) || lost(b, each))
        return gone.reduce((value, each) => set.remove(value, each, write('nobody', 1)), merged)
      },
    },
  }

  test.each(Object.entries(mutants))('%s', (_name, wrong) => {
    const broken = { ...subject, ...wrong }
    const runs = { numRuns: 2000, seed: 1 }
    const failed =
      fc.check(faithful(broken), runs).failed || fc.check(retriable(broken), runs).failed
    expect(failed).toBe(true)
  })

  /** Whether something was once removed on this side, and this element is not there. */
  function lost(value: TextSet, element: string): boolean {
    return Object.keys(value.removed).length > 0 && !set.has(value, element)
  }
})
