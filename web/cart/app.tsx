/**
 * The whole page, drawn from one value. It decides nothing and remembers nothing.
 */
import { type JSX, render } from 'preact'
import { cart } from '../index.ts'
import { makeAnnouncer } from './announcements.ts'
import { CartSection } from './cart-section.tsx'
import type { EventLog } from './event-log.ts'
import { Footer } from './footer.tsx'
import { Header } from './header.tsx'
import { reachSentence, savedSentence } from './sentences.ts'
import { Shop } from './shop.tsx'
import type { Asked, PartProps, Shown } from './shown.ts'
import { savedIn, Strip } from './strip.tsx'
import { TroubleBox } from './trouble-box.tsx'

const announce = makeAnnouncer((words) => {
  document.getElementById('spoken')!.textContent = words
})

export function drawPage(shown: Shown, asked: Asked, log: EventLog): void {
  const { key, status, read, source } = shown
  document.title = `Cart of ${key} · Ringlet`
  render(<Page shown={shown} asked={asked} log={log} />, document.getElementById('page')!)
  if (status === undefined || read === undefined) return
  announce({
    key,
    items: cart.items(read.value),
    saved: savedSentence(savedIn(shown), source),
    reach: reachSentence(status, shown.isOnline),
  })
}

function Page(props: PartProps): JSX.Element {
  const { shown, asked } = props
  const { isChoosing, isRingOpen, isCut } = shown
  const { Ring, Carts } = shown.parts
  return (
    <div class={`page ${isRingOpen ? 'with-ring' : ''} ${isCut ? 'cut' : ''}`}>
      <Header {...props} />
      <Strip shown={shown} />
      <TroubleBox shown={shown} asked={asked} />
      <div class="stage">
        <main>
          <Shop shown={shown} asked={asked} />
          <CartSection shown={shown} asked={asked} />
        </main>
        {isRingOpen && Ring !== undefined && <Ring {...props} />}
      </div>
      <Footer shown={shown} />
      {isChoosing && Carts !== undefined && <Carts {...props} />}
    </div>
  )
}
