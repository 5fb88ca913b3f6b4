/**
 * The whole page, drawn from one value. It decides nothing and remembers nothing.
 */
import { type JSX, render } from 'preact'
import { cart } from '../index.ts'
import { CartSection } from './cart-section.tsx'
import type { EventLog } from './event-log.ts'
import { Footer } from './footer.tsx'
import { Header } from './header.tsx'
import { reachSentence, savedSentence } from './sentences.ts'
import { Shop } from './shop.tsx'
import type { Asked, PartProps, Shown } from './shown.ts'
import { savedIn, Strip } from './strip.tsx'

export function drawPage(shown: Shown, asked: Asked, log: EventLog): void {
  const { key, status, read, source } = shown
  document.title = `Cart of ${key} · Ringlet`
  render(<Page shown={shown} asked={asked} log={log} />, document.getElementById('page')!)
  if (status === undefined || read === undefined) return
  shown.parts.announce?.({
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
      <TroubleBox {...props} />
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

/** The box itself is always there: what appears in it is read out. Until its words have come, the bare error has to do. */
function TroubleBox(props: PartProps): JSX.Element {
  const { failures, parts, read } = props.shown
  const errors = [...Object.values(failures), ...(read?.invalid ?? [])]
  return (
    <section class="trouble" role="alert" hidden={errors.length === 0}>
      {errors.length > 0 && (parts.Trouble ? <parts.Trouble {...props} /> : String(errors[0]))}
    </section>
  )
}
