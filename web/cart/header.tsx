/**
 * Which shop, which cart, and the two switches: the ring's panel, and the cut.
 */
import type { JSX } from 'preact'
import { cart } from '../index.ts'
import { inEuros, type Total, totalOf } from './money.ts'
import { thingsSentence } from './sentences.ts'
import type { PartProps } from './shown.ts'

export function Header({ shown, asked }: PartProps): JSX.Element {
  const { key, read, isRingOpen, isChoosing, isCut } = shown
  const total = read && totalOf(cart.items(read.value))
  return (
    <header>
      <h1>
        <Mark /> Ringlet
      </h1>
      <button
        type="button"
        class="plain whose"
        aria-haspopup="dialog"
        aria-expanded={isChoosing}
        onClick={() => asked.choose(true)}
      >
        <span>Cart of {key}</span>
      </button>
      <button
        type="button"
        class="plain"
        aria-expanded={isRingOpen}
        onClick={() => asked.showRing(!isRingOpen)}
      >
        Ring
      </button>
      {/* Where the cart is far below the shop. */}
      <a class="to-cart" href="#cart-title">
        {total === undefined || total.things === 0 ? 'Cart' : <Brief total={total} />}
      </a>
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={isCut}
          onChange={({ currentTarget }) => asked.cut(currentTarget.checked)}
        />
        <span class="track" aria-hidden="true" />
        Cut this tab off
      </label>
    </header>
  )
}

function Brief({ total }: { readonly total: Total }): JSX.Element {
  return (
    <>
      <span class="unseen">Cart: {thingsSentence(total)}, </span>
      {inEuros(total.cents)}
    </>
  )
}

/** A ring of three owners. */
function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 24 24" aria-hidden="true">
      <circle cx="12" cy="12" r="9" pathLength="3" />
      <circle cx="12" cy="12" r="9" pathLength="3" />
      <circle cx="12" cy="12" r="9" pathLength="3" />
    </svg>
  )
}
