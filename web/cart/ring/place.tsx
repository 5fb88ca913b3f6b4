/** Where this cart lives: its preference list, and who holds what of it just now. */
import type { JSX } from 'preact'
import type { Location, PeerStatus } from '../../index.ts'
import type { Faces } from './names.ts'
import { holdingWords } from './words.ts'

interface Props {
  readonly cart: string
  readonly status: PeerStatus
  readonly location: Location | undefined
  readonly faces: Faces
}

export function Place({ cart, status, location, faces }: Props): JSX.Element {
  const nobody = status.gate === 'closed' ? 'Unknown: this tab is cut off.' : 'Asking…'
  return (
    <section aria-labelledby="place-title">
      <h3 id="place-title">Who holds the cart of {cart}</h3>
      {location === undefined ? (
        <p class="quiet">{nobody}</p>
      ) : (
        <ol class="place" aria-labelledby="place-title">
          {location.preference.map((holding) => (
            <li key={holding.member} class={holding.holds}>
              <span class="face" style={{ background: faces(holding.member).colour }} />
              <strong>{faces(holding.member).name}</strong>
              <span class="quiet">{holding.role}</span>
              <span class="holds">{holdingWords(holding)}</span>
            </li>
          ))}
        </ol>
      )}
    </section>
  )
}
