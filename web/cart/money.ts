/**
 * What a cart costs. Money is whole cents from end to end, so that no sum is ever off by a rounding; only its words have a
 * decimal point.
 */
import type { CartItem } from '../index.ts'
import { centsOf } from './products.ts'

export interface Total {
  readonly things: number
  readonly cents: number
  /** Things in the cart that this shop has no price for: they are in no sum. */
  readonly unpriced: number
}

const euros = new Intl.NumberFormat('en', { style: 'currency', currency: 'EUR' })

export function inEuros(cents: number): string {
  return euros.format(cents / 100)
}

export function totalOf(items: readonly CartItem[]): Total {
  let [things, cents, unpriced] = [0, 0, 0]
  for (const { product, quantity } of items) {
    const price = centsOf(product)
    things += quantity
    if (price === undefined) unpriced += quantity
    else cents += price * quantity
  }
  return { things, cents, unpriced }
}
