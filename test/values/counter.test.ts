import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeStructured } from '../../src/data/structured.ts'
import { type Counter, counter } from '../../src/values/counter.ts'
import type { MergeableType } from '../../src/values/type.ts'
import { expectEqual } from './histories.ts'
import { lots, write } from './writes.ts'

/** The rules under test, so that broken ones can be planted in their place. */
type Rules = Pick<typeof counter, 'merge' | 'add' | 'total'>

interface Device {
  readonly by: string
  count: number
  value: Counter
  /** What truly was counted: the amount of each write that this device knows of. */
  known: ReadonlyMap<string, number>
}

const at = fc.nat(2)
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant('add'), at, other: at, amount: fc.integer() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('merge'), at, other: at, amount: fc.constant(0) }),
  },
  // The write reaches the other device, but its writer does not learn that, and tries again.
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('retry'), at, other: at, amount: fc.integer() }),
  },
  // The device starts from nothing, but counts on; or a count leaves no trace.
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('forget'), at, other: at, amount: fc.constant(0) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant('skip'), at, other: at, amount: fc.constant(0) }),
  },
)
const story = fc.array(
  step.map((each) => ({ ...each, amount: each.amount % 1000 })),
  { maxLength: 60 },
)
type Step = { type: string; at: number; other: number; amount: number }

function play(rules: Rules, steps: readonly Step[], check: (device: Device) => void): Device[] {
  const devices = ['ann', 'bob', 'cleo'].map((by): Device => ({
    by,
    count: 0,
    value: counter.empty,
    known: new Map(),
  }))
  for (const each of steps) {
    takeStep(rules, devices[each.at]!, devices[each.other]!, each)
    devices.forEach(check)
  }
  return devices
}

function takeStep(rules: Rules, device: Device, other: Device, { type, amount }: Step): void {
  switch (type) {
    case 'add':
    case 'retry': {
      const id = write(device.by, ++device.count)
      const counted = rules.add(device.value, amount, id)
      const known = new Map(device.known).set(id.id, amount)
      if (type === 'retry' && other !== device) {
        learn(rules, other, counted, known)
        learn(rules, device, other.value, other.known)
        device.value = rules.add(device.value, amount, id)
        return
      }
      Object.assign(device, { value: counted, known })
      return
    }
    case 'merge':
      learn(rules, device, other.value, other.known)
      return
    case 'forget':
      Object.assign(device, { value: counter.empty, known: new Map() })
      return
    default:
      device.count++
  }
}

function learn(rules: Rules, device: Device, value: Counter, known: Device['known']): void {
  device.value = rules.merge(device.value, value)
  device.known = new Map([...device.known, ...known])
}

function exact(rules: Rules) {
  return fc.property(story, (steps) => {
    play(rules, steps, ({ value, known }) => {
      const truth = [...known.values()].reduce((sum, amount) => sum + amount, 0)
      expect(rules.total(value)).toBe(truth)
      expect(counter.validate(value)).toBe(true)
    })
  })
}

function lawful(rules: Rules) {
  return fc.property(story, (steps) => {
    const [a, b, c] = play(rules, steps, () => {}).map(({ value }) => value) as [
      Counter,
      Counter,
      Counter,
    ]
    expectEqual(rules.merge(a, b), rules.merge(b, a))
    expectEqual(rules.merge(rules.merge(a, b), c), rules.merge(a, rules.merge(b, c)))
    expectEqual(rules.merge(a, a), a)
    expectEqual(rules.merge(a, rules.merge(a, b)), rules.merge(a, b))
  })
}

