/**
 * Read repair (paper §5): owners that answered with less than all answers say together are told the rest, in the
 * background. They take it as they take a debt that is paid.
 */
import { type Key, showKey } from '../data/key.ts'
import { type ObjectState, weightOf } from '../data/siblings.ts'
import { StorageError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { ReplyOf } from '../protocol/message.ts'
import { absorb } from './absorb.ts'
import { ask } from './ask.ts'
import { type Failure, isFailure } from './failure.ts'
import type { Records } from './records.ts'
import type { MemberWorld } from './world.ts'

/** What a peer lacks of a key. */
interface Lacking {
  readonly key: Key
  readonly state: ObjectState
}

/** Tells these peers what each of them lacks. */
export async function repair(
  world: MemberWorld,
  records: Records,
  lacking: ReadonlyMap<PeerId, readonly Lacking[]>,
): Promise<void> {
  for (const [peer, items] of lacking) {
    const results =
      peer === world.self
        ? await Promise.all(items.map((item) => take(world, records, item)))
        : await hand(world, peer, items)
    for (const [i, { key }] of items.entries()) {
      world.say({ type: 'repair', key: showKey(key), to: peer, result: results[i]! })
    }
  }
}

/** A disk of one's own that takes nothing is no reason to leave others behind. */
async function take(
  world: MemberWorld,
  records: Records,
  { key, state }: Lacking,
): Promise<string> {
  try {
    const absorbed = await absorb(world, records, key, state, 'as owner')
    return absorbed === undefined ? noOwner : 'ok'
  } catch (error) {
    if (error instanceof StorageError) return error.code
    throw error
  }
}

async function hand(
  world: MemberWorld,
  peer: PeerId,
  items: readonly Lacking[],
): Promise<string[]> {
  const results: string[] = []
  for (const message of messagesOf(world, items)) {
    const reply = await offer(world, peer, message)
    results.push(
      ...message.map((_, i) =>
        isFailure(reply) ? reply.why : reply.taken[i] === true ? 'ok' : noOwner,
      ),
    )
  }
  return results
}

function offer(
  world: MemberWorld,
  peer: PeerId,
  items: readonly Lacking[],
): Promise<ReplyOf<'taken'> | Failure> {
  const options = { lane: 'background', deadlineMs: world.limits.requestMs } as const
  return ask(world, peer, { type: 'handoff', items }, 'taken', options)
}

/** As few messages as will do, in the order of the items; what is large goes alone. */
function messagesOf(
  { limits }: MemberWorld,
  items: readonly Lacking[],
): readonly (readonly Lacking[])[] {
  const messages: Lacking[][] = []
  let left = 0
  for (const item of items) {
    const weight = weightOf(item.state)
    if (messages.length === 0 || weight > left) {
      messages.push([])
      left = limits.batchBytes
    }
    messages.at(-1)!.push(item)
    left -= weight
  }
  return messages
}

/** It owns the key no longer, in its own view. */
const noOwner = 'no owner'
