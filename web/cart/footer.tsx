/** Who this tab is, where it keeps things, and what is to be minded. */
import type { JSX } from 'preact'
import { storageSentence } from './sentences.ts'
import type { Shown } from './shown.ts'

export function Footer({ shown: { status } }: { readonly shown: Shown }): JSX.Element {
  const warnings = status?.warnings ?? []
  return (
    <footer class="quiet">
      {warnings.length > 0 && (
        <ul aria-label="Warnings">
          {warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
      <p class="storage">{status && storageSentence(status)}</p>
      <p>
        This tab is the peer <code id="peer">{status?.id ?? '…'}</code>. Open the page in a second
        tab: both show the same cart.
      </p>
    </footer>
  )
}
