/**
 * The drawings: one file for all, which the browser keeps, and which follows the page's colours. A thing that is not sold
 * here is drawn as a parcel, and nothing as an empty basket.
 */
import type { JSX } from 'preact'
import sprite from './products.svg?no-inline'

export function Drawing({ of }: { readonly of: string }): JSX.Element {
  return (
    <svg class="drawing" aria-hidden="true">
      <use href={`${sprite}#${of}`} />
    </svg>
  )
}
