/**
 * Who answers what: each request that a member understands, and the part of it that it is for.
 *
 * Admitted is what `protocol/admission.ts` allows its sender, and nothing is done for what was sent in a session that is
 * over. Background work waits for its turn here; what somebody waits for is measured.
 */
import { unreachable } from '../data/assert.ts'
import { refuse } from '../protocol/admission.ts'
import { NotUnderstoodError } from '../protocol/codec.ts'
import { RingletError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import { decodeRequest, type Reply, type ReplyOf, type Request } from '../protocol/message.ts'
import type { Changing } from './changing.ts'
import { write, type Written } from './coordinator.ts'
import type { Followers } from './followers.ts'
import type { Gossip } from './gossip.ts'
import { list, serveOwnPage } from './listing.ts'
import type { WriteRequest } from './minting.ts'
import { coveredBy, get } from './reading.ts'
import type { Reaping } from './reaping.ts'
import type { Records } from './records.ts'
import { nameOfDelivery, nameOfPut, type RequestName } from './refused-requests.ts'
import {
  serveExchange,
  serveFolds,
  serveFresh,
  serveHandoff,
  serveKeys,
  serveRead,
  serveReplicate,
  serveVouch,
} from './replica.ts'
import type { UnderWay } from './under-way.ts'
import type { MemberWorld } from './world.ts'

/** The parts of a member that answer. */
export interface Answering {
  readonly world: MemberWorld
  readonly records: Records
  readonly gossip: Gossip
  readonly followers: Followers
  readonly reaping: Reaping
  readonly underWay: UnderWay<Written>
  readonly changing: Changing
  report(): Promise<Omit<ReplyOf<'status'>, 'type'>>
}

/** Throws `RingletError` for what is no request, or none that this version knows. */
export function understood(body: Uint8Array): Request {
  try {
    return decodeRequest(body)
  } catch (cause) {
    throw unreadable(cause as Error)
  }
}

/** Rejects with `RingletError` where the answer is a refusal. */
export async function answer(parts: Answering, from: PeerId, request: Request): Promise<Reply> {
  const { world, records, gossip, followers, reaping, changing } = parts
  const { pace } = world
  const { sessions } = reaping
  const refusal = refuse(world.view(), from, request)
  if (refusal !== undefined) throw refusal
  sessions.check(from, request)
  // What has waited for its turn may have come to be too late meanwhile.
  const current = <T>(serve: () => Promise<T>): Promise<T> => {
    sessions.check(from, request)
    return serve()
  }
  switch (request.type) {
    case 'replicate':
      return pace.foreground(serveReplicate(world, records, request))
    case 'read':
      return pace.foreground(serveRead(world, records, request))
    case 'handoff':
      return pace.background(() => current(() => serveHandoff(world, records, request)))
    case 'exchange':
      return pace.background(() => current(() => serveExchange(world, records, request)))
    case 'folds':
      return pace.background(() => serveFolds(world, records, from, request))
    case 'keys':
      return pace.background(() => serveKeys(world, records, request))
    case 'vouch':
      return serveVouch(world, records, request)
    case 'put': {
      // Whoever passed it on: two members that are asked the same ask for one write.
      const origin = request.origin ?? from
      const order: WriteRequest = { ...request, kind: 'mint', origin }
      return writeOnce(parts, nameOfPut(origin, request.request), order, request.direct)
    }
    case 'deliver': {
      const order: WriteRequest = { ...request, kind: 'deliver' }
      const name = nameOfDelivery(request.key, request.dot, request.attempt)
      return writeOnce(parts, name, order, request.direct)
    }
    case 'get':
      return { type: 'got', ...(await get(world, records, request.key, request)) }
    case 'list': {
      const page = request.direct
        ? await serveOwnPage(world, records, request, request.lists)
        : await list(world, records, request, request)
      return { type: 'listed', ...page }
    }
    case 'fresh':
      return serveFresh(world, records, request)
    case 'covers': {
      const { key, dot, direct } = request
      return { type: 'covered', ...(await coveredBy(world, records, key, dot, direct)) }
    }
    case 'gossip':
      if (request.self !== undefined) changing.met(from)
      return gossip.serve(request)
    case 'records':
      await gossip.take(request.records)
      return { type: 'done' }
    case 'follow':
      return { type: 'following', taken: followers.follow(from, request.keys) }
    case 'unfollow':
      followers.unfollow(
        from,
        request.keys.map(({ text }) => text),
      )
      return { type: 'done' }
    case 'status':
      return { type: 'status', ...(await parts.report()) }
    case 'ping':
      return { type: 'done' }
    case 'reaping':
      return reaping.serve(from, request.body)
    case 'changing':
      return changing.serve(request.body)
    default:
      return unreachable(request)
  }
}

async function writeOnce(
  { world, records, underWay }: Answering,
  name: RequestName,
  order: WriteRequest,
  direct: boolean,
): Promise<Reply> {
  const written = await underWay.join(name, direct, () => write(world, records, order, direct))
  return { type: 'written', ...written }
}

/** What this version does not know another may, so that it is no verdict on the request. */
function unreadable(cause: Error): RingletError {
  if (!(cause instanceof NotUnderstoodError)) {
    return new RingletError('malformed', cause.message, { cause })
  }
  return new RingletError('not-understood', cause.message, {
    remedy: 'Ask another member, or run the newer version of Ringlet that asks here too.',
    cause,
  })
}
