/**
 * What has become of a write of this device, as its key's entry tells it: the answer of a receipt that is asked for by
 * its id alone. Where the entry does not say, neither does the receipt.
 */
import { type Dot, nothingSeen, sameDot, type Seen, withDot } from '../data/vector.ts'
import type { EdgeCopy, OwnWrite } from './copy.ts'
import { type Refusal, refusalOf, wasCounted } from './past.ts'
import { forgetsSome, includesId } from './receipt-id.ts'

export type Fate =
  /** On its way, or spoken for by a write that is. */
  | { readonly kind: 'listed'; readonly own: OwnWrite }
  | { readonly kind: 'refused'; readonly refusal: Refusal }
  /** All owners have it, or one that superseded it here. `seen`: what is sure to be in its writer's context. */
  | { readonly kind: 'everywhere'; readonly seen: Seen }

/** Undefined where the entry does not know, or this device never gave out such an id. */
export function fateOf(held: EdgeCopy, id: Dot): Fate | undefined {
  const own = listedOf(held, id)
  if (own !== undefined) return { kind: 'listed', own }
  const refusal = refusalOf(held.past, id)
  if (refusal !== undefined) return { kind: 'refused', refusal }
  // It may be spoken for by a write that speaks for too many to name.
  if (held.writes.some(({ ids }) => forgetsSome(ids))) return undefined
  // Or be one of too many that were refused together.
  if (held.past.refusals.some(({ ids }) => forgetsSome(ids))) return undefined
  if (held.minter === id.actor && id.counter <= held.minted) {
    return { kind: 'everywhere', seen: withDot(nothingSeen, id) }
  }
  // Of an epoch that was left, the owners may have seen another write under this name.
  return wasCounted(held.past, id) ? { kind: 'everywhere', seen: nothingSeen } : undefined
}

function listedOf({ writes }: EdgeCopy, id: Dot): OwnWrite | undefined {
  return writes.find(({ ids }) => includesId(ids, id)) ?? writes.find(({ dot }) => sameDot(dot, id))
}
