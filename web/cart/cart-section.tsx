/**
 * What is in the cart, what it costs, and the way back.
 *
 * A line that goes hands the keyboard's focus on to its neighbour, or, when it was the last, to the heading: whoever has no
 * mouse must never fall back to the top of the page.
 */
import { Component, createRef, type JSX } from 'preact'
import { cart, type CartItem } from '../index.ts'
import { CartLine } from './cart-line.tsx'
import { Drawing } from './drawing.tsx'
import { inEuros, totalOf } from './money.ts'
import { emptySentence, thingsSentence, undoSentence } from './sentences.ts'
import type { Asked, Shown } from './shown.ts'

interface Props {
  readonly shown: Shown
  readonly asked: Asked
}

export function CartSection({ shown, asked }: Props): JSX.Element {
  const { read, source, undo, failures } = shown
  const items = read === undefined ? [] : cart.items(read.value)
  const isClosed = read === undefined && ('open' in failures || 'cart' in failures)
  const isForeign = read !== undefined && read.invalid.length > 0
  const empty = emptySentence(!isClosed && !isForeign, source)
  return (
    <section class="cart" aria-labelledby="cart-title">
      <div class="heading">
        <h2 id="cart-title" tabIndex={-1}>
          Cart
        </h2>
        {/* It stays where it is when there is nothing to undo: it may have the focus. */}
        <button
          type="button"
          class="plain"
          aria-disabled={undo === undefined}
          onClick={() => asked.undo()}
        >
          Undo{undo && `: ${undoSentence(undo)}`}
        </button>
      </div>
      <Lines items={items} asked={asked} />
      {items.length === 0 ? <Empty why={empty} /> : <Sum items={items} />}
    </section>
  )
}

function Empty({ why }: { readonly why: string }): JSX.Element {
  return (
    <div class="empty quiet">
      <Drawing of="basket" />
      <p>{why}</p>
    </div>
  )
}

function Sum({ items }: { readonly items: readonly CartItem[] }): JSX.Element {
  const total = totalOf(items)
  return (
    <p class="sum">
      <span>
        Total <span class="quiet">{thingsSentence(total)}</span>
        {total.unpriced > 0 && <span class="quiet">, {total.unpriced} without a price</span>}
      </span>
      <strong>{inEuros(total.cents)}</strong>
    </p>
  )
}

interface LinesProps {
  readonly items: readonly CartItem[]
  readonly asked: Asked
}

/** Where the focus was: which line, and which of its controls. */
interface Focused {
  readonly line: number
  readonly control: number
}

class Lines extends Component<LinesProps> {
  readonly #list = createRef<HTMLUListElement>()

  override getSnapshotBeforeUpdate(): Focused | undefined {
    const lines = [...this.#list.current!.children]
    const line = lines.findIndex((each) => each.contains(document.activeElement))
    if (line < 0) return undefined
    const control = controlsOf(lines[line]!).indexOf(document.activeElement as HTMLElement)
    return { line, control }
  }

  override componentDidUpdate(_props: LinesProps, _state: unknown, focused?: Focused): void {
    const list = this.#list.current!
    if (focused === undefined || list.contains(document.activeElement)) return
    const { children } = list
    const neighbour = children[Math.min(focused.line, children.length - 1)]
    const next = neighbour && controlsOf(neighbour)[focused.control]
    ;(next ?? document.getElementById('cart-title')!).focus()
  }

  override render({ items, asked }: LinesProps): JSX.Element {
    return (
      <ul aria-labelledby="cart-title" ref={this.#list}>
        {items.map((item) => (
          <CartLine key={item.product} item={item} asked={asked} />
        ))}
      </ul>
    )
  }
}

function controlsOf(line: Element): HTMLElement[] {
  return [...line.querySelectorAll<HTMLElement>('button, input')]
}
