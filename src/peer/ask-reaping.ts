/** One question of one member to another about reaping: it travels within the other messages. */
import { MalformedError } from '../data/bytes.ts'
import { decode, encode } from '../protocol/codec.ts'
import type { PeerId } from '../protocol/membership.ts'
import {
  type ReapingReply,
  reapingReply,
  type ReapingReplyOf,
  type ReapingRequest,
  reapingRequest,
} from '../protocol/reaping-message.ts'
import { ask } from './ask.ts'
import { type Failure, isFailure } from './failure.ts'
import type { World } from './world.ts'

/** In the background; the reply of type `expected`, or why there is none. */
export async function askReaping<T extends ReapingReply['type']>(
  world: World,
  to: PeerId,
  request: ReapingRequest,
  expected: T,
  deadlineMs: number,
): Promise<ReapingReplyOf<T> | Failure> {
  const message = { type: 'reaping', body: encode(reapingRequest, request) } as const
  const answer = await ask(world, to, message, 'reaping', { lane: 'background', deadlineMs })
  if (isFailure(answer)) return answer
  try {
    const reply = decode(reapingReply, answer.body)
    if (reply.type === expected) return reply as ReapingReplyOf<T>
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
  }
  return { failed: true, why: 'malformed', sent: true, refusal: undefined }
}
