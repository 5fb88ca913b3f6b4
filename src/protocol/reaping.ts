/**
 * When a deleted key may be forgotten altogether: the decisions of a reaping round, pure.
 *
 * A tombstone is a promise that what it covers stays away. To drop it is safe once nothing it covers is left anywhere: on
 * no member's disk, in no task that read such a disk, in no message still on its way, and at no edge that may deliver
 * again. No time that has passed proves any of that. So the first owner asks every member, in two steps: first each
 * takes the tombstone into whatever it holds of the key; and once all have it, each lets everything end that had begun
 * before, and has every other member discard what it sent until then. When all say twice in a row that they have, and that
 * nothing has broken since, nobody is left who could bring anything back, and each drops the key if it has not moved.
 */
import { equalBytes } from '../data/bytes.ts'
import type { Digest } from '../data/hash.ts'
import { hasExpired, type ObjectState } from '../data/siblings.ts'
import type { ActorId, Seen } from '../data/vector.ts'
import type { MemberRecord, PeerId, View } from './membership.ts'
import { deadEntries, holdsAsAgreed, withoutEntries } from './shortening.ts'

/** What a member says when it is asked whether a round's keys have settled with it. */
export interface Settled {
  /** Of the view that it has; the member set, and each member's store. */
  readonly view: string
  /** False: it knows nothing of the round, having started anew meanwhile. */
  readonly known: boolean
  /** Whether what it did before the question is over, and discarded wherever it may still come. */
  readonly clean: boolean
}

/** What holds a round up: who it waits for, or that it is over. */
export type Standing = 'over' | 'waiting' | 'clean'

export const reapingRules = {
  /**
   * Whether a member may begin a round: one that lost its disk may know too few of those who must be asked, and one that has
   * reached nobody knows none of them, though somebody may have said that it can be trusted.
   */
  mayBegin: ({ readiness }: Pick<MemberRecord, 'readiness'>, isAlone: boolean): boolean =>
    readiness === 'ready' && !isAlone,

  /** Whom a round asks: all who may have taken something of the key, owners or not. */
  askedOf: (view: View): readonly PeerId[] => view.members.map(({ record }) => record.peer),

  /**
   * Whether a member that is asked takes this for a deleted key's, by its own clock. The asker's does not speak for it: who
   * still shows a value would lose it before its time.
   */
  agreesDead: (state: ObjectState, nowMs: number): boolean => isDead(state, nowMs),

  /** The entries of a long vector that may go while its key lives. */
  deadEntries: (state: ObjectState, generations: ReadonlySet<string>): Seen =>
    deadEntries(state, generations),

  /** Whether a member has taken in what such a round is about, and nothing has come to it since. */
  holdsAsAgreed: (state: ObjectState, agreed: Seen): boolean => holdsAsAgreed(state, agreed),

  /** What is left of a state once a round has agreed on these entries: those that have moved since stay. */
  withoutEntries: (state: ObjectState, agreed: Seen): ObjectState => withoutEntries(state, agreed),

  /** Whether a key stays in the round that so many of so many members hold as it was lent. */
  isHeldByAll: (held: number, members: number): boolean => held === members,

  /** What the answers to one pass come to: one that sees other members may know of somebody who was not asked. */
  standingOf: (own: string, answers: readonly Settled[]): Standing => {
    if (answers.some(({ known, view }) => !known || view !== own)) return 'over'
    return answers.every(({ clean }) => clean) ? 'clean' : 'waiting'
  },

  /** How many passes in a row must be clean: by the second, what was said in the first has held while all said it. */
  passesNeeded: (): number => 2,

  /** Whether what was sent in this session of its sender is still taken. */
  isCurrent: (session: number, newest: number): boolean => session >= newest,

  /** Whether all that began before the question must have ended. */
  waitsForWork: (): boolean => true,

  /** Whether the others must have promised to discard what was sent before. */
  waitsForOthers: (): boolean => true,

  /** Whether the key may go: it is what was asked about. */
  mayDrop: (held: Digest, asked: Digest): boolean => equalBytes(held, asked),

  /** Whether the tombstone that was lent for a round stays, so long after: until the asker ends it, however late. */
  keepsLent: (_awakeMs: number): boolean => true,

  /** Whether an edge may still deliver again what raised this record: so long ago it rose by one, in awake time. */
  mayComeAgain: (sinceMs: number, evictAfterMs: number): boolean => sinceMs < evictAfterMs,
}

export type ReapingRules = typeof reapingRules

/** Whether a state has nothing to show: it was written, and all that is left are tombstones, or has expired by then. */
export function isDead({ seen, siblings }: ObjectState, nowMs: number): boolean {
  return (
    seen.size > 0 &&
    siblings.every(({ value }) => value.bytes === undefined || hasExpired(value, nowMs))
  )
}

/** The generations of the stores that the members of this view have now. */
export function generationsIn(view: View): ReadonlySet<string> {
  let generations = known.get(view)
  if (generations === undefined) {
    generations = new Set(view.members.map(({ record }) => record.generation))
    known.set(view, generations)
  }
  return generations
}

/** Every write asks: the answer is made once for each view. */
const known = new WeakMap<View, ReadonlySet<string>>()

/** Whether someone minted these who is no present member: an edge, or a store that is gone. */
export function hasStrangers(actors: Iterable<ActorId>, generations: ReadonlySet<string>): boolean {
  for (const actor of actors) {
    if (!generations.has(actor.slice(0, actor.indexOf('.')))) return true
  }
  return false
}

/** The actors of whom more was seen afterwards. */
export function risenActors(before: ObjectState, after: ObjectState): ActorId[] {
  if (before.seen === after.seen) return []
  return [...after.seen].flatMap(([actor, { upTo, loose }]) => {
    const known = before.seen.get(actor)
    const same = known?.upTo === upTo && known.loose.length === loose.length
    return same ? [] : [actor]
  })
}
