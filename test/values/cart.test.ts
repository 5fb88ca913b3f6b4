import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encodeStructured } from '../../src/data/structured.ts'
import type { Interval } from '../../src/values/intervals.ts'
import { type Cart, cart } from '../../src/values/cart.ts'
import type { MergeableType } from '../../src/values/type.ts'
import {
  expectEqual,
  faithful,
  fewNames,
  lawful,
  lawfulForStrangers,
  retriable,
  type Subject,
  usedLong,
} from './histories.ts'
import { write } from './writes.ts'

const subject: Subject<Cart> = {
  empty: cart.empty,
  replaces: false,
  merge: cart.merge,
  validate: cart.validate,
  add: cart.add,
  remove: cart.remove,
  show: quantities,
  expected: (present) => {
    const sums = new Map<string, number>()
    for (const { name, amount } of present) sums.set(name, (sums.get(name) ?? 0) + amount)
    return Object.fromEntries(sums)
  },
}

function quantities(value: Cart): Record<string, number> {
  return Object.fromEntries(cart.items(value).map(({ product, quantity }) => [product, quantity]))
}

describe('a cart', () => {
  test('holds what truly was added and not removed, whatever is merged, retried or forgotten', () => {
    fc.assert(faithful(subject), { numRuns: 500 })
  })

  test('merges by the laws', () => {
    fc.assert(lawful(subject), { numRuns: 300 })
  })

  test('takes a write once, however often it is tried', () => {
    fc.assert(retriable(subject), { numRuns: 300 })
  })

  test('keeps the greater of two quantities that one write was tried with', () => {
    const [once, again] = [2, 3].map((mugs) => cart.add(cart.empty, 'mug', mugs, write('ann', 1)))
    expect(quantities(cart.merge(once!, again!))).toEqual({ mug: 3 })
    expectEqual(cart.merge(once!, again!), cart.merge(again!, once!))
  })

  test('is not changed by a removal that is over, though there is more to remove by now', () => {
    const start = cart.add(cart.empty, 'mug', 1, write('ann', 1))
    const removed = cart.remove(start, 'mug', write('ann', 2))
    const more = cart.add(removed, 'mug', 5, write('bob', 1))
    expectEqual(cart.remove(more, 'mug', write('ann', 2)), more)
  })

  test('is a type for a bucket, and resolves on the device', () => {
    const type: MergeableType<Cart> = cart
    expect([type.name, type.ack]).toEqual(['cart', 'device'])
  })

  test('shows its items in alphabetical order', () => {
    const value = ['tea', 'Mug', 'mug', 'pot'].reduce(
      (filled, product, i) => cart.add(filled, product, 1, write('ann', i + 1)),
      cart.empty,
    )
    expect(cart.items(value).map(({ product }) => product)).toEqual(['Mug', 'mug', 'pot', 'tea'])
  })
})

describe('two devices', () => {
  const start = cart.add(cart.empty, 'mug', 2, write('ann', 1))

  test('that both add: the quantities add up', () => {
    const here = cart.add(start, 'mug', 1, write('ann', 2))
    const there = cart.add(start, 'mug', 3, write('bob', 1))
    expect(quantities(cart.merge(here, there))).toEqual({ mug: 6 })
  })

  test('one of which removes: it does not come back', () => {
    const here = cart.remove(start, 'mug', write('ann', 2))
    const there = cart.add(start, 'tea', 1, write('bob', 1))
    expect(quantities(cart.merge(here, there))).toEqual({ tea: 1 })
  })

  test('one of which removes while the other adds: what was not seen stays', () => {
    const here = cart.remove(start, 'mug', write('ann', 2))
    const there = cart.add(start, 'mug', 1, write('bob', 1))
    expect(quantities(cart.merge(here, there))).toEqual({ mug: 1 })
  })

  test('one of which starts from nothing: a remove removes nothing, an add adds', () => {
    const blind = cart.remove(cart.empty, 'mug', write('bob', 1))
    const there = cart.add(blind, 'tea', 1, write('bob', 2))
    expect(quantities(cart.merge(start, there))).toEqual({ mug: 2, tea: 1 })
  })

  test('one of which removes and adds again in one write: the new quantity stays', () => {
    const removed = cart.remove(start, 'mug', write('bob', 1))
    const there = cart.add(removed, 'mug', 7, write('bob', 1))
    expect(quantities(cart.merge(start, there))).toEqual({ mug: 7 })
  })

  test('one write of several products can be removed product by product', () => {
    const both = cart.add(start, 'tea', 4, write('ann', 1))
    const here = cart.remove(both, 'mug', write('ann', 2))
    const there = cart.remove(both, 'tea', write('bob', 1))
    expect(quantities(cart.merge(here, both))).toEqual({ tea: 4 })
    expect(quantities(cart.merge(here, there))).toEqual({})
    expectEqual(cart.merge(both, cart.merge(here, there)), cart.merge(there, here))
  })
})

