/**
 * Keys that so many have written that one more should not: an edge then has a member write for it.
 *
 * What an edge mints itself costs the key an entry of what was seen, for every reader, until a round of reaping lets go of it;
 * what a member mints costs none that is not there anyway. So where a key has a thousand entries, an edge that is not among
 * them asks a member, also for what it would otherwise write on its own device first. It keeps that write on top of its
 * copy all the same: what it has written it shows. Where no member answers it writes here, as always: better a long vector
 * than a write that waits for a network.
 */
import type { OwnWrite } from '../protocol/copy.ts'
import { outcomeUnknown, RingletError, StorageError } from '../protocol/errors.ts'
import { farWriteOfId } from '../protocol/receipt-id.ts'
import { ringHash } from '../protocol/view.ts'
import type { Receipt } from './api.ts'
import type { Copies } from './copies.ts'
import type { WriteOrder } from './keyed.ts'
import type { World } from './world.ts'

/** `forward` has a member write it. Where it has not, this device is to write itself; `uncertain` if it may have. */
export async function writtenElsewhere(
  world: World,
  copies: Copies,
  order: WriteOrder,
  forward: () => Promise<Receipt | undefined>,
): Promise<Receipt | 'uncertain' | undefined> {
  const { key, value, write, ack } = order
  if (!isOneTooMany(world, copies, order) || world.transport.links().length === 0) return undefined
  // Durable before it leaves: after a crash, the value may already hold what this count added.
  if (write !== undefined) await copies.countTo(key, write.count)
  const receipt = await forward().catch((error: unknown) => {
    if (error instanceof RingletError && error.outcome === 'refused') return undefined
    return 'uncertain' as const
  })
  if (receipt === undefined || receipt === 'uncertain') return receipt
  const far = farWriteOfId(ringHash(world.view().identity), receipt.id)
  if (far === undefined || !copies.of(key).followed) return receipt
  const { dot, context } = far
  const { acks } = receipt
  const hints = Object.entries(receipt.hints).map(([holder, owner]) => ({ holder, owner }))
  const own: OwnWrite = { ids: [], dot, context, value, stage: 'quorum', acks, hints }
  try {
    await copies.change(key, (held) => ({ ...held, writes: [...held.writes, own] }))
  } catch (error) {
    // It is written, and this device has no room to show it: who asked for no more than the ring's word has that.
    if (!(error instanceof StorageError) || ack === 'device') throw outcomeUnknown(error)
  }
  return receipt
}

/** What waits to be delivered goes first, under the name that it has. */
function isOneTooMany(world: World, copies: Copies, { key, context }: WriteOrder): boolean {
  const { copy, minter = '', writes } = copies.of(key)
  const seen = copy.seen.size > context.size ? copy.seen : context
  return seen.size >= world.limits.vectorActors && !seen.has(minter) && writes.length === 0
}
