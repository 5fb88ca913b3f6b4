/**
 * One product in the cart: how many, for how much, one fewer, one more, so many, none.
 *
 * What somebody is typing stays as it is until it is done, whatever comes from other tabs meanwhile.
 */
import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import type { CartItem } from '../index.ts'
import { typedQuantity, type Wish } from './changes.ts'
import { Drawing } from './drawing.tsx'
import { inEuros } from './money.ts'
import { centsOf } from './products.ts'
import type { Asked } from './shown.ts'

interface Props {
  readonly item: CartItem
  readonly asked: Asked
}

export function CartLine({ item: { product, quantity }, asked }: Props): JSX.Element {
  const cents = centsOf(product)
  const wish = (what: Wish) => (): void => asked.change(product, what)
  return (
    <li class="line">
      <span class="tile">
        <Drawing of={cents === undefined ? 'parcel' : product} />
      </span>
      <span class="name">{product}</span>
      <span class="each quiet">{cents === undefined ? 'no price here' : inEuros(cents)}</span>
      <strong class="price">{cents !== undefined && inEuros(cents * quantity)}</strong>
      <span class="stepper">
        <button type="button" class="plain" onClick={wish({ type: 'fewer', by: 1 })}>
          <span aria-hidden="true">−</span> <span class="unseen">One {product} fewer</span>
        </button>
        <Quantity
          of={product}
          is={quantity}
          set={(to) => asked.change(product, { type: 'set', to })}
        />
        <button type="button" class="plain" onClick={wish({ type: 'more', by: 1 })}>
          <span aria-hidden="true">+</span> <span class="unseen">One {product} more</span>
        </button>
      </span>
      <button type="button" class="plain remove" onClick={wish({ type: 'none' })}>
        Remove <span class="unseen">{product} from cart</span>
      </button>
    </li>
  )
}

interface QuantityProps {
  readonly of: string
  readonly is: number
  set(to: number): void
}

function Quantity({ of, is, set }: QuantityProps): JSX.Element {
  const [typed, type] = useState<string>()
  const done = (): void => {
    const to = typedQuantity(typed ?? '')
    type(undefined)
    if (to !== undefined && to !== is) set(to)
  }
  return (
    <input
      class="quantity"
      aria-label={`Quantity of ${of}`}
      inputMode="numeric"
      autocomplete="off"
      size={4}
      value={typed ?? is}
      onFocus={({ currentTarget }) => currentTarget.select()}
      onInput={({ currentTarget }) => type(currentTarget.value)}
      onBlur={done}
      onKeyDown={({ key }) => {
        if (key === 'Enter') done()
        if (key === 'Escape') type(undefined)
      }}
    />
  )
}
