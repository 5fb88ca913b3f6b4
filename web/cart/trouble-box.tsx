/**
 * What went wrong, said at once: what, what to do about it, and a button where a button helps.
 */
import type { JSX } from 'preact'
import type { PartProps, Shown } from './shown.ts'
import { type Mend, missingPart, noCart, type Trouble as Told, troubleOf } from './troubles.ts'

export function Trouble({ shown, asked }: PartProps): JSX.Element | undefined {
  const trouble = troubleIn(shown)
  if (trouble === undefined) return undefined
  const { what, remedy, raw, code, mend } = trouble
  return (
    <>
      <p class="what">{what}</p>
      {remedy !== '' && <p>{remedy}</p>}
      {raw !== undefined && (
        <pre tabIndex={0} role="region" aria-label="What is stored">
          {raw}
        </pre>
      )}
      {mend !== undefined && (
        <button type="button" class="plain" onClick={() => asked.mend(mend)}>
          {labels[mend]}
        </button>
      )}
      <p class="quiet">code: {code}</p>
    </>
  )
}

const labels: Readonly<Record<Mend, string>> = {
  reload: 'Reload',
  forget: 'Forget the earlier ring',
}

/** What is no cart comes first: nothing else can be believed of it. */
function troubleIn({ key, read, failures }: Shown): Told | undefined {
  if (read !== undefined && read.invalid.length > 0) return noCart(key, read.invalid)
  const [first] = Object.entries(failures)
  if (first === undefined) return undefined
  const [what, error] = first
  return what === 'part' ? missingPart(error) : troubleOf(error)
}
