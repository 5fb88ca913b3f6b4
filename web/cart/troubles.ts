/**
 * What went wrong, in words and with a remedy: a sentence for the person, a code for whoever looks it up.
 */
import { RingletError } from '../index.ts'

export interface Trouble {
  /** A word by which it can be looked up. */
  readonly code: string
  readonly what: string
  readonly remedy: string
  /** Shown as it is, for whoever has to mend it. */
  readonly raw?: string
  /** What a button can do about it. */
  readonly mend?: Mend
}

export type Mend = 'reload' | 'forget'

/** Another tab has this tab's store, or nobody has: only a page that begins anew gets one. */
const mendedByReload: readonly string[] = [
  'slot-taken',
  'store-lost',
  'store-locked',
  'store-format',
  'closed',
]

export function troubleOf(error: unknown): Trouble {
  if (error instanceof RingletError) {
    const { code, message, remedy = '' } = error
    const trouble = { code, what: sentence(message), remedy }
    if (code === 'wrong-ring') return { ...trouble, mend: 'forget' }
    return mendedByReload.includes(code) ? { ...trouble, mend: 'reload' } : trouble
  }
  const what = error instanceof Error ? error.message : String(error)
  const remedy = 'Reload the page; what was saved is kept.'
  return { code: 'defect', what: sentence(what), remedy, mend: 'reload' }
}

/** A part that is loaded when it is first wanted did not come. */
export function missingPart(error: unknown): Trouble {
  return {
    code: 'part-missing',
    what: 'This part of the page could not be loaded.',
    remedy: `Reload the page when its server can be reached. (${String(error)})`,
    mend: 'reload',
  }
}

export function noCart(key: string, invalid: readonly unknown[]): Trouble {
  return {
    code: 'not-mergeable',
    what: `What is stored as “${key}” is no cart. It is left as it is.`,
    remedy: `To get a cart again, delete it: npx ringlet delete carts ${quoted(key)}`,
    raw: invalid.map(shown).join('\n'),
  }
}

/** JSON, with bytes in hexadecimal: it must show what is there, whatever it is. */
function shown(value: unknown): string {
  const text = JSON.stringify(
    value,
    (_name, part: unknown) => (part instanceof Uint8Array ? `bytes ${hex(part)}` : part),
    2,
  )
  return text ?? String(value)
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** For a shell, and for a command that takes what starts with a hyphen for an option. */
function quoted(key: string): string {
  const word = /^[\w.-]+$/.test(key) ? key : `'${key.replaceAll("'", "'\\''")}'`
  return key.startsWith('-') ? `-- ${word}` : word
}

function sentence(text: string): string {
  const first = text.charAt(0).toUpperCase() + text.slice(1)
  return /[.!?]$/.test(first) ? first : `${first}.`
}
