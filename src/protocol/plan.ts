/**
 * What a change of the members would move: worked out, never done.
 *
 * Who owns what is a pure function of the members, so the ring after a change can be looked at before anybody changes
 * anything. How much *must* move is said beside how much would: a bare count says nothing, as to take out a member of
 * three moves nothing at all, and one of sixty a sixtieth.
 *
 * A new peer's id decides which partitions it prefers, and nobody knows it before its first start. Unless one is given, the
 * plan is that of a made-up id: the counts are those that another would have within a few, the partitions are not.
 */
import { makeRing, type Ring, type RingMember } from '../data/ring.ts'
import type { RingShape } from '../data/ring-shape.ts'
import { type Spread, spreadOf } from '../data/spread.ts'
import { RingletError } from './errors.ts'

export interface RingChange {
  /** The ids of members that go. */
  readonly without?: readonly string[]
  /** Members that come. */
  readonly with?: readonly NewMember[]
}

export interface NewMember {
  /** By default one that is made up: `new-1`, `new-2`… */
  readonly id?: string
  readonly host: string
  /** `default` unless given. */
  readonly zone?: string
  /** 1 to 64; 1 unless given. */
  readonly weight?: number
  /** `durable` unless given. */
  readonly class?: 'durable' | 'transient'
}

export interface RingPlan {
  /** The members of both rings: those that stay or go by their ids, then the new ones. */
  readonly members: readonly MemberPlan[]
  /** How many replicas the ring would have: Q × N, or fewer where members are too few. */
  readonly replicas: number
  /** How many of them somebody would have to fetch. */
  readonly moved: number
  /** No way of giving the new members their parts, and those of the others to somebody, moves fewer. */
  readonly leastMoved: number
  /** How owners are spread over hosts and zones, before and after: the partitions where not as they should be. */
  readonly before: Spread
  readonly after: Spread
}

export interface MemberPlan {
  readonly id: string
  readonly change: 'stays' | 'goes' | 'comes'
  readonly host: string
  readonly zone: string
  readonly weight: number
  /** Partitions that it owns, and would own. */
  readonly before: number
  readonly after: number
  /** Partitions that it would have to fetch, and may forget. */
  readonly gained: number
  readonly givenUp: number
}

/**
 * What would move if the members changed so. It asks nobody and changes nothing. `shape` is the identity in a ring's file;
 * `members` are those of a peer's status. Throws `RingletError`, `bad-argument`: for a member that is not there or comes
 * twice, for a change of nothing, and for one that leaves nobody.
 *
 * ```ts
 * const { identity } = loadRingFile('ring.json')
 * const plan = planChange(identity, peer.status.members, { with: [{ host: 'attic' }] })
 * console.log(`${plan.moved} of ${plan.replicas} replicas would move`)
 * ```
 */
export function planChange(
  shape: RingShape,
  members: readonly RingMember[],
  change: RingChange,
): RingPlan {
  const going = checkedIds(members, change.without ?? [])
  const coming = (change.with ?? []).map(newMember)
  if (going.size + coming.length === 0) throw badChange('nothing is to change')
  const staying = members.filter(({ id }) => !going.has(id))
  if (staying.length + coming.length === 0) throw badChange('nobody would be left')

  const before = checkedRing(shape, members)
  const after = checkedRing(shape, [...staying, ...coming])
  const old = before.members.map((member) =>
    memberPlan(before, after, member, going.has(member.id) ? 'goes' : 'stays'),
  )
  const plans = [...old, ...coming.map((member) => memberPlan(before, after, member, 'comes'))]
  const least = Math.max(
    sum(plans.filter((plan) => plan.change === 'comes').map((plan) => plan.after)),
    orphansOf(before, after, going),
  )
  return {
    members: plans,
    replicas: sum(plans.map((plan) => plan.after)),
    moved: sum(plans.map(({ gained }) => gained)),
    leastMoved: least,
    before: spreadOf(before),
    after: spreadOf(after),
  }
}

/** How many replicas are left with nobody and must be taken by somebody. */
function orphansOf(before: Ring, after: Ring, going: ReadonlySet<string>): number {
  let count = 0
  for (let partition = 0; partition < after.shape.q; partition++) {
    const left = before.ownersOf(partition).filter((id) => !going.has(id))
    count += Math.max(0, after.ownersOf(partition).length - left.length)
  }
  return count
}

function memberPlan(
  before: Ring,
  after: Ring,
  { id, host, zone, weight }: RingMember,
  change: MemberPlan['change'],
): MemberPlan {
  const count = { before: 0, after: 0, gained: 0, givenUp: 0 }
  for (let partition = 0; partition < after.shape.q; partition++) {
    const had = before.ownersOf(partition).includes(id)
    const has = after.ownersOf(partition).includes(id)
    if (had) count.before++
    if (has) count.after++
    if (has && !had) count.gained++
    if (had && !has) count.givenUp++
  }
  return { id, change, host, zone, weight, ...count }
}

function newMember(given: NewMember, at: number): RingMember {
  const { id = `new-${at + 1}`, host, zone = 'default', weight = 1 } = given
  return { id, host, zone, weight, class: given.class ?? 'durable' }
}

function checkedIds(members: readonly RingMember[], ids: readonly string[]): ReadonlySet<string> {
  const stranger = ids.find((id) => !members.some((member) => member.id === id))
  if (stranger !== undefined) throw badChange(`the ring has no member ${stranger}`)
  return new Set(ids)
}

/** What the ring does not take is a fault of who asked for it. */
function checkedRing(shape: RingShape, members: readonly RingMember[]): Ring {
  try {
    return makeRing(shape, members)
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause
    throw badChange(cause.message)
  }
}

function badChange(message: string): RingletError {
  return new RingletError('bad-argument', message, {
    remedy: 'Name members that are there, and new ones with a host and a weight from 1 to 64.',
  })
}

function sum(counts: readonly number[]): number {
  return counts.reduce((all, count) => all + count, 0)
}
