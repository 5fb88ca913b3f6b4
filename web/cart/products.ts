/**
 * What the shop sells, and for how much. A cart may hold other things too: whoever put them there, they are shown by
 * their names, and nobody makes up a price for them.
 */

export interface Product {
  readonly name: string
  readonly cents: number
}

export const products: readonly Product[] = [
  { name: 'mug', cents: 12_00 },
  { name: 'teapot', cents: 34_00 },
  { name: 'book', cents: 18_50 },
  { name: 'notebook', cents: 6_90 },
  { name: 'pencil', cents: 1_80 },
  { name: 'lamp', cents: 59_00 },
  { name: 'plant', cents: 14_50 },
  { name: 'chair', cents: 89_00 },
  { name: 'clock', cents: 27_00 },
  { name: 'kite', cents: 22_00 },
  { name: 'umbrella', cents: 24_90 },
  { name: 'backpack', cents: 64_00 },
]

const byName: ReadonlyMap<string, Product> = new Map(products.map((each) => [each.name, each]))

/** Undefined for what this shop does not sell. */
export function centsOf(product: string): number | undefined {
  return byName.get(product)?.cents
}
