import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hasCount, type Intervals, isIntervals, joinIntervals } from '../../src/values/intervals.ts'

const most = 30
const counts = fc.array(fc.integer({ min: 1, max: most }), { maxLength: 20 })

function intervalsOf(some: readonly number[]): Intervals {
  return joinIntervals(
    some.map((count) => [count, count] as const),
    [],
  )
}

describe('intervals', () => {
  test('hold exactly the counts they were made of, in one form', () => {
    fc.assert(
      fc.property(counts, (some) => {
        const intervals = intervalsOf(some)
        for (let count = 0; count <= most + 1; count++) {
          expect(hasCount(intervals, count)).toBe(some.includes(count))
        }
        expect(isIntervals(intervals)).toBe(some.length > 0)
        expect(intervalsOf(some.toReversed())).toEqual(intervals)
      }),
    )
  })

  test('joined are those of all counts of both', () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        expect(joinIntervals(intervalsOf(a), intervalsOf(b))).toEqual(intervalsOf([...a, ...b]))
      }),
    )
  })

  test('in any structured data are intervals in their one form, or none', () => {
    const near = fc.array(fc.tuple(fc.nat(12), fc.nat(12)))
    fc.assert(
      fc.property(fc.oneof(fc.anything(), near), (value) => {
        if (isIntervals(value)) expect(joinIntervals(value, [])).toEqual(value)
      }),
      { numRuns: 2000 },
    )
  })
})
