/**
 * How much room a peer gives to what it keeps for owners that are away, as an operator says it: in bytes, or as a share
 * of what its disk may hold. By default a share; a machine that does much else may want to say a number.
 */
import { RingletError } from '../src/protocol/errors.ts'
import { type Limits, limits } from '../src/protocol/limits.ts'

/** So many bytes, or such a share of the disk: `50_000_000`, `'10%'`. */
export type HintSpace = number | `${number}%`

/** The limits with this room. Throws a `RingletError` for what is no size. */
export function limitsWith(space: HintSpace | undefined): Limits {
  if (space === undefined) return limits
  if (typeof space === 'number' && Number.isSafeInteger(space) && space >= 0) {
    return { ...limits, foreignBytes: space, foreignShare: 1 }
  }
  const share = /^(\d{1,3}(?:\.\d+)?)%$/.exec(String(space))?.[1]
  if (share !== undefined && Number(share) <= 100) {
    return { ...limits, foreignShare: Number(share) / 100 }
  }
  throw new RingletError('bad-argument', `${String(space)} is no room for hints`, {
    remedy: 'Give a number of bytes, or a share of the disk from 0% to 100%.',
  })
}

/** The same from a command line, where all is text. */
export function hintSpaceFrom(text: string | undefined): HintSpace | undefined {
  if (text === undefined) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : (text as HintSpace)
}