describe('setting a quantity', () => {
  const start = cart.add(cart.add(cart.empty, 'mug', 2, write('ann', 1)), 'mug', 1, write('bob', 1))

  test.each([0, 1, 2, 3, 4, 100])('to %i makes it so', (quantity) => {
    const value = cart.setQuantity(start, 'mug', quantity, write('ann', 2))
    expect(quantities(value)).toEqual(quantity === 0 ? {} : { mug: quantity })
  })

  test('makes it so for any cart, and again with the same write changes nothing', () => {
    const adds = fc.array(fc.tuple(fc.constantFrom('ann', 'bob'), fc.integer({ min: 1, max: 5 })))
    fc.assert(
      fc.property(adds, fc.nat(12), (several, quantity) => {
        const filled = several.reduce(
          (value, [by, amount], i) => cart.add(value, 'mug', amount, write(by, i + 1)),
          cart.empty,
        )
        const id = write('cleo', 1)
        const value = cart.setQuantity(filled, 'mug', quantity, id)
        expect(quantities(value)).toEqual(quantity === 0 ? {} : { mug: quantity })
        expectEqual(cart.setQuantity(value, 'mug', quantity, id), value)
        expectEqual(cart.merge(filled, value), value)
      }),
    )
  })

  test('on both sides takes the same one away and adds what both add', () => {
    const here = cart.setQuantity(start, 'mug', 2, write('ann', 2))
    const there = cart.setQuantity(start, 'mug', 2, write('bob', 2))
    expect(quantities(cart.merge(here, there))).toEqual({ mug: 2 })
    const more = cart.setQuantity(start, 'mug', 4, write('ann', 2))
    const muchMore = cart.setQuantity(start, 'mug', 5, write('bob', 2))
    expect(quantities(cart.merge(more, muchMore))).toEqual({ mug: 6 })
  })

  test('takes the same one away in whatever order a device heard of them', () => {
    const [ann, bob] = ['ann', 'bob'].map((by) => cart.add(cart.empty, 'mug', 1, write(by, 1)))
    const here = cart.setQuantity(cart.merge(ann!, bob!), 'mug', 1, write('cleo', 1))
    const there = cart.setQuantity(cart.merge(bob!, ann!), 'mug', 1, write('dora', 1))
    expect(quantities(cart.merge(here, there))).toEqual({ mug: 1 })
  })

  test('again with the same write leaves alone what came after it', () => {
    const value = cart.setQuantity(start, 'mug', 5, write('ann', 2))
    const more = cart.add(value, 'mug', 2, write('zoe', 1))
    expect(quantities(cart.setQuantity(more, 'mug', 5, write('ann', 2)))).toEqual({ mug: 7 })
  })

  test('leaves alone what is added elsewhere', () => {
    const here = cart.setQuantity(start, 'mug', 1, write('ann', 2))
    const there = cart.add(start, 'mug', 5, write('bob', 2))
    expect(quantities(cart.merge(here, there))).toEqual({ mug: 6 })
  })
})

