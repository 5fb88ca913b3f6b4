/**
 * Read repair (paper §5): owners that answered with less than all answers say together are told the rest, in the
 * background. They take it as they take a debt that is paid.
 */
import { type Key, showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Request } from '../protocol/message.ts'
import { absorb } from './absorb.ts'
import { ask, isFailure } from './ask.ts'
import type { Records } from './records.ts'
import type { World } from './world.ts'

/** Tells these peers what each of them lacks. */
export async function repair(
  world: World,
  records: Records,
  lacking: ReadonlyMap<PeerId, readonly { readonly key: Key; readonly state: ObjectState }[]>,
): Promise<void> {
  const deadlineMs = world.limits.requestMs
  for (const [peer, items] of lacking) {
    if (peer === world.self) {
      await Promise.all(
        items.map(({ key, state }) => absorb(world, records, key, state, 'as owner')),
      )
      continue
    }
    const request: Request = { type: 'handoff', items }
    const reply = await ask(world, peer, request, 'taken', { lane: 'background', deadlineMs })
    const result = isFailure(reply) ? reply.why : 'ok'
    for (const { key } of items) world.say({ type: 'repair', key: showKey(key), to: peer, result })
  }
}
