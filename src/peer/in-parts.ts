/**
 * Telling a peer a state that may be larger than a message: part after part, and it counts when all have been taken.
 */
import { partsOf } from '../data/parts.ts'
import type { ObjectState } from '../data/siblings.ts'
import type { Limits } from '../protocol/limits.ts'
import { type Failure, isFailure } from './failure.ts'

/** What a part may weigh: what comes with it, and one value more, still fit into the message. */
export function partBytes({ messageBytes }: Limits): number {
  return messageBytes / 2
}

/**
 * Tells the state, whole if it is small enough. Resolves with the first reply, which says what was there before, or with
 * the first failure; one that follows a part that was taken proves nothing of the whole.
 */
export async function tellInParts<R extends object>(
  limits: Limits,
  state: ObjectState,
  tell: (part: ObjectState) => Promise<R | Failure>,
): Promise<R | Failure> {
  let first: R | undefined
  let last: R | undefined
  for (const part of partsOf(state, partBytes(limits))) {
    const reply = await tell(part)
    if (isFailure(reply)) return first === undefined ? reply : { ...reply, sent: true }
    first ??= reply
    last = reply
  }
  // Whether the other side counts in a strict request it says anew with each part, and means what it has taken so far.
  const { ready, agrees } = last as { readonly ready?: boolean; readonly agrees?: boolean }
  return {
    ...first!,
    ...(ready !== undefined && { ready }),
    ...(agrees !== undefined && { agrees }),
  }
}
