/**
 * All that members have said about the ring's changes, as one table that merges (paper §4.8.1).
 *
 * Statements arrive in any order, twice, and by detours, and every peer must end with the same table. So each part of it
 * only ever grows in an order of its own: of a member's courses the newest stays, of one joining and its removal the
 * removal, of rosters the one with the greatest number. What the others overtake is let go of in the same step, and
 * stays overtaken: a removed member cannot circle back, a change whose base has passed cannot open again.
 *
 * Steps are kept for a while behind the roster that is settled, for peers that were away.
 */
import { compareBytes, compareText, MalformedError } from '../data/bytes.ts'
import { type Codec, list, mapped, optional, struct } from './codec.ts'
import { limits } from './limits.ts'
import { makeRoster, type Roster } from './seats.ts'
import {
  type Change,
  type ChangeId,
  changeId,
  changeKind,
  type Course,
  courseKind,
  type Departure,
  orderKind,
  removalKind,
  seats,
  type Signed,
  signedCodec,
  type Step,
  stepKind,
} from './statement.ts'
import type { PeerId } from './view.ts'

/** A roster that a completed change led to. */
export interface Settled {
  readonly step: Signed<Step>
  readonly roster: Roster
}

export interface Facts {
  /** Undefined while the ring is being founded. */
  readonly settled: Settled | undefined
  /** By the numbers of the rosters that they led to. */
  readonly steps: ReadonlyMap<number, Signed<Step>>
  readonly courses: ReadonlyMap<PeerId, Signed<Course>>
  readonly removals: ReadonlyMap<PeerId, Signed<Departure>>
  readonly orders: ReadonlyMap<PeerId, Signed<Departure>>
  readonly changes: ReadonlyMap<ChangeId, Signed<Change>>
}

export const noFacts: Facts = {
  settled: undefined,
  steps: new Map(),
  courses: new Map(),
  removals: new Map(),
  orders: new Map(),
  changes: new Map(),
}

/** Statements on their way, in no order. */
export interface Statements {
  readonly settled?: Settled | undefined
  readonly steps?: readonly Signed<Step>[]
  readonly courses?: readonly Signed<Course>[]
  readonly removals?: readonly Signed<Departure>[]
  readonly orders?: readonly Signed<Departure>[]
  readonly changes?: readonly Signed<Change>[]
}

/** The table once these were heard; the same object where none is news. */
export function heard(facts: Facts, said: Statements): Facts {
  const settled = later(facts.settled, said.settled)
  const steps = [...(said.steps ?? []), ...(said.settled ? [said.settled.step] : [])]
  const all: Facts = {
    settled,
    steps: joined(facts.steps, steps, ({ said: { number } }) => number, isAbove, limits.steps * 2),
    courses: joined(facts.courses, said.courses, ofPeer, isNewer, limits.members),
    removals: joined(facts.removals, said.removals, ofPeer, isLaterJoin, limits.members),
    orders: joined(facts.orders, said.orders, ofPeer, isLaterJoin, limits.members),
    changes: joined(facts.changes, said.changes, changeId, isAbove, limits.changes),
  }
  const next = withoutOvertaken(all)
  const isSame =
    next.settled === facts.settled &&
    mapsOf(next).every((map, at) => holdsTheSame(map, mapsOf(facts)[at]!))
  return isSame ? facts : next
}

export function mergedFacts(a: Facts, b: Facts): Facts {
  return heard(a, statementsOf(b))
}

export function statementsOf({ settled, ...maps }: Facts): Required<Statements> {
  return {
    settled,
    steps: [...maps.steps.values()],
    courses: [...maps.courses.values()],
    removals: [...maps.removals.values()],
    orders: [...maps.orders.values()],
    changes: [...maps.changes.values()],
  }
}

/** Whether this joining of a peer is over. */
export function isRemoved({ removals }: Facts, peer: PeerId, join: number): boolean {
  return (removals.get(peer)?.said.join ?? -1) >= join
}

