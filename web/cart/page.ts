/**
 * The page's elements, and how they show what is the case. It decides nothing and remembers nothing but the elements.
 *
 * Lines of the cart are kept while their product is in it, so that a change from another tab never takes the keyboard's
 * focus away, and a line that goes hands it on to its neighbour.
 */
import type { CartItem } from '../index.ts'
import { products } from './products.ts'
import type { Trouble } from './sentences.ts'

export interface Asked {
  add(product: string): void
  remove(product: string): void
  cut(isCut: boolean): void
}

export interface Mend {
  readonly label: string
  run(): void
}

export class Page {
  readonly #asked: Asked
  readonly #adds: HTMLButtonElement[] = []
  readonly #lines = new Map<string, HTMLLIElement>()

  constructor(asked: Asked) {
    this.#asked = asked
    element('products').append(...products.map((name) => this.#productLine(name)))
    const cut = element<HTMLInputElement>('cut')
    cut.addEventListener('change', () => asked.cut(cut.checked))
  }

  showWhose(key: string): void {
    element('whose').textContent = `cart of ${key}`
    document.title = `Cart of ${key} · Ringlet`
  }

  showCut(isCut: boolean): void {
    element<HTMLInputElement>('cut').checked = isCut
    document.body.classList.toggle('cut', isCut)
  }

  /** From here on one can shop. */
  showOpen(): void {
    for (const add of this.#adds) add.disabled = false
  }

  /** There is no cart, and will be none: why stands beside it. */
  showClosed(what: string): void {
    document.body.classList.add('closed')
    this.showStanding(what, '')
    this.showItems([], 'There is no cart to show.')
  }

  /** Said again only when it has changed: a screen reader reads it out each time. */
  showStanding(saved: string, reach: string): void {
    say('saved', saved)
    say('reach', reach)
  }

  showPeer(id: string, warnings: readonly string[]): void {
    say('peer', id)
    const list = element('warnings')
    list.hidden = warnings.length === 0
    list.replaceChildren(...warnings.map((warning) => make('li', {}, warning)))
  }

  showItems(items: readonly CartItem[], emptySentence: string): void {
    const list = element('cart')
    const present = new Set(items.map(({ product }) => product))
    for (const [product, line] of this.#lines) {
      if (!present.has(product)) this.#takeLineOut(product, line)
    }
    items.forEach(({ product, quantity }, at) => {
      const line = this.#lines.get(product) ?? this.#newLine(product)
      const shown = line.querySelector('.quantity')!
      if (shown.textContent !== `${quantity}`) shown.textContent = `${quantity}`
      if (list.children[at] !== line) list.insertBefore(line, list.children[at] ?? null)
    })
    const empty = element('empty')
    empty.hidden = items.length > 0
    empty.textContent = emptySentence
  }

  showTrouble(trouble: Trouble | undefined, mend?: Mend): void {
    const box = element('trouble')
    box.hidden = trouble === undefined
    if (trouble === undefined) return box.replaceChildren()
    const { code, what, remedy, raw } = trouble
    const parts: Node[] = [make('p', { className: 'what' }, what)]
    if (remedy !== '') parts.push(make('p', {}, remedy))
    if (raw !== undefined)
      parts.push(make('pre', { tabIndex: 0, ariaLabel: 'What is stored' }, raw))
    if (mend !== undefined) parts.push(button(mend.label, () => mend.run()))
    parts.push(make('p', { className: 'quiet' }, `code: ${code}`))
    box.replaceChildren(...parts)
  }

  #productLine(name: string): HTMLLIElement {
    const add = button('Add', () => this.#asked.add(name), ` ${name} to cart`)
    add.disabled = true
    this.#adds.push(add)
    return make('li', {}, make('span', { className: 'name' }, name), add)
  }

  #newLine(product: string): HTMLLIElement {
    const remove = button('Remove', () => this.#asked.remove(product), ` ${product} from cart`)
    const line = make(
      'li',
      {},
      make('span', { className: 'name' }, product),
      make('span', { className: 'times' }, '× ', make('span', { className: 'quantity' })),
      remove,
    )
    this.#lines.set(product, line)
    return line
  }

  #takeLineOut(product: string, line: HTMLLIElement): void {
    const hadFocus = line.contains(document.activeElement)
    const neighbour = line.nextElementSibling ?? line.previousElementSibling
    this.#lines.delete(product)
    line.remove()
    if (!hadFocus) return
    const next = neighbour?.querySelector('button') ?? element('cart-title')
    next.focus()
  }
}

function element<E extends HTMLElement>(id: string): E {
  return document.getElementById(id) as E
}

function say(id: string, text: string): void {
  const target = element(id)
  if (target.textContent !== text) target.textContent = text
}

/** `rest` is part of the button's name for who cannot see where it stands. */
function button(label: string, run: () => void, rest = ''): HTMLButtonElement {
  const made = make('button', { type: 'button' }, label)
  if (rest !== '') made.append(make('span', { className: 'unseen' }, rest))
  made.addEventListener('click', run)
  return made
}

function make<T extends keyof HTMLElementTagNameMap>(
  tag: T,
  properties: Partial<HTMLElementTagNameMap[T]>,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[T] {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}
