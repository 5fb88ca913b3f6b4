/**
 * One question to one peer: encode, send, decode, and draw the conclusions about the link.
 *
 * Whatever goes wrong comes back as a `Failure` value with a word for the tally, never as an exception: a coordinator
 * asks many and expects some to fail.
 */
import type { Bytes } from '../data/bytes.ts'
import { RingletError, TransportError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import {
  decodeReply,
  encodeRequest,
  type Refusal,
  type Reply,
  type ReplyOf,
  type Request,
} from '../protocol/message.ts'
import type { Lane } from '../ports.ts'
import type { Failure } from './failure.ts'
import type { World } from './world.ts'

export interface AskOptions {
  readonly lane?: Lane
  readonly deadlineMs: number
  /** The request, encoded already: one message that goes to many. */
  readonly encoded?: Bytes
}

/** The reply of type `expected`, or why there is none. */
export async function ask<T extends Reply['type']>(
  world: World,
  to: PeerId,
  request: Request,
  expected: T,
  { lane = 'foreground', deadlineMs, encoded }: AskOptions,
): Promise<ReplyOf<T> | Failure> {
  const started = world.clock.elapsed()
  let reply: Reply
  try {
    const message = encoded ?? encodeRequest(world.stamp?.(request) ?? request)
    const body = await world.transport.request(to, message, { lane, deadlineMs })
    world.links.answered(to, world.clock.elapsed() - started)
    reply = decodeReply(body)
  } catch (error) {
    return conclude(world, to, error, lane)
  }
  if (reply.type === expected) return reply as ReplyOf<T>
  if (reply.type !== 'refused')
    return { failed: true, why: 'malformed', sent: true, refusal: undefined }
  return { failed: true, why: reply.code, sent: reply.outcome === 'unknown', refusal: reply }
}

/**
 * A refusal, as it travels. Anything but our own errors is a defect here, which says nothing about the request: it
 * travels without its insides, and another peer may be asked.
 */
export function refusalOfError(error: unknown): Refusal {
  const known = error instanceof RingletError ? error : undefined
  return {
    type: 'refused',
    code: known?.code ?? 'defect',
    message: known?.message ?? 'the request could not be served',
    outcome: known?.outcome ?? 'unknown',
    remedy: known?.remedy,
    needed: known?.needed ?? 0,
    got: known?.got ?? 0,
    answers: Object.entries(known?.answers ?? {}).map(([peer, answer]) => ({ peer, answer })),
  }
}

function conclude(world: World, to: PeerId, error: unknown, lane: Lane): Failure {
  if (!(error instanceof TransportError)) {
    return { failed: true, why: 'malformed', sent: true, refusal: undefined }
  }
  // A full queue, an oversize message or slow background work says nothing about whether the peer lives.
  const { failure } = error
  const slow = failure === 'deadline' && lane === 'background'
  const lives = slow || failure === 'overloaded' || failure === 'too-large'
  if (!lives && failure !== 'closed') world.links.failed(to, failure)
  // Who has too much to do is asked after the others for a while.
  if (failure === 'overloaded') world.links.waitedFor(to, world.limits.ownerMs)
  return { failed: true, why: failure, sent: error.sent, refusal: undefined }
}
