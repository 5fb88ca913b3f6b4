/**
 * What the page says in words: is it saved, where, who answers, what went wrong.
 *
 * Pure, so that each sentence can be tried without a ring. The three stages have one fixed phrase each, because people
 * (and screen readers) recognise a phrase sooner than they read a sentence.
 */
import { type PeerStatus, RingletError, type Stage } from '../index.ts'

/** Where the cart that is shown comes from. */
export type Source = 'quorum' | 'local' | 'nowhere yet'

/** How far this tab's last change got; where it made none, where the cart comes from. */
export function savedSentence(stage: Stage | undefined, source: Source): string {
  if (stage !== undefined) return `Last change: ${phrases[stage]}`
  return source === 'nowhere yet' ? 'Loading…' : `No change yet: loaded ${origins[source]}`
}

const phrases: Readonly<Record<Stage, string>> = {
  device: 'on this device',
  quorum: 'on a quorum',
  everywhere: 'everywhere',
}

const origins = { quorum: 'from a quorum', local: 'from this device' } as const

export function reachSentence(status: PeerStatus): string {
  const { gate, members, links, pendingWrites } = status
  const linked = new Set(links.map(({ peer }) => peer))
  const answering = members.filter(({ id, state }) => state === 'up' && linked.has(id)).length
  const changes = pendingWrites === 1 ? '1 change waits' : `${pendingWrites} changes wait`
  const owed = pendingWrites === 0 ? '' : ` ${changes} to be delivered.`
  if (gate === 'closed') return `Cut off: this tab talks to no peer.${owed}`
  if (answering === 0) return `No peer answers: shopping goes on here.${owed}`
  if (answering === members.length) return `All ${answering} peers answer.${owed}`
  return `${answering} of ${members.length} peers answer.${owed}`
}

/** What stands in the place of the list while there is nothing in it. */
export function emptySentence(
  { invalid }: { invalid: readonly unknown[] },
  source: Source,
): string {
  if (invalid.length > 0) return 'There is no cart to show.'
  switch (source) {
    case 'quorum':
      return 'The cart is empty.'
    case 'local':
      return 'Nothing in this device’s copy of the cart.'
    case 'nowhere yet':
      return 'Loading…'
  }
}

export interface Trouble {
  /** A word by which it can be looked up. */
  readonly code: string
  readonly what: string
  readonly remedy: string
  /** Shown as it is, for whoever has to mend it. */
  readonly raw?: string
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof RingletError) {
    return { code: error.code, what: sentence(error.message), remedy: error.remedy ?? '' }
  }
  const what = error instanceof Error ? error.message : String(error)
  return {
    code: 'defect',
    what: sentence(what),
    remedy: 'Reload the page; what was saved is kept.',
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
