/**
 * What the shop sells. A cart may hold other things too: whoever put them there, they are shown by their names.
 */
export interface Product {
  /** As carts name it. */
  readonly name: string
  readonly mark: string
}

export const products: readonly Product[] = [
  { name: 'mug', mark: '☕' },
  { name: 'teapot', mark: '🫖' },
  { name: 'book', mark: '📕' },
  { name: 'notebook', mark: '📓' },
  { name: 'pencil', mark: '✏️' },
  { name: 'lamp', mark: '💡' },
  { name: 'plant', mark: '🪴' },
  { name: 'chair', mark: '🪑' },
  { name: 'clock', mark: '⏰' },
  { name: 'kite', mark: '🪁' },
  { name: 'umbrella', mark: '☂️' },
  { name: 'backpack', mark: '🎒' },
]

export function markOf(name: string): string {
  return products.find((product) => product.name === name)?.mark ?? '📦'
}
