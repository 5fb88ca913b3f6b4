/**
 * Strict requests: who counts, and what to do about those who see the ring otherwise.
 *
 * Two majorities have a member in common, but that is no use if it has lost its disk in between. So an owner counts only
 * while it is ready, and only if it sees the same as the asker: who the owners are, which stores they have, which of them
 * are ready. One that knows of a lost disk counts for nobody who does not; by the time that the lost one is ready again
 * so many know of it that nobody is left to make a quorum of the others' older view.
 */
import { equalBytes } from '../data/bytes.ts'
import type { Digest } from '../data/hash.ts'
import type { Key } from '../data/key.ts'
import type { MemberRecord, PeerId, View } from '../protocol/membership.ts'
import { allOwners, ownerLists, ownersDigest } from '../protocol/lists.ts'
import { hostsOf, type Quota } from '../protocol/quorum.ts'
import { ownersOnly, type Placement, placementIn, placementOf } from '../protocol/placement.ts'
import type { Records } from './records.ts'
import type { Fanned, Weight } from './fanout.ts'
import type { MemberWorld } from './world.ts'

/** The lists of one key's owners, as they stood when a request went out. */
export interface Lists {
  readonly digest: Digest
  readonly owners: ReadonlyMap<PeerId, MemberRecord>
  /** The owners by each of the rings that stand, where there are two and they differ. */
  readonly rings: readonly (readonly PeerId[])[]
  /** Those who answered, and see others: their word does not count until both see the same. */
  readonly disagreeing: Set<PeerId>
}

/** What an answer says of its answerer. */
export interface Standing {
  /** Of all that others could tell it, it misses nothing: they may have lost it as well. */
  readonly ready: boolean
  readonly agrees: boolean
  /** It has not lost a disk, or has been told by so many that nothing acknowledged can be missing. */
  readonly whole: boolean
}

export function listsOf(world: MemberWorld, position: number): Lists {
  const view = world.view()
  const now = placementOf(view.ring, position)
  const lists = ownerLists(now.partition, view.ring, view.next)
  const recordOf = (peer: PeerId): MemberRecord => recordIn(view.byPeer, peer)
  return {
    digest: ownersDigest(lists, recordOf, world.rules.listsDigest),
    owners: new Map(allOwners(lists).map((peer) => [peer, recordOf(peer)])),
    rings: lists.next === undefined ? [] : [lists.now, lists.next.owners],
    disagreeing: new Set(),
  }
}

/** What a member says of itself. One whose word has not come yet counts for nothing. */
export function recordIn(byPeer: View['byPeer'], peer: PeerId): MemberRecord {
  return byPeer.get(peer)?.record ?? { ...unheard, peer }
}

const unheard: Omit<MemberRecord, 'peer'> = {
  version: 0,
  class: 'durable',
  host: '',
  zone: '',
  weight: 1,
  addresses: [],
  generation: '',
  readiness: 'refilling',
  losses: 0,
}

/** While one ring goes over into another a strict request needs its number of answers from the owners by each. */
export function ringQuotas(
  { changing }: MemberWorld,
  { rings }: Lists,
  needed: number,
  what: 'put' | 'get',
): Quota[] {
  return changing
    .ringsCounted(rings, what)
    .map((owners) => ({ needed, among: (peer) => owners.includes(peer) }))
}

/** What this peer says of itself with an answer: asked after what it answers is durable, or before it is read. */
export function ownStanding(
  world: MemberWorld,
  records: Records,
  key: Key,
  asked: Digest | undefined,
): Standing {
  const sound = !isInDoubt(world, records, key)
  const ready = sound && world.holdsAll(key)
  const whole = sound && world.view().byPeer.get(world.self)?.record.readiness === 'ready'
  if (asked === undefined) return { ready, agrees: false, whole }
  return { ready, agrees: equalBytes(listsOf(world, key.position).digest, asked), whole }
}

export function isInDoubt({ rules }: MemberWorld, { doubts }: Records, key: Key): boolean {
  return rules.isInDoubt(doubts.has(key))
}

/** Whom a request may ask. */
export function placementFor(world: MemberWorld, position: number, strict: boolean): Placement {
  const view = world.view()
  // Without strictness an owner to be is nobody to ask yet.
  const placement = strict ? placementIn(view, position) : placementOf(view.ring, position)
  return world.rules.mayStandIn(strict) ? placement : ownersOnly(placement)
}

/** What an answer is worth in a strict request. */
export function weighStrictly(
  world: MemberWorld,
  lists: Lists,
  peer: PeerId,
  standing: Omit<Standing, 'whole'>,
): Weight {
  const record = lists.owners.get(peer)
  const owner = { isOwner: record !== undefined, readiness: record?.readiness ?? 'new' }
  if (world.rules.countsStrictly(owner, standing)) return 'counts'
  if (!standing.agrees) lists.disagreeing.add(peer)
  return { merges: true, why: standing.agrees ? 'not ready' : 'other lists' }
}

const shortestPauseMs = 50

/**
 * Brings this view and those of everybody who disagreed together: whether the request may be tried again. `attempt`
 * counts from 1: a difference that stays is asked about ever more rarely.
 */
export async function agree(
  world: MemberWorld,
  { disagreeing }: Lists,
  endMs: number,
  attempt: number,
): Promise<boolean> {
  if (disagreeing.size === 0) return false
  const { clock, limits } = world
  const pauseMs = Math.min(limits.ownerMs, shortestPauseMs * 2 ** attempt)
  if (clock.elapsed() + pauseMs >= endMs) return false
  const { promise: paused, resolve } = Promise.withResolvers<void>()
  clock.after(pauseMs, resolve)
  for (const peer of disagreeing) world.tasks.run('compare tables', world.compareTables(peer))
  await paused
  return true
}

/** Whether R owners answered that miss nothing: then what they do not tell is not there. */
export function saysAll(
  { isWhole }: MemberWorld['rules'],
  { answers, tally }: Fanned<Standing & { readonly peer: PeerId; readonly owner: boolean }>,
  r: number,
): boolean {
  const whole = new Set(answers.filter(isWhole).map(({ peer }) => peer))
  return hostsOf(tally.acks.filter(({ peer }) => whole.has(peer))) >= r
}