describe('what no cart can hold is refused', () => {
  test.each([0, -1, 0.5, NaN, Infinity, 2_000_000_000])('a quantity of %d', (quantity) => {
    expect(() => cart.add(cart.empty, 'mug', quantity, write('ann', 1))).toThrow(
      `a quantity is a whole number from 1 to 1000000000, not ${quantity}`,
    )
  })

  test('a product that is no well-formed text', () => {
    const refusal = expect.objectContaining({ code: 'bad-argument' })
    for (const product of ['\ud800', 7, undefined] as string[]) {
      expect(() => cart.add(cart.empty, product, 1, write('ann', 1))).toThrow(refusal)
      expect(() => cart.remove(cart.empty, product, write('ann', 1))).toThrow(refusal)
      expect(() => cart.setQuantity(cart.empty, product, 1, write('ann', 1))).toThrow(refusal)
    }
    expect(() => cart.setQuantity(cart.empty, 'mug', -1, write('ann', 1))).toThrow(refusal)
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'cart'],
    ['a list', [{ product: 'mug', quantity: 1 }]],
    ['bytes', new Uint8Array(2)],
    ['another object', { items: [] }],
    ['half a cart', { added: {} }],
    ['a cart and more', { added: {}, removed: {}, owner: 'ann' }],
    ['a negative quantity', { added: { ann: { 1: { mug: -1 } } }, removed: {} }],
    ['a quantity of none', { added: { ann: { 1: { mug: 0 } } }, removed: {} }],
    ['an absurd quantity', { added: { ann: { 1: { mug: 1e12 } } }, removed: {} }],
    ['half a mug', { added: { ann: { 1: { mug: 0.5 } } }, removed: {} }],
    ['a quantity in words', { added: { ann: { 1: { mug: 'two' } } }, removed: {} }],
    ['a list of products', { added: { ann: { 1: [1, 2] } }, removed: {} }],
    ['bytes for products', { added: { ann: { 1: Uint8Array.of(1, 2) } }, removed: {} }],
    ['no products', { added: { ann: { 1: null } }, removed: {} }],
    ['a write that is no number', { added: { ann: { first: { mug: 1 } } }, removed: {} }],
    ['a count from 0', { added: { ann: { 0: { mug: 1 } } }, removed: {} }],
    ['a count written oddly', { added: { ann: { '01': { mug: 1 } } }, removed: {} }],
    ['a count beyond all counters', { added: { ann: { [2 ** 53]: { mug: 1 } } }, removed: {} }],
    ['a writer without writes', { added: { ann: {} }, removed: {} }],
    ['writes that are none', { added: { ann: 1 }, removed: {} }],
    ['a write both there and over', { added: { ann: { 2: {} } }, removed: { ann: [[1, 3]] } }],
    ['no intervals', { added: {}, removed: { ann: [] } }],
    ['an interval backwards', { added: {}, removed: { ann: [[3, 1]] } }],
    ['intervals that touch', { added: {}, removed: { ann: [[1, 2], [3, 4]] } }], // prettier-ignore
    ['intervals out of order', { added: {}, removed: { ann: [[5, 6], [1, 2]] } }], // prettier-ignore
    ['an interval of three', { added: {}, removed: { ann: [[1, 2, 3]] } }],
    ['an interval from 0', { added: {}, removed: { ann: [[0, 2]] } }],
    ['an endless interval', { added: {}, removed: { ann: [[1, Infinity]] } }],
    ['removed counts as an object', { added: {}, removed: { ann: {} } }],
  ])('a stored value that is %s', (_what, value) => {
    expect(cart.validate(value)).toBe(false)
  })

  test('carts of strangers merge by the laws', () => {
    fc.assert(lawfulForStrangers(subject, fc.constantFrom(1, 2)))
  })

  test('any value is a cart or none', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(typeof cart.validate(value)).toBe('boolean')
      }),
    )
  })
})

