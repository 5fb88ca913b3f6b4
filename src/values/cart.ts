/**
 * A shopping cart that several devices fill at once, offline too (the paper's example, §4.4).
 *
 * Quantities from both sides add up, what was removed does not come back, and what was added elsewhere at the same
 * time as a removal stays. The paper's own cart brings removed things back; this one notes what was removed, in
 * little space.
 */
import { compareText } from '../data/bytes.ts'
import {
  type Addition,
  type Additions,
  hasAdded,
  isAdditions,
  joinAdditions,
  noAdditions,
  present,
  withAddition,
  withoutAdditions,
} from './additions.ts'
import { BadArgumentError, checkName, type MergeableType, type WriteId } from './type.ts'

/** Each write's quantities by product. Read it with `cart.items`, change it with `cart.add` and its neighbours. */
export type Cart = Additions<number>

export interface CartItem {
  readonly product: string
  readonly quantity: number
}

/** The most that one write may add of a product. */
const mostAtOnce = 1_000_000_000

/**
 * The type of buckets that hold carts.
 *
 * ```ts
 * const write = { id: 'phone:1', by: 'phone', count: 1 } // in an update, the second argument
 * cart.items(cart.add(cart.empty, 'mug', 2, write)) // [{ product: 'mug', quantity: 2 }]
 * ```
 */
export const cart = {
  name: 'cart',
  empty: noAdditions as Cart,
  /** A cart is on the device at once; that it goes further is shown, not waited for. */
  ack: 'device',

  merge(a: Cart, b: Cart): Cart {
    return joinAdditions(a, b, Math.max)
  },

  validate(value: unknown): value is Cart {
    return isAdditions(value, isQuantity)
  },

  /**
   * Adds so many of a product to what is there. One write adds a product once: two calls with one `write` are a
   * retry, so two mugs are one call with a quantity of 2.
   *
   * ```ts
   * await carts.update('alice', (value, write) => cart.add(value, 'mug', 2, write))
   * ```
   */
  add(value: Cart, product: string, quantity: number, write: WriteId): Cart {
    checkName(product)
    if (!isQuantity(quantity)) throw badQuantity(quantity, 1)
    return withAddition(value, product, quantity, write)
  },

  /**
   * Takes a product out, as far as this cart has seen it: what was added elsewhere in the meantime stays.
   *
   * ```ts
   * await carts.update('alice', (value, write) => cart.remove(value, 'mug', write))
   * ```
   */
  remove(value: Cart, product: string, write: WriteId): Cart {
    checkName(product)
    return withoutAdditions(value, write, ({ name }) => name === product)
  },

  /**
   * Makes it so many, by adding what is missing or taking away what is too much, and no more than that: so what
   * others add or take away at the same time counts as well.
   *
   * ```ts
   * await carts.update('alice', (value, write) => cart.setQuantity(value, 'mug', 3, write))
   * ```
   */
  setQuantity(value: Cart, product: string, quantity: number, write: WriteId): Cart {
    checkName(product)
    if (quantity !== 0 && !isQuantity(quantity)) throw badQuantity(quantity, 0)
    if (hasAdded(value, product, write)) return value
    const excess = additionsAbove(value, product, quantity)
    const fewer = withoutAdditions(value, write, (addition) => excess.has(nameOf(addition)))
    const missing = quantity - quantityOf(fewer, product)
    return missing > 0 ? withAddition(fewer, product, missing, write) : fewer
  },

  /**
   * What is in the cart, by product in alphabetical order.
   *
   * ```ts
   * const { value } = await carts.get('alice')
   * for (const { product, quantity } of cart.items(value)) console.log(product, quantity)
   * ```
   */
  items(value: Cart): CartItem[] {
    const quantities = new Map<string, number>()
    for (const { name, payload } of present(value)) {
      quantities.set(name, (quantities.get(name) ?? 0) + payload)
    }
    return [...quantities]
      .map(([product, quantity]) => ({ product, quantity }))
      .sort((a, b) => compareText(a.product, b.product))
  },
} satisfies MergeableType<Cart> & Record<string, unknown>

function isQuantity(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= mostAtOnce
}

function badQuantity(quantity: number, least: number): BadArgumentError {
  return new BadArgumentError(
    `a quantity is a whole number from ${least} to ${mostAtOnce}, not ${quantity}`,
  )
}

function quantityOf(value: Cart, product: string): number {
  return cart.items(value).find((item) => item.product === product)?.quantity ?? 0
}

/**
 * Additions of the product to do without, so that no more than `quantity` is left: in one order everywhere, so that
 * two devices which both take one away choose the same one.
 */
function additionsAbove(value: Cart, product: string, quantity: number): ReadonlySet<string> {
  const additions = present(value)
    .filter(({ name }) => name === product)
    .sort((a, b) => compareText(a.by, b.by) || a.count - b.count)
  let left = 0
  const above = additions.filter(({ payload }) => {
    left += payload
    return left > quantity
  })
  return new Set(above.map(nameOf))
}

function nameOf({ by, count, name }: Addition<number>): string {
  return JSON.stringify([by, count, name])
}
