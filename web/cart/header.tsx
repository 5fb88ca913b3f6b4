/**
 * Which shop, which cart, and the two switches: the ring's panel, and the cut.
 */
import type { JSX } from 'preact'
import { Drawing } from './drawing.tsx'
import type { PartProps } from './shown.ts'

export function Header({ shown, asked }: PartProps): JSX.Element {
  const { key, isRingOpen, isChoosing, isCut } = shown
  return (
    <header>
      <h1>
        <Drawing of="mark" /> Ringlet
      </h1>
      <button
        type="button"
        class="plain whose"
        aria-haspopup="dialog"
        aria-expanded={isChoosing}
        onClick={() => asked.choose(true)}
      >
        <span>Cart of {key}</span>
      </button>
      <button
        id="ring-switch"
        type="button"
        class="plain"
        aria-expanded={isRingOpen}
        onClick={() => asked.showRing(!isRingOpen)}
      >
        Ring
      </button>
      <label class="switch">
        <input
          type="checkbox"
          role="switch"
          checked={isCut}
          onChange={({ currentTarget }) => asked.cut(currentTarget.checked)}
        />
        <span class="track" aria-hidden="true" />
        Cut this tab off
      </label>
    </header>
  )
}
