/**
 * The last write wins: for values of which only the newest matters, such as a draft's cursor or a theme.
 *
 * This loses writes. Of two that knew nothing of each other, the one with the lower clock goes, and a device whose
 * clock runs ahead wins against all others. (Siblings are merged in the order of their writers' clocks.) Where that
 * would hurt, take another type, or none and see siblings.
 */
import type { MergeableType } from './type.ts'

/**
 * A bucket's type with any structured data as its values; `empty` is what is read where nothing was written. It is
 * lossy: of values that were written concurrently it shows the one with the latest clock, and the next write covers
 * the others, which nobody may ever have seen.
 *
 * ```ts
 * const themes = peer.bucket('themes', lastWrite({ colour: 'light' }))
 * await themes.put('alice', { colour: 'dark' })
 * ```
 */
export function lastWrite<V>(empty: V): MergeableType<V> {
  return { name: 'last write', empty, merge: (_earlier, later) => later }
}
