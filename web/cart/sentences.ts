/**
 * What the page says in words: is it saved, where, who answers, what is in the cart.
 *
 * Pure, so that each sentence can be tried without a ring. The three stages have one fixed phrase each, because people
 * (and screen readers) recognise a phrase sooner than they read a sentence.
 */
import type { PeerStatus, Stage } from '../index.ts'
import type { Change } from './changes.ts'
import type { Total } from './money.ts'

/** Where the cart that is shown comes from. */
export type Source = 'quorum' | 'local' | 'nowhere yet'

/** What became of this tab's last change: a stage, or the device refused it, or nobody knows. */
export type Saved = Stage | 'refused' | 'unknown' | undefined

/** How far this tab's last change got; where it made none, where the cart comes from. */
export function savedSentence(saved: Saved, source: Source): string {
  if (saved !== undefined) return `Last change: ${phrases[saved]}`
  return source === 'nowhere yet' ? 'Loading…' : `No change yet: loaded ${origins[source]}`
}

const phrases: Readonly<Record<Exclude<Saved, undefined>, string>> = {
  device: 'on this device',
  quorum: 'on a quorum',
  everywhere: 'everywhere',
  refused: 'not saved',
  unknown: 'perhaps not saved',
}

const origins = { quorum: 'from a quorum', local: 'from this device' } as const

export type StepState = 'done' | 'under way' | 'not yet' | 'failed' | 'in doubt'

const order: readonly Stage[] = ['device', 'quorum', 'everywhere']

/** The way of the last change, step by step: this device, a quorum, everywhere. */
export function stepStates(saved: Saved): readonly StepState[] {
  if (saved === 'refused') return ['failed', 'not yet', 'not yet']
  if (saved === 'unknown') return ['in doubt', 'not yet', 'not yet']
  const reached = saved === undefined ? -1 : order.indexOf(saved)
  return order.map((_, step) => {
    if (step <= reached) return 'done'
    return step === reached + 1 && reached >= 0 ? 'under way' : 'not yet'
  })
}

/** Members that answer this tab now. */
export function answeringIn({ members, links }: PeerStatus): PeerStatus['members'] {
  const linked = new Set(links.map(({ peer }) => peer))
  return members.filter(({ id, state }) => state === 'up' && linked.has(id))
}

/** As people look for them: by their hosts. */
export function byHost(members: PeerStatus['members']): PeerStatus['members'] {
  return members.toSorted((a, b) => a.host.localeCompare(b.host, 'en', { numeric: true }))
}

export function reachSentence(status: PeerStatus, isOnline = true): string {
  const { gate, activity, members } = status
  const answering = answeringIn(status).length
  if (gate === 'closed') return 'Cut off: this tab talks to no peer.'
  if (activity === 'asleep') return 'Asleep: nothing is sent until this tab wakes.'
  // The ring may be on this machine, or on a network that leads no further.
  if (!isOnline && answering > 0)
    return `Offline, yet ${answering} of ${members.length} peers answer.`
  if (!isOnline) return 'Offline: shopping goes on here.'
  if (answering === 0) return 'No peer answers: shopping goes on here.'
  if (answering === members.length) return `All ${answering} peers answer.`
  return `${answering} of ${members.length} peers answer.`
}

/** Empty when nothing waits. */
export function waitingSentence({ pendingWrites }: PeerStatus): string {
  if (pendingWrites === 0) return ''
  const changes = pendingWrites === 1 ? '1 change waits' : `${pendingWrites} changes wait`
  return `${changes} to be delivered.`
}

/** What the browser says of its space; empty where it says nothing. */
export function storageSentence({ storage }: PeerStatus): string {
  const { usedBytes, quotaBytes, persisted } = storage
  if (usedBytes === undefined || quotaBytes === undefined) return ''
  const space = `${inBytes(usedBytes)} of ${inBytes(quotaBytes)} used here`
  if (persisted === undefined) return `${space}.`
  return `${space}, ${persisted ? 'kept until you clear it' : 'which the browser may clear'}.`
}

export function inBytes(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  const rounded = Number(bytes.toPrecision(2))
  const power = Math.min(4, Math.floor(Math.log10(rounded) / 3))
  return `${rounded / 1000 ** power} ${['', 'kB', 'MB', 'GB', 'TB'][power]}`
}

/** What stands in the place of the list while there is nothing in it. */
export function emptySentence(hasCart: boolean, source: Source): string {
  if (!hasCart) return 'There is no cart to show.'
  switch (source) {
    case 'quorum':
      return 'The cart is empty.'
    case 'local':
      return 'Nothing in this device’s copy of the cart.'
    case 'nowhere yet':
      return 'Loading…'
  }
}

export function thingsSentence({ things }: Total): string {
  return things === 1 ? '1 thing' : `${things} things`
}

/** What the button that takes back the last change says after “Undo”. */
export function undoSentence({ product, before, after }: Change): string {
  if (after === 0) return `${product} removed`
  if (before === 0) return `${product} added`
  return after > before
    ? `${product}, ${after - before} more`
    : `${product}, ${before - after} fewer`
}
