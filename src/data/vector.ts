/**
 * What was seen: a version vector with loose dots.
 *
 * A plain vector says "every write of this actor up to n", and so cannot say "n, but perhaps not n − 1": after a
 * put through one replica the client has seen its own write and not the neighbours it never read. Closing that
 * gap by raising the vector would claim them, and the claim kills them. So a dot that is not next in line is kept
 * loose beside the vector, and absorbed as soon as its gap is filled by evidence (Almeida et al., "Scalable and
 * accurate causality tracking for eventually consistent stores", 2014).
 */
import { compareText } from './bytes.ts'

/** Who mints: a store's generation and an epoch of it, `generation.epoch`. */
export type ActorId = string & { readonly brand?: 'actor' }

/** The name of one write: the `counter`-th of its actor, from 1. */
export interface Dot {
  readonly actor: ActorId
  readonly counter: number
}

/** Of one actor: every counter up to `upTo`, and the `loose` ones above (ascending, never `upTo + 1`). */
export interface Entry {
  readonly upTo: number
  readonly loose: readonly number[]
}

/** What was seen, actor by actor. Equal sets of dots have equal entries; no entry is empty. */
export type Seen = ReadonlyMap<ActorId, Entry>

export const nothingSeen: Seen = new Map()

const none: readonly number[] = []

export function covers(seen: Seen, dot: Dot): boolean {
  const entry = seen.get(dot.actor)
  if (entry === undefined) return false
  return dot.counter <= entry.upTo || (entry.loose.length > 0 && entry.loose.includes(dot.counter))
}

/** Everything that either side saw. Returns `a` itself where `b` adds nothing. */
export function union(a: Seen, b: Seen): Seen {
  let joined: Map<ActorId, Entry> | undefined
  for (const [actor, theirs] of b) {
    const ours = a.get(actor)
    const both = ours === undefined ? theirs : joinEntries(ours, theirs)
    if (both === ours) continue
    joined ??= new Map(a)
    joined.set(actor, both)
  }
  return joined ?? a
}

export function withDot(seen: Seen, dot: Dot): Seen {
  const entry = dot.counter === 1 ? { upTo: 1, loose: none } : { upTo: 0, loose: [dot.counter] }
  return union(seen, new Map([[dot.actor, entry]]))
}

/** The same but for these dots: what stood above them becomes loose. */
export function withoutDots(seen: Seen, dots: readonly Dot[]): Seen {
  const left = new Map(seen)
  for (const actor of new Set(dots.map((dot) => dot.actor))) {
    const entry = seen.get(actor)
    if (entry === undefined) continue
    const gone = new Set(dots.filter((dot) => dot.actor === actor).map(({ counter }) => counter))
    const first = Math.min(...gone)
    const upTo = Math.min(entry.upTo, first - 1)
    const loosened = Array.from({ length: entry.upTo - upTo }, (_, i) => upTo + 1 + i)
    const loose = [...loosened, ...entry.loose].filter((counter) => !gone.has(counter))
    if (upTo === 0 && loose.length === 0) left.delete(actor)
    else left.set(actor, { upTo, loose })
  }
  return left
}

/** Whether `a` saw everything that `b` saw. */
export function includes(a: Seen, b: Seen): boolean {
  return a === b || union(a, b) === a
}

export function sameSeen(a: Seen, b: Seen): boolean {
  return a.size === b.size && includes(a, b) && includes(b, a)
}

/** The highest counter seen of an actor; 0 for none. */
export function highest(seen: Seen, actor: ActorId): number {
  const entry = seen.get(actor)
  return entry === undefined ? 0 : (entry.loose.at(-1) ?? entry.upTo)
}

/** How many dots are loose: what a context must keep few of. */
export function countLoose(seen: Seen): number {
  let count = 0
  for (const entry of seen.values()) count += entry.loose.length
  return count
}

/**
 * Keeps at most `limit` loose dots, dropping the lowest counters first. A dropped dot is at worst a false
 * sibling later; it never swallows a write.
 */
export function trimLoose(seen: Seen, limit: number): Seen {
  const excess = countLoose(seen) - limit
  if (excess <= 0) return seen
  const dots = [...seen].flatMap(([actor, { loose }]) =>
    loose.map((counter) => ({ actor, counter })),
  )
  dots.sort((a, b) => a.counter - b.counter || compareText(a.actor, b.actor))
  const dropped = new Map<ActorId, number>()
  for (const { actor } of dots.slice(0, excess)) dropped.set(actor, (dropped.get(actor) ?? 0) + 1)
  const trimmed = new Map(seen)
  for (const [actor, count] of dropped) {
    const { upTo, loose } = seen.get(actor)!
    if (upTo === 0 && loose.length === count) trimmed.delete(actor)
    else trimmed.set(actor, { upTo, loose: loose.slice(count) })
  }
  return trimmed
}

/** The entries in the one order that every peer writes them in. */
export function sortedEntries(seen: Seen): [ActorId, Entry][] {
  const entries = [...seen]
  // What was read is in order already.
  const isSorted = entries.every(([actor], i) => i === 0 || entries[i - 1]![0] < actor)
  return isSorted ? entries : entries.sort(([a], [b]) => compareText(a, b))
}

export function sameDot(a: Dot, b: Dot): boolean {
  return a.counter === b.counter && a.actor === b.actor
}

export function compareDots(a: Dot, b: Dot): number {
  return compareText(a.actor, b.actor) || a.counter - b.counter
}

/** A dot as people read it, in traces and logs. */
export function showDot(dot: Dot): string {
  return `${dot.actor} ${dot.counter}`
}

/** The canonical entry of these counters; undefined when they are no entry (none, unordered, below 1). */
export function makeEntry(upTo: number, loose: readonly number[]): Entry | undefined {
  if (upTo === 0 && loose.length === 0) return undefined
  let last = upTo
  for (const counter of loose) {
    if (counter <= last || counter === upTo + 1) return undefined
    last = counter
  }
  return { upTo, loose }
}

/** Returns `a` itself where `b` adds nothing. */
function joinEntries(a: Entry, b: Entry): Entry {
  if (a.loose.length === 0 && b.loose.length === 0) return a.upTo >= b.upTo ? a : b
  let upTo = Math.max(a.upTo, b.upTo)
  const loose: number[] = []
  for (const counter of [...new Set([...a.loose, ...b.loose])].sort((x, y) => x - y)) {
    if (counter <= upTo) continue
    if (counter === upTo + 1) upTo = counter
    else loose.push(counter)
  }
  const same = upTo === a.upTo && loose.length === a.loose.length
  return same ? a : { upTo, loose: loose.length === 0 ? none : loose }
}
