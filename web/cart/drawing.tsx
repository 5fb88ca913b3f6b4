/**
 * The drawings: one file for all, which the browser keeps, and which follows the page's colours. Beside the products there
 * are a parcel for what is not sold here, an empty basket, the steps of a change, and the ring's mark.
 */
import type { JSX } from 'preact'
import sprite from './drawings.svg?no-inline'

export function Drawing({ of }: { readonly of: string }): JSX.Element {
  return (
    <svg class="drawing" aria-hidden="true">
      <use href={`${sprite}#${of}`} />
    </svg>
  )
}
