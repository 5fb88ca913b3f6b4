/**
 * What became of this device's writes of a key, once nothing lists them any more.
 *
 * A write that all owners have is forgotten, or a device that writes a cart every day would keep a year of writes. Its
 * receipt can still be asked for. An epoch is taken for one key only and counts without a gap, so what is left to
 * remember is little: how far each epoch counted, and which writes were refused. Whatever was counted, was not refused
 * and is not listed is everywhere, or was superseded on this device by a write that is.
 *
 * Where so much has been forgotten that this does not follow, it is not claimed.
 */
import type { ActorId, Dot } from '../data/vector.ts'
import { type Codec, list, optional, struct, text, varint } from './codec.ts'
import type { RingletError } from './errors.ts'
import { includesId } from './receipt-id.ts'
import { actor } from './state.ts'

export interface Past {
  /** Epochs that are counted under no more, and how far they were; the newest last. */
  readonly epochs: readonly { readonly actor: ActorId; readonly minted: number }[]
  /** Writes that were refused for good; the newest last. */
  readonly refusals: readonly Refusal[]
}

export interface Refusal {
  readonly ids: readonly string[]
  readonly code: string
  readonly message: string
  readonly remedy: string | undefined
}

export const noPast: Past = { epochs: [], refusals: [] }

export const past: Codec<Past> = struct({
  epochs: list(struct({ actor, minted: varint })),
  refusals: list(struct({ ids: list(text), code: text, message: text, remedy: optional(text) })),
})

/** An epoch is abandoned when something went wrong, or the store is another: so many are remembered. */
const keptEpochs = 16
export const keptRefusals = 16

/** This epoch is counted under no more. */
export function withEpoch(before: Past, left: ActorId | undefined, minted: number): Past {
  if (left === undefined || minted === 0) return before
  const epochs = [...before.epochs, { actor: left, minted }].slice(-keptEpochs)
  return { ...before, epochs }
}

export function withRefusal(
  before: Past,
  ids: readonly string[],
  { code, message, remedy }: RingletError,
): Past {
  const all = [...before.refusals, { ids, code, message, remedy }]
  const refusals = all.slice(-keptRefusals)
  // Of an epoch with a refusal that is forgotten, one would say that all of it is everywhere.
  const forgotten = all.slice(0, -keptRefusals).flatMap((each) => each.ids)
  const epochs = before.epochs.filter(
    (epoch) => !forgotten.some((id) => id.startsWith(`${epoch.actor}:`)),
  )
  return { epochs, refusals }
}

export function refusalOf({ refusals }: Past, id: Dot): Refusal | undefined {
  return refusals.find(({ ids }) => includesId(ids, id))
}

/** Whether this was counted under an epoch that is left. */
export function wasCounted({ epochs }: Past, { actor: minter, counter }: Dot): boolean {
  return epochs.some((epoch) => epoch.actor === minter && counter <= epoch.minted)
}
