/**
 * What a click does to a cart, and how it is undone.
 *
 * To undo is a new write, for what was written may be everywhere by now. It takes back what the click did and no more:
 * putting the earlier quantity back would also take back what others did to it in the meantime.
 */
import { cart, type Cart, type WriteId } from '../index.ts'

export type Wish =
  | { readonly type: 'more'; readonly by: number }
  | { readonly type: 'fewer'; readonly by: number }
  | { readonly type: 'set'; readonly to: number }
  | { readonly type: 'none' }

/** What became of one product by one write of ours. */
export interface Change {
  readonly product: string
  readonly before: number
  readonly after: number
}

export function changed(value: Cart, product: string, wish: Wish, write: WriteId): Cart {
  switch (wish.type) {
    case 'more':
      return cart.add(value, product, wish.by, write)
    case 'fewer': {
      const left = Math.max(0, quantityIn(value, product) - wish.by)
      return cart.setQuantity(value, product, left, write)
    }
    case 'set':
      return cart.setQuantity(value, product, wish.to, write)
    case 'none':
      return cart.remove(value, product, write)
  }
}

export function inverseOf({ before, after }: Change): Wish {
  return after < before
    ? { type: 'more', by: before - after }
    : { type: 'fewer', by: after - before }
}

export function quantityIn(value: Cart, product: string): number {
  return cart.items(value).find((item) => item.product === product)?.quantity ?? 0
}

/** The whole number that somebody typed; undefined for anything else. */
export function typedQuantity(text: string): number | undefined {
  return /^\d{1,4}$/.test(text.trim()) ? Number(text) : undefined
}
