/**
 * What a cart must show, worked out from what people did and from nothing of the product: the tests of cuts would prove
 * little if the cart's own merge said what to expect of it.
 */
import type { Items } from '../ring.ts'

export type Change = readonly [verb: 'add' | 'remove', product: string]

/** What one side shows that began with `start` and has seen its own changes alone. */
export function shownAfter(start: Items, changes: readonly Change[]): Items {
  const items: Record<string, number> = { ...start }
  for (const [verb, product] of changes) {
    if (verb === 'remove') delete items[product]
    else items[product] = (items[product] ?? 0) + 1
  }
  return items
}

/**
 * What all show in the end, when sides began with `start` and changed it unseen by each other: what any of them removed
 * is gone, as far as that side had seen it; what was added on any side and not removed there is added to the rest.
 */
export function mergedAfter(start: Items, sides: readonly (readonly Change[])[]): Items {
  const isGone = (product: string): boolean =>
    sides.flat().some(([verb, of]) => verb === 'remove' && of === product)
  const kept = Object.entries(start).filter(([product]) => !isGone(product))
  const merged: Record<string, number> = Object.fromEntries(kept)
  for (const changes of sides) {
    for (const [product, count] of Object.entries(shownAfter({}, changes))) {
      merged[product] = (merged[product] ?? 0) + count
    }
  }
  return merged
}
