/**
 * What the page remembers of itself: small things that nothing depends on. Where the browser forbids sites to store
 * anything, even to look throws; then nothing is remembered, and the page goes on.
 */

/** Of the tab, not of the origin: the other tabs are not cut off with it, and a reload keeps it. */
export const cut = flag(() => sessionStorage, 'ringlet-cart:cut')
export const ringOpen = flag(() => localStorage, 'ringlet-cart:ring')

/** The carts that were opened on this device, in alphabetical order. */
export function knownCarts(): readonly string[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(cartsKey) ?? '[]')
    return Array.isArray(stored) ? stored.filter((name) => typeof name === 'string') : []
  } catch {
    return []
  }
}

export function withCart(name: string): readonly string[] {
  const carts = [...new Set([...knownCarts(), name])].sort()
  attempt(() => localStorage.setItem(cartsKey, JSON.stringify(carts)))
  return carts
}

const cartsKey = 'ringlet-cart:carts'

function flag(storage: () => Storage, key: string) {
  return {
    read: (): boolean => attempt(() => storage().getItem(key)) === 'yes',
    write: (is: boolean): void => attempt(() => storage().setItem(key, is ? 'yes' : 'no')),
  }
}

function attempt<T>(run: () => T): T | undefined {
  try {
    return run()
  } catch {
    return undefined
  }
}