describe('a counter', () => {
  test('counts every write once, whatever is merged, retried, forgotten or missing', () => {
    fc.assert(exact(counter), { numRuns: 500 })
  })

  test('merges by the laws', () => {
    fc.assert(lawful(counter), { numRuns: 300 })
  })

  test('sums up neighbours, in any order of arrival, and never over a gap', () => {
    const orders = fc.shuffledSubarray([1, 2, 3, 4, 5, 6, 7, 8, 10], { minLength: 9 })
    fc.assert(
      fc.property(orders, (counts) => {
        const value = counts.reduce(
          (sum, count) => counter.add(sum, count, write('ann', count)),
          counter.empty,
        )
        expect(value).toEqual({ sums: { ann: [[1, 8, 36], [10, 10, 10]] } }) // prettier-ignore
      }),
    )
  })

  test('of 10,000 writes by three devices is a few blocks', () => {
    const lot = lots(7)
    const devices = ['ann', 'bob', 'cleo'].map((by) => ({ by, count: 0, value: counter.empty }))
    let truth = 0
    for (let i = 0; i < 10_000; i++) {
      const device = devices[lot(3)]!
      const amount = lot(21) - 10
      device.value = counter.add(device.value, amount, write(device.by, ++device.count))
      if (lot(40) === 0) device.value = counter.merge(device.value, devices[lot(3)]!.value)
      truth += amount
    }
    const all = devices.map(({ value }) => value).reduce(counter.merge)
    expect(counter.total(all)).toBe(truth)
    expect(encodeStructured(all).length).toBeLessThan(400)
  })

  test('is a type for a bucket, and refuses what it cannot count', () => {
    const type: MergeableType<Counter> = counter
    expect(type.name).toBe('counter')
    for (const amount of [0.5, NaN, Infinity, 1e10, -1e10]) {
      expect(() => counter.add(counter.empty, amount, write('ann', 1))).toThrow(
        expect.objectContaining({ code: 'bad-argument' }),
      )
    }
  })

  test('keeps apart what would add up to more than a number holds exactly', () => {
    const most = Number.MAX_SAFE_INTEGER
    const a: Counter = { sums: { ann: [[1, 1, most]] } }
    const b: Counter = { sums: { ann: [[2, 2, most]] } }
    expect(counter.merge(a, b)).toEqual({ sums: { ann: [[1, 1, most], [2, 2, most]] } }) // prettier-ignore
    expect(counter.validate(counter.merge(a, b))).toBe(true)
  })

  test('keeps the greater of two amounts that one write was tried with', () => {
    const [less, more] = [5, 7].map((amount) => counter.add(counter.empty, amount, write('ann', 1)))
    expect(counter.total(counter.merge(less!, more!))).toBe(7)
    expect(counter.total(counter.merge(more!, less!))).toBe(7)
  })

  // Not that merging is associative: strangers may sum up what they never counted, and then it is not.
  test('of strangers merges with another into a counter, either way and as often as one likes', () => {
    const block = fc
      .record({ size: fc.constantFrom(1, 2, 4), at: fc.nat(3), sum: fc.integer() })
      .map(({ size, at: place, sum }) => [place * size + 1, (place + 1) * size, sum])
    const by = fc.constantFrom('ann', 'bob', '__proto__', 'constructor')
    const blocks = fc.uniqueArray(block, {
      maxLength: 3,
      comparator: ([a = 0, b = 0], [c = 0, d = 0]) => a <= d && c <= b,
    })
    const inOrder = blocks.map((some) => some.toSorted(([a = 0], [b = 0]) => a - b))
    const foreign = fc
      .record({ sums: fc.dictionary(by, inOrder) })
      .filter((value) => counter.validate(value)) as fc.Arbitrary<Counter>
    fc.assert(
      fc.property(foreign, foreign, (a, b) => {
        expectEqual(counter.merge(a, b), counter.merge(b, a))
        expectEqual(counter.merge(a, a), a)
        expectEqual(counter.merge(a, counter.merge(a, b)), counter.merge(a, b))
        expect(counter.validate(counter.merge(a, b))).toBe(true)
      }),
    )
  })

  test.each<[string, unknown]>([
    ['a number', 5],
    ['another object', { total: 5 }],
    ['a counter and more', { sums: {}, total: 5 }],
    ['sums in a list', { sums: [] }],
    ['no blocks', { sums: { ann: [] } }],
    ['a block of two', { sums: { ann: [[1, 1]] } }],
    ['a block from 0', { sums: { ann: [[0, 0, 1]] } }],
    ['a block of three counts', { sums: { ann: [[1, 3, 1]] } }],
    ['a block that starts amiss', { sums: { ann: [[2, 3, 1]] } }],
    ['a block backwards', { sums: { ann: [[2, 1, 1]] } }],
    ['half a sum', { sums: { ann: [[1, 1, 0.5]] } }],
    ['an endless sum', { sums: { ann: [[1, 1, Infinity]] } }],
    ['halves that are not made whole', { sums: { ann: [[1, 1, 1], [2, 2, 1]] } }], // prettier-ignore
    ['a block within another', { sums: { ann: [[1, 4, 1], [2, 2, 1]] } }], // prettier-ignore
    ['blocks out of order', { sums: { ann: [[3, 3, 1], [1, 1, 1]] } }], // prettier-ignore
  ])('is not %s', (_what, value) => {
    expect(counter.validate(value)).toBe(false)
  })

  test('any value is a counter or none', () => {
    const block = fc.tuple(
      fc.integer({ min: 0, max: 9 }),
      fc.integer({ min: 0, max: 9 }),
      fc.integer(),
    )
    const near = fc.record({ sums: fc.dictionary(fc.constantFrom('ann', 'bob'), fc.array(block)) })
    fc.assert(
      fc.property(fc.oneof(fc.anything(), near), (value) => {
        if (!counter.validate(value)) return
        expectEqual(counter.merge(value, value), value)
      }),
      { numRuns: 1000 },
    )
  })
})

const mutants: Record<string, Partial<Rules>> = {
  'a merge that adds both sides up': {
    merge: (a, b) => ({
      sums: Object.fromEntries(
        [...new Set([...Object.keys(a.sums), ...Object.keys(b.sums)])].map((by) => {
          const sum = [...(a.sums[by] ?? []), ...(b.sums[by] ?? [])].reduce(
            (all, [, , n]) => all + n,
            0,
          )
          return [by, [[1, 1, sum]] as const]
        }),
      ),
    }),
  },
  'a merge that takes the larger sum of each writer': {
    merge: (a, b) => {
      const sums = { ...a.sums }
      for (const [by, blocks] of Object.entries(b.sums)) {
        if ((blocks.at(-1)?.[1] ?? 0) > (sums[by]?.at(-1)?.[1] ?? 0)) sums[by] = blocks
      }
      return { sums }
    },
  },
  'an add that counts a retry again': {
    add: (value, amount, id) => {
      const once = counter.add(value, amount, id)
      return once === value ? counter.add(value, amount, { ...id, count: id.count + 500 }) : once
    },
  },
}

describe('the properties catch', () => {
  test.each(Object.entries(mutants))('%s', (_name, wrong) => {
    const broken = { ...counter, ...wrong }
    const runs = { numRuns: 2000, seed: 1 }
    const failed = fc.check(exact(broken), runs).failed || fc.check(lawful(broken), runs).failed
    expect(failed).toBe(true)
  })
})
