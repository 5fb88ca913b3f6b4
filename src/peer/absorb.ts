/**
 * Taking in a state that another peer sent: by replication, repair, handoff or exchange, all by one rule.
 *
 * As an owner, a peer syncs it into its own. As a stand-in it does the same, and notes in the same step that it owes
 * the key to all present owners; if it has room for that. What it neither owns nor was asked to stand in for, it does not take.
 */
import { type Key, showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { type ActorId, highest, sameDot, showDot } from '../data/vector.ts'
import type { Durability } from '../protocol/buffering.ts'
import type { PeerId } from '../protocol/membership.ts'
import { placementIn } from '../protocol/placement.ts'
import { tooManyHints } from './foreign-space.ts'
import type { Decision, Held, Records } from './records.ts'
import type { MemberWorld } from './world.ts'

export interface Absorbed {
  /** What is durable here now. */
  readonly state: ObjectState
  /** The greatest counter of `minter` seen here before. */
  readonly highest: number
}

interface Kept extends Absorbed {
  readonly owed: readonly PeerId[]
}

/**
 * Resolves once it is durable here, or buffered if that is asked; undefined when this peer is no owner and may not stand in. Rejects with
 * `too-many-hints` where it would stand in and has no room for that.
 */
export async function absorb(
  world: MemberWorld,
  records: Records,
  key: Key,
  arrived: ObjectState,
  as: 'as owner' | 'as stand-in',
  minter?: ActorId,
  durability?: Durability,
): Promise<Absorbed | undefined> {
  // Under the view of the instant of the step: a debt to former owners would never be paid.
  const debt = (): readonly PeerId[] => {
    const { owners } = placementIn(world.view(), key.position)
    return world.rules.debtOf(world.self, owners)
  }
  if (as === 'as owner' && debt().length > 0) return undefined
  const decide = ({ object }: Held): Decision<Kept | undefined> => {
    const owed = debt()
    // It has ceased to be an owner since it was asked: what it said would not count.
    if (as === 'as owner' && owed.length > 0) return { result: undefined }
    const state = world.rules.merge(object.state, arrived)
    const before = minter === undefined ? 0 : highest(object.state.seen, minter)
    const result = { state, highest: before, owed }
    const minterAfter = world.rules.minterAfter(object, arrived.seen)
    return { result, state, minter: minterAfter, owed, orRefuse: () => tooManyHints(key) }
  }
  const absorbed = await records.change(key, decide, durability)
  if (absorbed === undefined) return undefined
  sayOwed(world, key, absorbed.owed)
  reportTwins(world, key, absorbed.state)
  return absorbed
}

/** What is kept for others is a hint, whichever way it came. */
export function sayOwed(world: MemberWorld, key: Key, owed: readonly PeerId[]): void {
  if (owed.length === 0) return
  world.say({ type: 'hint', key: showKey(key), detail: `owed to ${owed.join(' ')}` })
}

/** Two values under one dot: somebody forged, or a disk lied. Both are kept; people must know. */
function reportTwins(world: MemberWorld, key: Key, { siblings }: ObjectState): void {
  for (const [i, { dot }] of siblings.entries()) {
    const previous = siblings[i - 1]
    if (previous === undefined || !sameDot(previous.dot, dot)) continue
    world.say({ type: 'forgery', key: showKey(key), dot: showDot(dot) })
  }
}
