/**
 * Which entries of a long vector may go while its key lives: the decisions, pure.
 *
 * Each tab that ever wrote a key leaves an entry in what was seen of it, for good: a cart that a thousand tabs have shared
 * takes a thousand entries to every reader. Most of them stand for nothing that is left. But an entry is also what keeps
 * an old value away, so whoever pruned it alone would take that value in again from the next replica that still has it.
 * So entries go by a round of reaping, as tombstones do: once no disk, no task and no message can hold a value under
 * an entry any more, nothing needs the entry, and it does not matter who drops it first, or who brings it back.
 *
 * The entries of the members' present stores stay. They are as few as the members; and their minters count on from them,
 * notice by them that a disk is older than it knew, and are asked about by receipts.
 */
import type { ObjectState } from '../data/siblings.ts'
import type { ActorId, Entry, Seen } from '../data/vector.ts'

/** The entries of what was seen that nothing stands under, and under which no present store mints. */
export function deadEntries(
  { seen, siblings }: ObjectState,
  generations: ReadonlySet<string>,
): Seen {
  const standing = new Set(siblings.map(({ dot }) => dot.actor))
  const dead = [...seen].filter(([actor]) => {
    return !standing.has(actor) && !generations.has(actor.slice(0, actor.indexOf('.')))
  })
  return new Map(dead)
}

/** Whether this holds each of these entries as it was agreed on, and nothing under any of them. */
export function holdsAsAgreed(state: ObjectState, agreed: Seen): boolean {
  return unmoved(state, agreed).size === agreed.size
}

/** The state without those of these entries that are as they were agreed on; itself where there are none. */
export function withoutEntries(state: ObjectState, agreed: Seen): ObjectState {
  const gone = unmoved(state, agreed)
  if (gone.size === 0) return state
  const seen = new Map([...state.seen].filter(([actor]) => !gone.has(actor)))
  return { ...state, seen }
}

/** One that has risen since speaks of writes that nobody was asked about. */
function unmoved({ seen, siblings }: ObjectState, agreed: Seen): ReadonlySet<ActorId> {
  const standing = new Set(siblings.map(({ dot }) => dot.actor))
  const same = [...agreed].filter(([actor, entry]) => {
    return !standing.has(actor) && isSameEntry(seen.get(actor), entry)
  })
  return new Set(same.map(([actor]) => actor))
}

function isSameEntry(one: Entry | undefined, other: Entry): boolean {
  return (
    one?.upTo === other.upTo &&
    one.loose.length === other.loose.length &&
    one.loose.every((counter, i) => counter === other.loose[i])
  )
}
