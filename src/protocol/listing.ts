/**
 * A listing, page by page: the keys of one partition key in order, as several owners hold them.
 *
 * Each owner ends its page where it is full, and no two end at the same key. What one has not come to yet is not
 * missing there, so the pages together are complete only up to where the first of them ends: up to there every key is
 * reconciled as a read would do it, and an owner that did not list one answered "nothing". The rest is cut off, and
 * comes with the next page.
 */
import { compareText } from '../data/bytes.ts'
import type { Key } from '../data/key.ts'
import { emptyState, type ObjectState } from '../data/siblings.ts'
import type { PeerId } from './membership.ts'
import { reconcile } from './reconcile.ts'

export interface Item {
  readonly key: Key
  readonly state: ObjectState
}

export interface Page {
  /** In the order of the keys. */
  readonly items: readonly Item[]
  /** Up to this key, included, nothing is left out; undefined: to the end. */
  readonly upTo: Key | undefined
}

/** Which page: of the keys that begin with `prefix`, the first ones behind `after`. */
export interface PageAsked {
  readonly prefix: Key
  readonly after: Key | undefined
}

export interface MergedPage extends Page {
  /** Owners that hold less of a key than all of them together, and what they lack. */
  readonly behind: ReadonlyMap<PeerId, readonly Item[]>
}

/** Whether this can be an answer: in order, within what was asked for, and a step further. */
export function isPageOf({ prefix, after }: PageAsked, { items, upTo }: Page): boolean {
  let previous = after?.text ?? ''
  for (const { key } of items) {
    if (key.text <= previous || !key.text.startsWith(prefix.text)) return false
    previous = key.text
  }
  if (upTo === undefined) return true
  const isBehind = upTo.text >= previous && upTo.text > (after?.text ?? '')
  return isBehind && upTo.text.startsWith(prefix.text)
}

/** What these owners' pages of one question say together. */
export function mergePages(pages: readonly (Page & { readonly peer: PeerId })[]): MergedPage {
  const upTo = firstEnd(pages)
  const isWithin = ({ text }: Key): boolean => upTo === undefined || text <= upTo.text
  const held = pages.map(({ items }) => new Map(items.map((item) => [item.key.text, item.state])))
  const keys = new Map<string, Key>()
  for (const { items } of pages) for (const { key } of items) keys.set(key.text, key)
  const items: Item[] = []
  const behind = new Map<PeerId, Item[]>()
  for (const key of [...keys.values()].filter(isWithin).sort(inOrder)) {
    const merged = reconcile(
      pages.map(({ peer }, i) => ({
        peer,
        owner: true,
        state: held[i]!.get(key.text) ?? emptyState,
      })),
    )
    const item = { key, state: merged.state }
    items.push(item)
    for (const peer of merged.behind) {
      const lacking = behind.get(peer) ?? []
      lacking.push(item)
      behind.set(peer, lacking)
    }
  }
  return { items, upTo, behind }
}

/** By their bytes, which is by their paths. */
export function inOrder(a: Key, b: Key): number {
  return compareText(a.text, b.text)
}

function firstEnd(pages: readonly Page[]): Key | undefined {
  let first: Key | undefined
  for (const { upTo } of pages) {
    if (upTo !== undefined && (first === undefined || upTo.text < first.text)) first = upTo
  }
  return first
}
