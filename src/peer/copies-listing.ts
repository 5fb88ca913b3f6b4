/**
 * Listing what an edge holds itself: copies that it follows, and its own writes.
 */
import type { PageAsked } from '../protocol/listing.ts'
import type { Copies } from './copies.ts'
import type { KeyedPage, ListedRead } from './keyed.ts'

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
