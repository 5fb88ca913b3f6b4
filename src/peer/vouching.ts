/**
 * Asking an owner to vouch for what it tells: the two see the same lists, before it tells and after.
 *
 * Whoever takes what another holds, to count as one that holds it too, must know that nothing was acknowledged behind
 * its back: what that owner was counted for by other lists it had stored before it saw these.
 */
import type { Key } from '../data/key.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { ReplyOf } from '../protocol/message.ts'
import { ask } from './ask.ts'
import { isFailure } from './failure.ts'
import { listsOf } from './strict.ts'
import type { MemberWorld } from './world.ts'

export interface Telling {
  readonly peer: PeerId
  readonly partitions: readonly number[]
  /** Only as far as this key is concerned. */
  readonly key: Key | undefined
  /** Takes what the peer holds; resolves with whether it came to the end. */
  take(): Promise<boolean>
}

/**
 * Of these partitions, those whose lists the other side saw as this one did, both before and after `take`; and the
 * keys in them that it cannot vouch for. Tables that differ are compared. `ownStore` names the store that takes it: one that
 * is another afterwards has been told nothing.
 */
export async function vouched(
  world: MemberWorld,
  ownStore: () => string | undefined,
  { peer, partitions, key, take }: Telling,
): Promise<Map<number, readonly Key[]>> {
  const none = new Map<number, readonly Key[]>()
  const before = await askToVouch(world, peer, partitions, key)
  if (before === undefined) return none
  if (before.vouched.length < partitions.length) await world.compareTables(peer)
  const agreed = before.vouched.map(({ partition }) => partition)
  const store = ownStore()
  if (agreed.length === 0 || !(await take())) return none
  const after = await askToVouch(world, peer, agreed, key)
  if (ownStore() !== store) return none
  return new Map(after?.vouched.map(({ partition, except }) => [partition, except]))
}

async function askToVouch(
  world: MemberWorld,
  peer: PeerId,
  partitions: readonly number[],
  key: Key | undefined,
): Promise<ReplyOf<'vouched'> | undefined> {
  const width = 0x1_0000_0000 / world.view().identity.q
  const lists = partitions.map((partition) => {
    return { partition, digest: listsOf(world, partition * width).digest }
  })
  const options = { lane: 'background', deadlineMs: world.limits.requestMs } as const
  const question = { type: 'vouch', lists, key } as const
  const reply = await ask(world, peer, question, 'vouched', options)
  return isFailure(reply) ? undefined : reply
}
