/**
 * A range read slice by slice, so that a large store is never in memory at once and other work goes on in between.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Storage, StoredEntry } from '../ports.ts'

/** A value has up to 1 MiB: a slice of many must still fit beside everything else. */
const sliceLength = 256

/**
 * Ascending, from `from` (included) to `to` (excluded), so many entries at a time. Entries written meanwhile may or may
 * not be met.
 */
export async function* slices(
  storage: Storage,
  { from, to }: { readonly from: Bytes; readonly to: Bytes },
  length = sliceLength,
): AsyncGenerator<StoredEntry[]> {
  for (let at = from; ;) {
    const slice = await storage.range(at, to, length)
    if (slice.length > 0) yield slice
    const last = slice.at(-1)
    if (last === undefined || slice.length < length) return
    at = Uint8Array.of(...last.key, 0)
  }
}
