/**
 * The carts that this device knows, and the way to another one. They are links: a cart can be opened in a further tab, and
 * the browser's way back works.
 */
import type { JSX } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import { addressOf } from '../address.ts'
import type { PartProps } from '../shown.ts'
import './dialog.css'

export function Carts({ shown: { key, carts }, asked }: PartProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const shown = dialog.current!
    shown.showModal()
    // By its close the focus goes back to where it came from.
    return () => shown.close()
  }, [])
  return (
    <dialog
      ref={dialog}
      class="carts"
      aria-labelledby="carts-title"
      onClose={() => asked.choose(false)}
      onClick={({ target }) => target === dialog.current && asked.choose(false)}
    >
      <div>
        <h2 id="carts-title">Carts of this device</h2>
        <ul aria-labelledby="carts-title">
          {carts.map((name) => (
            <li key={name}>
              <a
                href={addressOf(name)}
                aria-current={name === key ? 'page' : undefined}
                onClick={(event) => {
                  if (!isPlain(event)) return
                  event.preventDefault()
                  asked.goTo(name)
                }}
              >
                {name}
              </a>
            </li>
          ))}
        </ul>
        <NewCart open={(name) => asked.goTo(name)} />
        <p class="quiet">Whoever opens the same name, here or elsewhere, shares the cart.</p>
        <button type="button" class="plain" onClick={() => asked.choose(false)}>
          Close
        </button>
      </div>
    </dialog>
  )
}

function NewCart({ open }: { open(name: string): void }): JSX.Element {
  const name = useRef<HTMLInputElement>(null)
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        const typed = name.current!.value.trim()
        if (typed !== '') open(typed)
      }}
    >
      <label>
        New cart
        <input ref={name} required maxLength={100} autocomplete="off" placeholder="its name" />
      </label>
      <button type="submit">Open</button>
    </form>
  )
}

/** Clicks that ask for a further tab or window are the browser's. */
function isPlain({ button, ctrlKey, metaKey, shiftKey }: MouseEvent): boolean {
  return button === 0 && !ctrlKey && !metaKey && !shiftKey
}