describe('what a cart remembers', () => {
  test.each([
    ['after every write', 1],
    ['now and then', 40],
    ['rarely', 1000],
  ])(
    'of 10,000 adds and removes on three devices that meet %s fits in 4 KiB',
    (_when, pause) => {
      const all = usedLong(subject, pause)
      expect(encodeStructured(all).length).toBeLessThan(4096)
      // All that is over is noted in very few intervals; what is left are the additions that are there.
      const emptied = fewNames.reduce(
        (value, product, i) => cart.remove(value, product, write('last', i + 1)),
        all,
      )
      expect(quantities(emptied)).toEqual({})
      expect(encodeStructured(emptied).length).toBeLessThan(200)
    },
    30_000,
  )

  test('of what a removal emptied is noted by the next addition', () => {
    const start = cart.add(cart.empty, 'mug', 1, write('ann', 1))
    const removed = cart.remove(start, 'mug', write('bob', 1))
    expect(removed.added).toEqual({ bob: { 1: {} } })
    const next = cart.add(removed, 'tea', 1, write('ann', 2))
    expect(next).toEqual({
      added: { ann: { 2: { tea: 1 } } },
      removed: { ann: [[1, 1]], bob: [[1, 1]] },
    })
  })

  test('of a write that was never seen is nothing, whatever its neighbours', () => {
    const counts = [1, 2, 4, 5, 9]
    const known = counts.reduce(
      (value, count) => cart.add(value, 'mug', 1, write('ann', count)),
      cart.empty,
    )
    const emptied = cart.remove(known, 'mug', write('bob', 1))
    expect(emptied.removed).toEqual({ ann: [[1, 2], [4, 5], [9, 9]] }) // prettier-ignore
    for (const count of [3, 6, 7, 8, 10]) {
      const late = cart.add(cart.empty, 'mug', 1, write('ann', count))
      expect(quantities(cart.merge(emptied, late))).toEqual({ mug: 1 })
    }
  })
})

/** Carts with one thing wrong each. */
const mutants: Record<string, Partial<Subject<Cart>>> = {
  'a remove that forgets which additions it removed': {
    remove: (value, product) => ({ ...value, added: withoutProduct(value.added, product) }),
  },
  'a remove that notes all counts up to the highest': {
    remove: (value, product, id) => {
      const after = cart.remove(value, product, id)
      return alsoOver(after, (intervals) => [[1, intervals.at(-1)![1]]])
    },
  },
  'a remove that bridges a gap': {
    remove: (value, product, id) => {
      const after = cart.remove(value, product, id)
      return alsoOver(after, (intervals) => intervals.map(([from, to]) => [from, to + 1]))
    },
  },
  'a remove that counts its own write as over at once': {
    remove: (value, product, id) => {
      const own = { added: {}, removed: { [id.by]: [[id.count, id.count]] } } as Cart
      return cart.merge(cart.remove(value, product, id), own)
    },
  },
  'a remove that takes the rest of the write along': {
    remove: (value, product, id) => {
      const gone = Object.entries(value.added).flatMap(([by, writes]) =>
        Object.entries(writes)
          .filter(([, products]) => Object.hasOwn(products, product))
          .map(([count]): Cart => {
            const number = Number(count)
            return { added: {}, removed: { [by]: [[number, number]] } }
          }),
      )
      return gone.reduce(cart.merge, cart.remove(value, product, id))
    },
  },
  'a merge that forgets what one side removed': {
    merge: (a, b) => cart.merge(a, { ...b, removed: {} }),
  },
  'a merge that keeps the larger cart': {
    merge: (a, b) => (cart.items(a).length >= cart.items(b).length ? a : b),
  },
  'an add that counts a retry again': {
    add: (value, product, quantity, id) => {
      const before = quantities(value)[product] ?? 0
      const after = cart.add(value, product, quantity, id)
      const counted = (quantities(after)[product] ?? 0) > before
      return counted ? after : cart.add(value, product, quantity, write(id.by, id.count + 1_000))
    },
  },
}

describe('the properties catch', () => {
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

function withoutProduct(added: Cart['added'], product: string): Cart['added'] {
  const writers = Object.entries(added).map(([by, writes]) => {
    const left = Object.entries(writes).map(([count, products]) => {
      const others = Object.entries(products).filter(([name]) => name !== product)
      return [count, Object.fromEntries(others)] as const
    })
    const some = left.filter(([, products]) => Object.keys(products).length > 0)
    return [by, Object.fromEntries(some)] as const
  })
  return Object.fromEntries(writers.filter(([, writes]) => Object.keys(writes).length > 0))
}

function alsoOver(
  value: Cart,
  widen: (intervals: readonly Interval[]) => readonly (readonly [number, number])[],
): Cart {
  const over = Object.entries(value.removed).map(
    ([by, intervals]) => [by, widen(intervals)] as const,
  )
  return cart.merge(value, { added: {}, removed: Object.fromEntries(over) })
}
