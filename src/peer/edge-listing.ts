/**
 * Listing at an edge: a page as the owners have it, or as this device has it, with its own writes on top.
 *
 * What was written here and has not arrived yet belongs into a listing as it does into a read, also under a key that
 * the ring does not know. A page speaks of every key up to its end, so the own keys in between take their places there.
 */
import type { Key } from '../data/key.ts'
import { emptyState, type ObjectState, sameState } from '../data/siblings.ts'
import { type OwnWrite, shown } from '../protocol/copy.ts'
import { RingletError } from '../protocol/errors.ts'
import { inOrder, isPageOf, type PageAsked } from '../protocol/listing.ts'
import { isFailure } from './ask.ts'
import type { Copies } from './copies.ts'
import { type EdgeMembers, errorOfFailure } from './edge-members.ts'
import type { Following } from './following.ts'
import type { KeyedPage, ListedRead } from './keyed.ts'

export interface EdgeListingOptions {
  readonly copies: Copies
  readonly members: EdgeMembers
  readonly following: Following
  readonly r: number
}

interface Shown {
  readonly key: Key
  readonly state: ObjectState
}

/** A page of what R owners have. Rejects with `RingletError` when they cannot be asked. */
export async function listAtOwners(
  { copies, members, following, r }: EdgeListingOptions,
  asked: PageAsked,
): Promise<KeyedPage> {
  const { prefix, after } = asked
  const { moment } = copies
  // A write may arrive everywhere, and leave this device, while owners answer what they saw before.
  const own = ownWrites(copies, asked)
  const question = { type: 'list', prefix, after, r, direct: false } as const
  const answer = await members.ask(prefix, question, 'listed')
  if (isFailure(answer)) throw errorOfFailure(answer)
  if (!isPageOf(asked, answer)) {
    throw new RingletError('malformed', 'a page that does not follow from its question')
  }
  const { items, upTo, missing } = answer
  const listed = new Set(items.map(({ key }) => key.text))
  for (const [text, each] of ownWrites(copies, asked)) own.set(text, each)
  const isDue = ({ text }: Key): boolean =>
    !listed.has(text) && (upTo === undefined || text <= upTo.text)
  const unlisted = [...own.values()].filter(({ key }) => isDue(key))
  const onTop = ({ key, state }: Shown): Shown => {
    const { writes, ...held } = copies.of(key)
    const both = [...(own.get(key.text)?.writes ?? []), ...writes]
    return { key, state: shown({ ...held, copy: state, writes: both }) }
  }
  const fromOwners = items.map(async ({ key, state }) => {
    // An answer that is older than what is shown already is not shown after it.
    const isOld =
      !sameState(copies.of(key).copy, state) && !(await following.take(key, state, moment))
    return isOld ? { key, state: copies.shown(key) } : onTop({ key, state })
  })
  const all = [
    ...(await Promise.all(fromOwners)),
    ...unlisted.map(({ key }) => onTop({ key, state: emptyState })),
  ]
  const reads = all
    .sort((a, b) => inOrder(a.key, b.key))
    .map((each) => ({ ...each, ...copies.standing(each.key), source: 'quorum' as const, missing }))
  return { reads, upTo }
}

/** A page of what this device holds: copies that it follows, and its own writes. */
export function listCopies(
  copies: Copies,
  { prefix, after }: PageAsked,
  r: number,
  most: number,
): KeyedPage {
  const keys = copies.under(prefix).filter(({ text }) => after === undefined || text > after.text)
  const page = keys.slice(0, most)
  const reads = page.map((key): ListedRead => {
    const state = copies.shown(key)
    return { key, state, ...copies.standing(key), source: 'local', missing: r }
  })
  return { reads, upTo: page.length < keys.length ? page.at(-1) : undefined }
}

/** Keys of the listing with writes that are not everywhere yet. */
function ownWrites(
  copies: Copies,
  { prefix, after }: PageAsked,
): Map<string, { readonly key: Key; readonly writes: readonly OwnWrite[] }> {
  const own = copies.unsettled().filter(({ text }) => {
    return text.startsWith(prefix.text) && text > (after?.text ?? '')
  })
  return new Map(own.map((key) => [key.text, { key, writes: copies.of(key).writes }]))
}
