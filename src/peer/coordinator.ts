/**
 * Writing, coordinated (paper §4.5): a put, or the delivery of an edge's write.
 *
 * It is minted by an owner, or by whoever is left when no owner answers, made durable here, and sent as the full state
 * of the key to the other owners at once. W hosts resolve it; stragglers go on behind. The outcome of a failure is
 * *refused* only while nobody else can have taken the write.
 */
import { type Key, showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { type Dot, type Seen, showDot, withDot } from '../data/vector.ts'
import { isRefusedOnItsMerits, outcomeUnknown, StorageError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import { encodeRequest, type ReplyOf, type Request } from '../protocol/message.ts'
import { type Placement, placementOf } from '../protocol/placement.ts'
import { ask } from './ask.ts'
import { errorOfRefusal, type Failure, isFailure } from './failure.ts'
import { fanout, type Fanned, type Hint, quorumError } from './fanout.ts'
import { isBehind, store, type Stored, type WriteRequest } from './minting.ts'
import { tellInParts } from './in-parts.ts'
import type { Records } from './records.ts'
import type { World } from './world.ts'

export interface Written {
  readonly dot: Dot
  /** What the writer has seen now. */
  readonly context: Seen
  readonly acks: readonly PeerId[]
  readonly hints: readonly Hint[]
  /** The greatest counter of the dot's actor that any answer showed. */
  readonly highest: number
}

/** One write on its way: the view's word on it is taken once, and its time is counted from its start. */
interface Job {
  readonly world: World
  readonly records: Records
  readonly placement: Placement
  readonly request: WriteRequest
  readonly endMs: number
}

/** What came of passing a write on. */
interface Forwarded {
  readonly written: Written | undefined
  /** Somebody who did not answer well may have taken it. */
  readonly uncertain: boolean
}

/** Resolves when W hosts have it durably; `direct`: coordinate here, pass it on to nobody. */
export async function write(
  world: World,
  records: Records,
  request: WriteRequest,
  direct: boolean,
): Promise<Written> {
  const placement = placementOf(world.view().ring, request.key.position)
  const job = {
    world,
    records,
    placement,
    request,
    endMs: world.clock.elapsed() + world.limits.requestMs,
  }
  if (direct) return coordinate(job)
  return placement.owners.includes(world.self) ? writeAsOwner(job) : writeAsStranger(job)
}

async function writeAsOwner(job: Job): Promise<Written> {
  const { world, placement } = job
  try {
    return await coordinate(job)
  } catch (error) {
    // Our own disk cannot take it: others still may.
    if (!(error instanceof StorageError)) throw error
    const others = [...placement.owners, ...placement.fallbacks].filter((p) => p !== world.self)
    const { written, uncertain } = await forward(job, others)
    if (written !== undefined) return written
    throw uncertain ? outcomeUnknown(error) : error
  }
}

async function writeAsStranger(job: Job): Promise<Written> {
  const { written, uncertain } = await forward(job, job.placement.owners)
  if (written !== undefined) return written
  try {
    return await coordinate(job)
  } catch (error) {
    throw uncertain ? outcomeUnknown(error) : error
  }
}

/** One forward, to the fastest owner that answers. */
async function forward(job: Job, owners: readonly PeerId[]): Promise<Forwarded> {
  const { world, request, endMs } = job
  const { clock, links, limits } = world
  const message = messageOf(request)
  // An owner may itself have to wait for a fallback before it can answer.
  const deadlineMs = 2 * limits.ownerMs
  // And as long is left, should none answer, to gather W answers from here.
  const latest = endMs - 2 * deadlineMs
  let uncertain = false
  for (const owner of links.fastestFirst(owners)) {
    if (links.isSuspect(owner) || clock.elapsed() > latest) continue
    const reply = await ask(world, owner, message, 'written', { deadlineMs })
    const result = isFailure(reply) ? reply.why : 'ok'
    world.say({ type: 'forward', key: showKey(request.key), to: owner, result })
    if (!isFailure(reply)) {
      const written = { ...reply, context: withDot(request.context, reply.dot) }
      return { written, uncertain }
    }
    if (reply.refusal !== undefined && isRefusedOnItsMerits(reply.why)) {
      const refusal = errorOfRefusal(reply.refusal)
      throw uncertain ? outcomeUnknown(refusal) : refusal
    }
    uncertain ||= reply.sent
  }
  return { written: undefined, uncertain }
}

function messageOf(request: WriteRequest): Request {
  if (request.kind === 'deliver') return { ...request, type: 'deliver', direct: true }
  const { key, context, value, w, origin } = request
  return { type: 'put', key, request: request.request, context, value, w, direct: true, origin }
}

async function coordinate(job: Job): Promise<Written> {
  const { world, records, request } = job
  const { key, w } = request
  let { context } = request
  let made = await store(world, records, request, context)
  for (;;) {
    const { dot, state, seenBefore } = made
    const returned = world.rules.contextAfterPut(context, dot, state)
    if (request.kind === 'mint') request.stored?.({ dot, context: returned })
    const result = await replicate(job, dot, state)
    const shown = Math.max(seenBefore, ...result.answers.map((answer) => answer.highest))
    if (request.kind === 'mint' && (await isBehind(world, records, key, dot, shown))) {
      context = withDot(context, dot)
      made = await storeAgain(job, context)
      continue
    }
    traceWrite(world, key, dot, result)
    // The write is durable here: whoever could not gather W cannot say that it is nowhere.
    if (!result.met) throw quorumError('put', key, w, { ...result, uncertain: true })
    const acks = result.tally.acks.map(({ peer }) => peer)
    return { dot, context: returned, acks, hints: result.hints, highest: shown }
  }
}

/** The first attempt is out in the world already, whatever becomes of the second. */
async function storeAgain({ world, records, request }: Job, context: Seen): Promise<Stored> {
  try {
    return await store(world, records, request, context)
  } catch (error) {
    throw outcomeUnknown(error)
  }
}

type StoredAnswer = ReplyOf<'stored'> & { readonly peer: PeerId }

function replicate(job: Job, dot: Dot, state: ObjectState): Promise<Fanned<StoredAnswer>> {
  const { world, records, placement, request, endMs } = job
  const { key, w } = request
  const own: StoredAnswer = { type: 'stored', peer: world.self, highest: 0, generation: '' }
  const minter = dot.actor
  const toOwner: Request = { type: 'replicate', key, state, minter, insteadOf: undefined }
  const encoded = encodeRequest(toOwner)
  return fanout<StoredAnswer>(world, placement, {
    label: 'replicate',
    endMs,
    needed: world.rules.votesNeeded(w),
    breadth: 'all',
    own,
    send: async (peer, deadlineMs, insteadOf): Promise<StoredAnswer | Failure> => {
      const reply = await tellInParts(world.limits, state, (part) => {
        // However many parts there are: a request takes no longer than it may.
        const leftMs = Math.max(0, Math.min(deadlineMs, endMs - world.clock.elapsed()))
        return insteadOf === undefined && part === state
          ? ask(world, peer, toOwner, 'stored', { deadlineMs: leftMs, encoded })
          : ask(world, peer, { ...toOwner, state: part, insteadOf }, 'stored', {
              deadlineMs: leftMs,
            })
      })
      world.say({
        type: 'replicate',
        key: showKey(key),
        to: peer,
        dot: showDot(dot),
        result: isFailure(reply) ? reply.why : 'ok',
        ...(insteadOf === undefined ? {} : { detail: `hint=${insteadOf}` }),
      })
      if (isFailure(reply)) return reply
      // A straggler's answer comes after the caller has its own: what it shows must not be missed.
      if (request.kind === 'mint') await isBehind(world, records, key, dot, reply.highest)
      return { ...reply, peer }
    },
  })
}

function traceWrite<A>(world: World, key: Key, dot: Dot, { met, tally, hints }: Fanned<A>): void {
  const acks = tally.acks.map(({ peer }) => peer).join(' ')
  const stood = hints.map(({ holder, owner }) => `${holder} for ${owner}`).join(', ')
  world.say({
    type: 'put',
    key: showKey(key),
    dot: showDot(dot),
    result: met ? 'ok' : 'lost',
    detail: stood === '' ? `acks ${acks}` : `acks ${acks}, hints ${stood}`,
  })
}
