/**
 * The address names the cart: `?cart=alice`. So a cart can be linked to, opened in a second tab, and gone back to.
 */

const usual = 'alice'

export function cartNow(): string {
  return new URLSearchParams(location.search).get('cart') || usual
}

/** The address of another cart, with whatever else this one says. */
export function addressOf(key: string): string {
  const asked = new URLSearchParams(location.search)
  asked.set('cart', key)
  return `?${asked}`
}

/** `?trace` writes each event of the protocol into the browser's console. */
export function wantsTrace(): boolean {
  return new URLSearchParams(location.search).has('trace')
}