/** The course of a peer, unless it is over. */
export function courseOf({ courses }: Facts, peer: PeerId): Course | undefined {
  return courses.get(peer)?.said
}

function withoutOvertaken(facts: Facts): Facts {
  const number = facts.settled?.roster.number ?? 0
  const isOver = ({ said: { peer, join } }: Signed<Course | Departure>): boolean =>
    isRemoved(facts, peer, join)
  return {
    ...facts,
    steps: filtered(facts.steps, ({ said }) => said.number > number - limits.steps),
    courses: filtered(facts.courses, (course) => !isOver(course)),
    orders: filtered(facts.orders, (order) => !isOver(order)),
    changes: filtered(facts.changes, ({ said }) => said.number > number),
  }
}

/** Each in the place of what it is above; the same map where none is. */
function joined<K, T>(
  held: ReadonlyMap<K, T>,
  arrived: readonly T[] | undefined,
  nameOf: (item: T) => K,
  isLater: (a: T, b: T) => boolean,
  most: number,
): ReadonlyMap<K, T> {
  let next: Map<K, T> | undefined
  for (const item of arrived ?? []) {
    const known = (next ?? held).get(nameOf(item))
    if (known === undefined ? (next ?? held).size >= most : !isLater(item, known)) continue
    next ??= new Map(held)
    next.set(nameOf(item), item)
  }
  return next ?? held
}

function mapsOf({ settled: _, ...maps }: Facts): readonly ReadonlyMap<unknown, unknown>[] {
  return Object.values(maps)
}

function holdsTheSame(a: ReadonlyMap<unknown, unknown>, b: ReadonlyMap<unknown, unknown>): boolean {
  return a === b || (a.size === b.size && [...a].every(([name, item]) => b.get(name) === item))
}

function filtered<K, T>(held: ReadonlyMap<K, T>, stays: (item: T) => boolean): ReadonlyMap<K, T> {
  const left = [...held].filter(([, item]) => stays(item))
  return left.length === held.size ? held : new Map(left)
}

function ofPeer({ said }: Signed<{ readonly peer: PeerId }>): PeerId {
  return said.peer
}

function isNewer(a: Signed<Course>, b: Signed<Course>): boolean {
  const byJoin = a.said.join - b.said.join
  if (byJoin !== 0) return byJoin > 0
  return a.said.version !== b.said.version ? a.said.version > b.said.version : isAbove(a, b)
}

function isLaterJoin(a: Signed<Departure>, b: Signed<Departure>): boolean {
  return a.said.join !== b.said.join ? a.said.join > b.said.join : isAbove(a, b)
}

/** Of several that say as much everybody keeps the same one. */
function isAbove(a: Signed<unknown>, b: Signed<unknown>): boolean {
  return (compareBytes(a.signed, b.signed) || compareBytes(a.signature, b.signature)) > 0
}

function later(a: Settled | undefined, b: Settled | undefined): Settled | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const byNumber = a.roster.number - b.roster.number
  if (byNumber !== 0) return byNumber > 0 ? a : b
  const byName = compareText(a.roster.id, b.roster.id)
  if (byName !== 0) return byName > 0 ? a : b
  return isAbove(b.step, a.step) ? b : a
}

const settledCodec: Codec<Settled> = mapped(
  struct({ step: signedCodec(stepKind), seats }),
  ({ step, roster }: Settled) => ({ step, seats: roster.seats }),
  ({ step, seats: sitting }) => {
    const roster = makeRoster(step.said.number, sitting)
    if (roster.id !== step.said.roster) throw new MalformedError('a roster of another name')
    return { step, roster }
  },
)

/** How statements travel, and are stored. */
export const statementsCodec: Codec<Required<Statements>> = struct({
  settled: optional(settledCodec),
  steps: list(signedCodec(stepKind)),
  courses: list(signedCodec(courseKind)),
  removals: list(signedCodec(removalKind)),
  orders: list(signedCodec(orderKind)),
  changes: list(signedCodec(changeKind)),
})
