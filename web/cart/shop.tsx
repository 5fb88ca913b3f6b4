/** What there is to buy. */
import type { JSX } from 'preact'
import { cart } from '../index.ts'
import { Drawing } from './drawing.tsx'
import { inEuros } from './money.ts'
import { type Product, products } from './products.ts'
import type { Asked, Shown } from './shown.ts'

interface Props {
  readonly shown: Shown
  readonly asked: Asked
}

export function Shop({ shown, asked }: Props): JSX.Element {
  const { peer, read } = shown
  const items = read === undefined ? [] : cart.items(read.value)
  const quantities = new Map(items.map(({ product, quantity }) => [product, quantity]))
  return (
    <section class="shop" aria-labelledby="shop-title">
      <h2 id="shop-title">Shop</h2>
      <ul aria-labelledby="shop-title">
        {products.map((product) => (
          <Card
            key={product.name}
            product={product}
            inCart={quantities.get(product.name) ?? 0}
            // Without a cart a button would do nothing, and says so.
            add={peer && (() => asked.change(product.name, { type: 'more', by: 1 }))}
          />
        ))}
      </ul>
    </section>
  )
}

interface CardProps {
  readonly product: Product
  readonly inCart: number
  readonly add: (() => void) | undefined
}

function Card({ product: { name, cents }, inCart, add }: CardProps): JSX.Element {
  return (
    <li class="card">
      <div class="tile">
        <Drawing of={name} />
        {inCart > 0 && (
          <span class="badge">
            {inCart} <span class="unseen">in cart</span>
          </span>
        )}
      </div>
      <span class="product">{name}</span>
      <span class="price">{inEuros(cents)}</span>
      <button type="button" disabled={add === undefined} onClick={add}>
        Add <span class="unseen">{name} to cart</span>
      </button>
    </li>
  )
}
