/**
 * Listing at an edge: a page as the owners have it, with this device's own writes on top.
 *
 * What was written here and has not arrived yet belongs into a listing as it does into a read, also under a key that
 * the ring does not know. A page speaks of every key up to its end, so the own keys in between take their places there.
 */
import type { Key } from '../data/key.ts'
import { emptyState, type ObjectState, sameState } from '../data/siblings.ts'
import { type OwnWrite, shown } from '../protocol/copy.ts'
import type { ReadDemands } from '../protocol/demands.ts'
import { RingletError } from '../protocol/errors.ts'
import { inOrder, isPageOf, type Item, type Page, type PageAsked } from '../protocol/listing.ts'
import type { Asking } from './asking.ts'
import type { Copies } from './copies.ts'
import { type EdgeMembers } from './edge-members.ts'
import { errorOfFailure, isFailure } from './failure.ts'
import type { KeyedPage, ListedRead } from './keyed.ts'

export interface EdgeListingOptions {
  readonly copies: Copies
  readonly members: EdgeMembers
  readonly asking: Asking
  readonly demands: ReadDemands
}

/** Writes of this device by key, as they stood when a page was asked for. */
type Own = ReadonlyMap<string, { readonly key: Key; readonly writes: readonly OwnWrite[] }>

/** A page of what R owners have. Rejects with `RingletError` when they cannot be asked. */
export async function listAtOwners(
  options: EdgeListingOptions,
  asked: PageAsked,
): Promise<KeyedPage> {
  const { copies, members, demands } = options
  const { prefix, after } = asked
  const { moment } = copies
  // A write may arrive everywhere, and leave this device, while owners answer what they saw before.
  const own = ownUnder(copies, asked)
  const { r, strict } = demands
  const question = { type: 'list', prefix, after, r, strict, direct: false } as const
  const answer = await members.ask(prefix, question, 'listed')
  if (isFailure(answer)) throw errorOfFailure(answer)
  if (!isPageOf(asked, answer)) {
    throw new RingletError('malformed', 'a page that does not follow from its question')
  }
  const { items, upTo, missing, ready } = answer
  const listed = await Promise.all(
    items.map((item) => shownOf(options, item, { askedAt: moment, isWhole: ready !== false }, own)),
  )
  const reads = [...listed, ...unlisted(copies, own, answer)]
    .sort((one, other) => inOrder(one.key, other.key))
    .map(({ key, state }): ListedRead => {
      return { key, state, ...copies.standing(key), source: 'quorum', missing }
    })
  return { reads, upTo }
}

/** What is shown of a key that the owners listed. */
async function shownOf(
  { copies, asking }: EdgeListingOptions,
  { key, state }: Item,
  { askedAt, isWhole }: { readonly askedAt: number; readonly isWhole: boolean },
  own: Own,
): Promise<Item> {
  const isCopy = sameState(copies.of(key).copy, state)
  // An answer that is older than what is shown already is not shown after it.
  const isNew = isCopy || (await asking.take(key, state, askedAt, isWhole))
  return { key, state: isNew ? withOwn(copies, key, state, own) : copies.shown(key) }
}

/** Keys within the page that only this device knows of. */
function unlisted(copies: Copies, own: Own, { items, upTo }: Page): Item[] {
  const listed = new Set(items.map(({ key }) => key.text))
  return [...own.values()]
    .filter(({ key: { text } }) => !listed.has(text) && (upTo === undefined || text <= upTo.text))
    .map(({ key }) => ({ key, state: withOwn(copies, key, emptyState, own) }))
}

function withOwn(copies: Copies, key: Key, answer: ObjectState, own: Own): ObjectState {
  const { writes, ...held } = copies.of(key)
  const before = own.get(key.text)?.writes ?? []
  return shown({ ...held, copy: answer, writes: [...before, ...writes] })
}

function ownUnder(copies: Copies, { prefix, after }: PageAsked): Own {
  const keys = copies.unsettled().filter(({ text }) => {
    return text.startsWith(prefix.text) && (after === undefined || text > after.text)
  })
  return new Map(keys.map((key) => [key.text, { key, writes: copies.of(key).writes }]))
}
