/**
 * What sets, maps and carts have in common: named additions, each by one write, and which writes are over.
 *
 * The paper's cart merges by keeping everything, so that what was removed comes back (§4.4). To tell "removed there"
 * from "not yet known there", an addition carries the identity of its write, and a removal notes exactly the
 * additions it has seen: one made at the same time elsewhere survives. Notes for ever would outgrow the cart. So
 * once nothing of a write is left, only its count is kept, in intervals; and since a write that only removes leaves
 * nothing either, its count is noted too, and the intervals close up. A count is never noted because it is low, only
 * because the write was seen, and not before another write comes: until then its own writer may still be adding.
 *
 * A write may add several names. At each retry it has to add the same ones: of one that adds others, what nobody saw
 * can be counted as over with the rest of it.
 */
import {
  hasCount,
  type Interval,
  type Intervals,
  isCount,
  isIntervals,
  joinIntervals,
} from './intervals.ts'
import { type ByName, isRecord, joinRecords, mapRecord, own } from './records.ts'
import type { WriteId } from './type.ts'

/** By name, what one write added; null where that was removed while something else of the write is left. */
type Added<P> = ByName<P | null>

/** Plain data. No write is in both; a write with nothing left is in `added` only until the next write of anyone. */
export interface Additions<P> {
  /** By writer and count. */
  readonly added: ByName<ByName<Added<P>>>
  /** By writer, the counts of the writes that are over. */
  readonly removed: ByName<Intervals>
}

/** One thing that is there: what was added, under which name, by which write. */
export interface Addition<P> {
  readonly by: string
  readonly count: number
  readonly name: string
  readonly payload: P
}

export const noAdditions: Additions<never> = { added: {}, removed: {} }

/** Both sides' additions without both sides' removals. `greater` settles what one write added in two ways. */
export function joinAdditions<P>(
  a: Additions<P>,
  b: Additions<P>,
  greater: (a: P, b: P) => P,
): Additions<P> {
  const either = (x: P | null, y: P | null) => (x === null || y === null ? null : greater(x, y))
  const writes = joinRecords(a.added, b.added, (ours, theirs) =>
    joinRecords(ours, theirs, (one, other) => joinRecords(one, other, either)),
  )
  return withoutOver(writes, joinRecords(a.removed, b.removed, joinIntervals))
}

/** All that is there, writer by writer. */
export function present<P>({ added }: Additions<P>): Addition<P>[] {
  return Object.entries(added).flatMap(([by, writes]) =>
    Object.entries(writes).flatMap(([count, names]) =>
      Object.entries(names).flatMap(([name, payload]) =>
        payload === null ? [] : [{ by, count: Number(count), name, payload }],
      ),
    ),
  )
}

/** Whether this write has added the name before, be it still there or not: then this is a retry. */
export function hasAdded<P>(value: Additions<P>, name: string, { by, count }: WriteId): boolean {
  const names = own(own(value.added, by) ?? {}, String(count))
  return isOver(value.removed, by, count) || (names !== undefined && Object.hasOwn(names, name))
}

/** Adds the name once: again with the same write, it changes nothing. */
export function withAddition<P>(
  value: Additions<P>,
  name: string,
  payload: P,
  write: WriteId,
): Additions<P> {
  if (hasAdded(value, name, write)) return value
  return withWrite(settled(value, write), write, { [name]: payload })
}

/**
 * Removes what is chosen of all that is there, except what this very write added: within one write, removals come
 * first.
 */
export function withoutAdditions<P>(
  value: Additions<P>,
  write: WriteId,
  chosen: (addition: Addition<P>) => boolean,
): Additions<P> {
  if (isOver(value.removed, write.by, write.count)) return value
  const { added, removed } = withWrite(value, write, {})
  const left = mapWrites(added, (names, by, count) => {
    if (isWrite(write, by, count)) return names
    return mapRecord(names, (payload, name) => {
      const goes = payload !== null && chosen({ by, count, name, payload })
      return goes ? null : payload
    })
  })
  return settled({ added: left, removed }, write)
}

/** Whether a stored value is of this form, and in its one form; total. */
export function isAdditions<P>(
  value: unknown,
  isPayload: (payload: unknown) => payload is P,
): value is Additions<P> {
  if (!isRecord(value) || Object.keys(value).length !== 2) return false
  const { added, removed } = value
  if (!isRecord(added) || !isRecord(removed)) return false
  if (!Object.values(removed).every(isIntervals)) return false
  return Object.entries(added).every(([by, writes]) => {
    if (!isRecord(writes) || Object.keys(writes).length === 0) return false
    const over = own(removed as Additions<P>['removed'], by) ?? []
    return Object.entries(writes).every(
      ([count, names]) =>
        isCountName(count) &&
        !hasCount(over, Number(count)) &&
        isRecord(names) &&
        Object.values(names).every((payload) => payload === null || isPayload(payload)),
    )
  })
}

function isCountName(name: string): boolean {
  return String(Number(name)) === name && isCount(Number(name))
}

function isOver(removed: Additions<unknown>['removed'], by: string, count: number): boolean {
  return hasCount(own(removed, by) ?? [], count)
}

function isWrite(write: Pick<WriteId, 'by' | 'count'>, by: string, count: number): boolean {
  return write.by === by && write.count === count
}

function withWrite<P>(
  { added, removed }: Additions<P>,
  { by, count }: Pick<WriteId, 'by' | 'count'>,
  names: Added<P>,
): Additions<P> {
  const writes = own(added, by) ?? {}
  const write = { ...own(writes, String(count)), ...names }
  return { added: { ...added, [by]: { ...writes, [count]: write } }, removed }
}

/** The same with all writes noted as over of which nothing is left, but for the one at work. */
function settled<P>({ added, removed }: Additions<P>, write: WriteId): Additions<P> {
  const over = mapRecord(added, (writes, by) => {
    const empty = Object.entries(writes)
      .filter(([count, names]) => !isWrite(write, by, Number(count)) && isEmpty(names))
      .map(([count]): Interval => [Number(count), Number(count)])
    return joinIntervals(own(removed, by) ?? [], empty)
  })
  const some = Object.entries(over).filter(([, intervals]) => intervals.length > 0)
  return withoutOver(added, { ...removed, ...Object.fromEntries(some) })
}

function isEmpty<P>(names: Added<P>): boolean {
  return Object.values(names).every((payload) => payload === null)
}

function mapWrites<P>(
  added: Additions<P>['added'],
  change: (names: Added<P>, by: string, count: number) => Added<P>,
): Additions<P>['added'] {
  return mapRecord(added, (writes, by) =>
    mapRecord(writes, (names, count) => change(names, by, Number(count))),
  )
}

function withoutOver<P>(
  added: Additions<P>['added'],
  removed: Additions<P>['removed'],
): Additions<P> {
  const writers = Object.entries(added).map(([by, writes]) => {
    const left = Object.entries(writes).filter(([count]) => !isOver(removed, by, Number(count)))
    return [by, Object.fromEntries(left)] as const
  })
  const kept = writers.filter(([, writes]) => Object.keys(writes).length > 0)
  return { added: Object.fromEntries(kept), removed }
}
