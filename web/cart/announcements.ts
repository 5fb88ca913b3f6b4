/**
 * What a screen reader is told of by itself.
 *
 * A change passes three stages in a blink, and other tabs may change the cart at any time: to read all of that out would be
 * chatter. So the page waits until nothing has moved for a moment, and then says what is different from what it
 * said before, in as few words as that takes. What it said already it does not say again.
 */
import type { CartItem } from '../index.ts'

/** What has been heard, or would be. */
export interface Heard {
  readonly key: string
  readonly items: readonly CartItem[]
  readonly saved: string
  readonly reach: string
}

const settledMs = 800

export function announcement(before: Heard | undefined, now: Heard): string {
  const words: string[] = []
  if (before?.key !== now.key) words.push(`Cart of ${now.key}: ${things(now.items)}.`)
  else words.push(...changesBetween(before.items, now.items))
  if (before?.saved !== now.saved) words.push(`${now.saved}.`)
  if (before !== undefined && before.reach !== now.reach) words.push(now.reach)
  return words.join(' ')
}

/** Calls `say` once what it is told has been the same for a moment. */
export function makeAnnouncer(say: (words: string) => void): (now: Heard) => void {
  let heard: Heard | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  return (now) => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      const words = announcement(heard, now)
      heard = now
      if (words !== '') say(words)
    }, settledMs)
  }
}

function changesBetween(before: readonly CartItem[], now: readonly CartItem[]): string[] {
  const quantities = new Map(before.map(({ product, quantity }) => [product, quantity]))
  const changed = now.filter(({ product, quantity }) => quantities.get(product) !== quantity)
  const present = new Set(now.map(({ product }) => product))
  const gone = before.filter(({ product }) => !present.has(product))
  if (changed.length + gone.length > 1) return [`The cart has changed: ${things(now)}.`]
  return [
    ...changed.map(({ product, quantity }) => `${product}: ${quantity} in the cart.`),
    ...gone.map(({ product }) => `${product}: no longer in the cart.`),
  ]
}

function things(items: readonly CartItem[]): string {
  const count = items.reduce((sum, { quantity }) => sum + quantity, 0)
  return count === 1 ? '1 thing' : `${count} things`
}
