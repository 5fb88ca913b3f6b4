/**
 * The ring in plain words: what happens, who holds what, how a member fares. What is not known is said to be unknown.
 */
import type { Holding, MemberReport, MemberStatus, PeerStatus } from '../../index.ts'
import type { TracedEvent } from '../event-log.ts'

/** What a member is called. */
export type NameOf = (member: string) => string

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}

/** How this tab finds the member: from its own links, never from hearsay. */
export function stateWords({ id, state }: MemberStatus, { gate, links }: PeerStatus): string {
  if (state === 'self') return 'this peer'
  if (gate === 'closed') return 'unknown'
  if (state === 'suspect') return 'does not answer'
  return links.some(({ peer }) => peer === id) ? 'answers' : 'not linked'
}

export function roundTripWords(member: string, { links }: PeerStatus): string {
  const roundTripMs = links.find(({ peer }) => peer === member)?.roundTripMs
  if (roundTripMs === undefined) return 'unknown'
  return roundTripMs < 10 ? `${roundTripMs.toFixed(1)} ms` : `${Math.round(roundTripMs)} ms`
}

export function countWords(report: MemberReport | undefined, what: 'keys' | 'hints'): string {
  return report?.answered === true ? report[what].toLocaleString('en') : 'unknown'
}

export function holdingWords({ holds, siblings }: Holding): string {
  switch (holds) {
    case 'all':
      return siblings > 1 ? `holds it all, ${siblings} values side by side` : 'holds it all'
    case 'part':
      return 'lacks a part'
    case 'none':
      return 'holds nothing of it'
    case 'silent':
      return 'does not answer: unknown'
  }
}

/** What happened, as a sentence whose subject is this tab's peer. */
export function eventWords(event: TracedEvent, nameOf: NameOf): string {
  const { type, result, detail, key } = event
  const other = event.to ?? event.from
  return sentences[type]({
    who: other === undefined ? 'somebody' : nameOf(other),
    of: key === undefined ? '' : ` of ${key}`,
    why: detail === undefined ? '' : `: ${detail}`,
    result: result ?? 'unknown',
  })
}

/** The parts of an event, ready to be put into a sentence. */
interface Words {
  readonly who: string
  readonly of: string
  readonly why: string
  readonly result: string
}

const sentences: Readonly<Record<TracedEvent['type'], (words: Words) => string>> = {
  started: () => 'Started.',
  stopped: () => 'Stopped.',
  'link-up': ({ who }) => `Linked to ${who}.`,
  'link-down': ({ who }) => `Lost the link to ${who}.`,
  suspect: ({ who, why }) => `Suspects ${who}${why}.`,
  trusted: ({ who }) => `Trusts ${who} again.`,
  mint: ({ of }) => `Wrote a change${of} on this device.`,
  deliver: ({ of, result }) =>
    result === 'ok'
      ? `Delivered a change${of}: a quorum has it.`
      : `Could not deliver a change${of} yet: ${result}.`,
  everywhere: ({ of }) => `All owners have a change${of}.`,
  apply: ({ of }) => `Applied a write${of}.`,
  put: ({ of, result }) => `Put${of}: ${result}.`,
  hedge: ({ who }) => `Asked ${who} too: another takes long.`,
  get: ({ of, result }) => `Read${of}: ${result}.`,
  list: ({ why, result }) => `Listed keys: ${result}${why}.`,
  follow: ({ who, of }) => `Follows a key${of} at ${who}.`,
  ask: ({ who, of, result }) => `Sent a request${of} to ${who}: ${result}.`,
  forward: ({ who, of, result }) => `Passed a request${of} on to ${who}: ${result}.`,
  replicate: ({ who, of, result }) => `Sent a copy${of} to ${who}: ${result}.`,
  durable: ({ who, of, result }) => `Had a write${of} synced by ${who} after all: ${result}.`,
  stored: ({ who, of }) => `Stored a copy${of} for ${who}.`,
  hint: ({ of, why }) => `Notes a hint${of}${why}.`,
  reaping: ({ of }) => `Nobody has anything left${of}, and nobody can bring it back.`,
  reaped: ({ of }) => `Forgot what was deleted${of}.`,
  shortened: ({ of }) => `Forgot who wrote long ago${of}.`,
  'hint-drained': ({ who, of }) => `Handed what was owed${of} over to ${who}.`,
  'hint-dropped': ({ of }) => `Owes nothing${of} any more.`,
  'hint-refused': ({ of }) => `Has no room to stand in for others${of}.`,
  'hint-space': () => 'Knows how much it keeps for others.',
  repair: ({ who, of, result }) => `Repaired a copy${of} at ${who}: ${result}.`,
  exchange: ({ who, why }) => `Compared its keys with ${who}${why}.`,
  readiness: ({ why }) => `Says how whole its store is${why}.`,
  refill: ({ who, why }) => `Took what ${who} still holds${why}.`,
  doubt: ({ of }) => `Does not count for a key${of} until others have told what they hold.`,
  'doubt-over': ({ of }) => `A damaged record${of} is whole again.`,
  member: ({ who, why }) => `Heard of the member ${who}${why}.`,
  view: ({ why }) => `Sees another ring${why}.`,
  generation: () => 'Writes under a new generation from here on.',
  'epoch-abandoned': () => 'Counts its writes under a new epoch.',
  displaced: ({ why }) => `Stopped${why}.`,
  quarantined: ({ of, why }) => `Put a damaged record${of} aside${why}.`,
  forgery: ({ of }) => `Met two values under one name${of}.`,
  'refused-input': ({ who, why }) => `Refused what ${who} sent${why}.`,
  'task-failed': ({ why }) => `Gave up in the background${why}.`,
}
