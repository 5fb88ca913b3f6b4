/**
 * Where things are: who holds what of a key, and what each member says of itself.
 *
 * Who *should* hold a key follows from the ring; who *does* is known to nobody but the holders. So each is asked, on
 * the spot, and one that is silent is called silent: an answer from a cache would show a copy that is long gone. These
 * questions are somebody's curiosity. They draw no conclusions about the links, and only a few are on their way at one
 * time.
 */
import type { Key } from '../data/key.ts'
import { emptyState, liveSiblings, type ObjectState, sameState, sync } from '../data/siblings.ts'
import type { PeerId } from '../protocol/membership.ts'
import {
  decodeReply,
  encodeRequest,
  type Reply,
  type ReplyOf,
  type Request,
} from '../protocol/message.ts'
import { placementOf } from '../protocol/placement.ts'
import type { Holding, Location, MemberReport } from './api.ts'
import type { World } from './world.ts'

/** What a member says when it is itself among those to be asked. */
export interface OwnWord {
  held(key: Key): Promise<ObjectState>
  report(): Promise<Omit<MemberReport, 'member' | 'answered'>>
}

/** So many members are asked at one time. */
const askedAtOnce = 16

/** Resolves once every member has answered or let its time pass; `own` answers for this peer if it is a member. */
export async function locate(world: World, key: Key, own?: OwnWord): Promise<Location> {
  const { partition, owners, fallbacks } = placementOf(world.view().ring, key.position)
  const members = [...owners, ...fallbacks]
  const states = await ofEach(members, (member) => stateAt(world, member, key, own))
  const everything = states.reduce<ObjectState>(
    (all, state) => sync(all, state ?? emptyState),
    emptyState,
  )
  const preference = members.map((member, at): Holding => {
    const state = states[at]
    const role = at < owners.length ? 'owner' : 'fallback'
    if (state === undefined) return { member, role, holds: 'silent', siblings: 0 }
    const shown = world.rules.shownAt(state, world.clock.now())
    return { member, role, holds: howMuch(state, everything), siblings: liveSiblings(shown).length }
  })
  return { partition, preference }
}

/** In the order of the members' ids. */
export async function reports(world: World, own?: OwnWord): Promise<readonly MemberReport[]> {
  const members = world.view().ring.members.map(({ id }) => id)
  return ofEach(members, async (member) => {
    const word =
      member === world.self && own !== undefined
        ? await own.report()
        : await inquire(world, member, { type: 'status' }, 'status')
    if (word === undefined) return { member, answered: false, hints: 0, keys: 0, suspects: [] }
    const { hints, keys, suspects, reapingWaitsFor } = word
    return { member, answered: true, hints, keys, suspects, reapingWaitsFor }
  })
}

function howMuch(state: ObjectState, everything: ObjectState): Holding['holds'] {
  if (state.seen.size === 0) return 'none'
  return sameState(state, everything) ? 'all' : 'part'
}

/** What this member holds of the key; undefined when it does not say. */
async function stateAt(
  world: World,
  member: PeerId,
  key: Key,
  own: OwnWord | undefined,
): Promise<ObjectState | undefined> {
  if (member === world.self && own !== undefined) return own.held(key).catch(() => undefined)
  const answer = await inquire(world, member, { type: 'read', key, have: undefined }, 'read')
  return answer?.state
}

async function inquire<T extends Reply['type']>(
  world: World,
  member: PeerId,
  question: Request,
  expected: T,
): Promise<ReplyOf<T> | undefined> {
  const options = { lane: 'foreground', deadlineMs: world.limits.ownerMs } as const
  try {
    const body = await world.transport.request(member, encodeRequest(question), options)
    const reply = decodeReply(body)
    return reply.type === expected ? (reply as ReplyOf<T>) : undefined
  } catch {
    return undefined
  }
}

/** What `ask` makes of each, in their order, a few at a time. */
async function ofEach<T>(
  members: readonly PeerId[],
  ask: (member: PeerId) => Promise<T>,
): Promise<T[]> {
  const answers: T[] = []
  const waiting = members.entries()
  const lane = async (): Promise<void> => {
    for (const [at, member] of waiting) answers[at] = await ask(member)
  }
  await Promise.all(Array.from({ length: askedAtOnce }, lane))
  return answers
}
