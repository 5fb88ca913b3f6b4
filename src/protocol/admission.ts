/**
 * One function admits or refuses, on every way in: what no rule allows is refused.
 *
 * In an open ring anybody may read and write, so what is left to guard is what a peer says in another's name: only
 * members replicate, and an edge delivers only dots of its own generation, which it shows to be its own.
 */
import { generationOf } from '../data/hash.ts'
import { covers } from '../data/vector.ts'
import { RingletError } from './errors.ts'
import { limits } from './limits.ts'
import type { PeerId, View } from './membership.ts'
import type { Request } from './message.ts'

/** What only a member of the same ring may ask of another. */
const amongMembers: ReadonlySet<Request['type']> = new Set([
  'replicate',
  'handoff',
  'folds',
  'keys',
  'exchange',
  'vouch',
  'reaping',
])

/** No ring has so many owners. */
const mostAnswers = 64

/** Why this request of this sender is refused; undefined when it is admitted. */
export function refuse(view: View, from: PeerId, request: Request): RingletError | undefined {
  const member = view.byPeer.has(from)
  if (amongMembers.has(request.type) && !member) {
    return strangerError(from)
  }
  if (request.type === 'put' || request.type === 'deliver')
    return refuseWrite(from, member, request)
  const isRead = request.type === 'get' || request.type === 'list'
  if (isRead && (request.r < 1 || request.r > mostAnswers)) {
    return new RingletError('bad-argument', `R = ${request.r}`)
  }
  if (request.type === 'list' && !(request.after?.text.startsWith(request.prefix.text) ?? true)) {
    return new RingletError('bad-argument', 'a page that begins outside of its listing')
  }
  if (request.type === 'fresh' && request.copies.length > limits.comparedKeys) {
    return new RingletError('bad-argument', `${request.copies.length} copies in one question`, {
      needed: limits.comparedKeys,
      got: request.copies.length,
      remedy: `Ask about at most ${limits.comparedKeys} copies at one time.`,
    })
  }
  return undefined
}

function refuseWrite(
  from: PeerId,
  member: boolean,
  request: Extract<Request, { type: 'put' | 'deliver' }>,
): RingletError | undefined {
  const size = request.value.bytes?.length ?? 0
  if (size > limits.valueBytes) {
    return new RingletError('value-too-large', `a value of ${size} bytes`, {
      needed: limits.valueBytes,
      got: size,
      remedy: `A value has at most ${limits.valueBytes} bytes.`,
    })
  }
  if (request.w < 1 || request.w > mostAnswers) {
    return new RingletError('bad-argument', `W = ${request.w}`)
  }
  if (request.context.size > limits.contextActors) {
    return new RingletError('malformed', `a context of ${request.context.size} actors`)
  }
  if (request.type === 'put') {
    const { origin, direct } = request
    const speaksForItself = origin === undefined || origin === from
    return speaksForItself || (member && direct) ? undefined : strangerError(from)
  }
  const { dot, context, origin, seed } = request
  // A member passes an edge's write on; it checked the edge when it took it.
  if (origin !== from && request.direct && !member) return strangerError(from)
  const speaksForItself = origin === from || request.direct
  const ownDot = dot.actor.startsWith(`${generationOf(origin, seed)}.`)
  if (!speaksForItself || !ownDot) {
    return new RingletError('not-admitted', "a write under a generation that is not its sender's")
  }
  return covers(context, dot)
    ? new RingletError('malformed', 'a context that covers its own write')
    : undefined
}

/** Not a verdict on the request: this peer's table may lag behind, and another's may not. */
function strangerError(from: PeerId): RingletError {
  return new RingletError('not-a-member', `${from} is no member of this ring`, {
    remedy: 'Wait until the membership table has reached this peer, or join the ring.',
  })
}
