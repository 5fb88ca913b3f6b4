/**
 * Writing, coordinated (paper §4.5): a put, or the delivery of an edge's write.
 *
 * It is minted by an owner, or by whoever is left when no owner answers, made durable here, and sent as the full state
 * of the key to the other owners at once; a buffered one is durable at one of them. W hosts resolve it; stragglers go on
 * behind. The outcome of a failure is
 * *refused* only while nobody else can have taken the write.
 */
import { type Key, showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { type Dot, type Seen, showDot, withDot } from '../data/vector.ts'
import { checkNumbers } from '../protocol/demands.ts'
import {
  isRefusedOnItsMerits,
  outcomeUnknown,
  RingletError,
  StorageError,
} from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import { encodeRequest, type ReplyOf, type Request } from '../protocol/message.ts'
import { ownersQuota, type Placement, placementIn } from '../protocol/placement.ts'
import type { Quota } from '../protocol/quorum.ts'
import { ask } from './ask.ts'
import {
  chooseDurableOne,
  type DurableOne,
  hasDurable,
  inBuffers,
  type Replicate,
} from './durable-one.ts'
import { errorOfRefusal, type Failure, isFailure } from './failure.ts'
import { fanout, type Fanned, type Hint, quorumError } from './fanout.ts'
import { isBehind, store, type Stored, type WriteRequest } from './minting.ts'
import type { Records } from './records.ts'
import {
  agree,
  type Lists,
  listsOf,
  ownStanding,
  placementFor,
  ringQuotas,
  weighStrictly,
} from './strict.ts'
import type { MemberWorld } from './world.ts'

export interface Written {
  readonly dot: Dot
  /** What the writer has seen now. */
  readonly context: Seen
  readonly acks: readonly PeerId[]
  /** Those of them that had it in a buffer only. */
  readonly buffered?: readonly PeerId[] | undefined
  readonly hints: readonly Hint[]
  /** The greatest counter of the dot's actor that any answer showed. */
  readonly highest: number
}

/** One write on its way: the view's word on it is taken once, and its time is counted from its start. */
interface Job {
  readonly world: MemberWorld
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
  world: MemberWorld,
  records: Records,
  request: WriteRequest,
  direct: boolean,
): Promise<Written> {
  const placement = placementIn(world.view(), request.key.position)
  const job = {
    world,
    records,
    placement,
    request,
    endMs: world.clock.elapsed() + world.limits.requestMs,
  }
  const { w, strict = false } = request
  checkNumbers(world.rules, world.view().identity.n, strict ? { w } : {}, strict)
  if (strict && !placement.owners.includes(world.self)) return passOn(job, direct)
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
    const fallbacks = job.request.strict === true ? [] : placement.fallbacks
    const others = [...placement.owners, ...fallbacks].filter((p) => p !== world.self)
    const { written, uncertain } = await forward(job, others)
    if (written !== undefined) return written
    throw uncertain ? outcomeUnknown(error) : error
  }
}

/** A strict write is minted by an owner or not at all: a stand-in's copy would count for nothing. */
async function passOn(job: Job, direct: boolean): Promise<Written> {
  const { key, w } = job.request
  const { written, uncertain } = direct
    ? { written: undefined, uncertain: false }
    : await forward(job, job.placement.owners)
  if (written !== undefined) return written
  throw new RingletError('quorum-not-reached', `put ${showKey(key)}: no owner has taken it`, {
    needed: w,
    got: 0,
    outcome: uncertain ? 'unknown' : 'refused',
    remedy: 'Start the peers that are down; a retry with a context is safe.',
  })
}

async function writeAsStranger(job: Job): Promise<Written> {
  const { placement, world } = job
  const owners = await forward(job, placement.owners)
  if (owners.written !== undefined) return owners.written
  try {
    return await coordinate(job)
  } catch (error) {
    // There is no room here for what is kept for others: another stand-in may have it.
    const isMine = error instanceof RingletError && error.outcome === 'unknown'
    const fallbacks = isMine || !passesOn(world, error) ? [] : placement.fallbacks
    const others = fallbacks.filter((peer) => peer !== world.self)
    const last = await forward(job, others, owners.uncertain, world.limits.ownerMs)
    if (last.written !== undefined) return last.written
    throw last.uncertain ? outcomeUnknown(error) : error
  }
}

function passesOn({ rules }: MemberWorld, error: unknown): boolean {
  return error instanceof RingletError && rules.passesOn(error.code)
}

/** One forward, to the fastest that answers. So long before its end the request is passed on no more. */
async function forward(
  job: Job,
  members: readonly PeerId[],
  // Who was asked before may have taken it.
  wasUncertain = false,
  // Should none answer, time is left to gather W answers from here.
  leftMs = 4 * job.world.limits.ownerMs,
): Promise<Forwarded> {
  const { world, request, endMs } = job
  const { clock, links, limits } = world
  const message = messageOf(request)
  const latest = endMs - leftMs
  let uncertain = wasUncertain
  for (const owner of links.fastestFirst(members)) {
    // A strict write has nobody else to turn to: suspects may be there all the same.
    if ((links.isSuspect(owner) && request.strict !== true) || clock.elapsed() > latest) continue
    // An owner may itself have to wait for a fallback before it can answer.
    const deadlineMs = Math.min(2 * limits.ownerMs, endMs - clock.elapsed())
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
    // A refusal for the state that a peer is in says nothing of the same message come twice.
    uncertain ||= reply.sent || reply.refusal !== undefined
  }
  return { written: undefined, uncertain }
}

function messageOf(request: WriteRequest): Request {
  if (request.kind === 'deliver') return { ...request, type: 'deliver', direct: true }
  const { stored: _stored, kind: _kind, ...order } = request
  return { ...order, type: 'put', direct: true }
}

async function coordinate(job: Job): Promise<Written> {
  const { world, records, request } = job
  const made = await world.pace.foreground(store(world, records, request, request.context))
  try {
    return await gatherAll(job, made)
  } catch (error) {
    // It is durable here, and perhaps elsewhere: whatever fails from now on, nobody can say that it is nowhere.
    throw outcomeUnknown(error)
  }
}

async function gatherAll(job: Job, stored: Stored): Promise<Written> {
  const { world, records, request } = job
  const { key, w } = request
  let { context } = request
  let made = stored
  for (;;) {
    const { dot, state, seenBefore } = made
    const returned = world.rules.contextAfterPut(context, dot, state)
    if (request.kind === 'mint') request.stored?.({ dot, context: returned })
    const { result, durableOne } = await gather(job, dot, state)
    const shown = Math.max(seenBefore, ...result.answers.map((answer) => answer.highest))
    if (request.kind === 'mint' && (await isBehind(world, records, key, dot, shown))) {
      context = withDot(context, dot)
      made = await store(world, records, request, context)
      continue
    }
    traceWrite(world, key, dot, result)
    const isKept = durableOne === undefined || (await hasDurable(world, request, durableOne))
    if (!result.met || !isKept) throw quorumError('put', key, w, { ...result, uncertain: true })
    const acks = result.tally.acks.map(({ peer }) => peer)
    const buffered = inBuffers(world.self, result, durableOne)
    return { dot, context: returned, acks, buffered, hints: result.hints, highest: shown }
  }
}

type StoredAnswer = ReplyOf<'stored'> & { readonly peer: PeerId }

interface Gathered {
  readonly result: Fanned<StoredAnswer>
  readonly durableOne: DurableOne | undefined
}

/** A strict write is sent again, to owners who see other lists, while there is time for both to learn of each other's. */
async function gather(job: Job, dot: Dot, state: ObjectState): Promise<Gathered> {
  const { world, request, placement, endMs } = job
  if (request.strict !== true) {
    const toOwner = orderOf(request.key, dot, state)
    const isBuffered = world.buffering.durabilityOf(request) === 'buffered'
    const durableOne = isBuffered
      ? chooseDurableOne(world, { dot, placement, order: toOwner, endMs })
      : undefined
    return { result: await replicate(job, placement, dot, toOwner, durableOne), durableOne }
  }
  for (let attempt = 1; ; attempt++) {
    // Taken once the write is durable here: who is not on these lists has not been told of it in vain.
    const lists = listsOf(world, request.key.position)
    const owners = placementFor(world, request.key.position, true)
    const toOwner = { ...orderOf(request.key, dot, state), lists: lists.digest }
    const result = await replicate(job, owners, dot, toOwner, undefined, lists)
    if (result.met || !(await agree(world, lists, endMs, attempt))) {
      return { result, durableOne: undefined }
    }
  }
}

function orderOf(key: Key, { actor: minter }: Dot, state: ObjectState): Replicate {
  return { type: 'replicate', key, state, minter, insteadOf: undefined, lists: undefined }
}

function replicate(
  job: Job,
  placement: Placement,
  dot: Dot,
  order: Replicate,
  durableOne: DurableOne | undefined,
  lists?: Lists,
): Promise<Fanned<StoredAnswer>> {
  const { world, records, request, endMs } = job
  const { key, w } = request
  const standing = ownStanding(world, records, key, lists?.digest)
  const synced = world.buffering.saysSynced(durableOne === undefined ? 'synced' : 'buffered')
  const own: StoredAnswer = {
    type: 'stored',
    peer: world.self,
    highest: 0,
    generation: '',
    ...standing,
    synced,
  }
  // Whoever was sent away since it wrote here has no vote; the owners may take it all the same.
  const isMember = lists === undefined || world.view().byPeer.has(world.self)
  const toOwner: Request = durableOne === undefined ? order : { ...order, keeping: 'buffered' }
  const encoded = encodeRequest(world.stamp(toOwner))
  return fanout<StoredAnswer>(world, placement, {
    label: 'replicate',
    endMs,
    needed: world.rules.votesNeeded(w),
    quotas: quotasOf(world, placement, request, lists),
    breadth: 'all',
    own: isMember ? own : undefined,
    weigh: (answer) => {
      if (lists === undefined) return 'counts'
      const { ready = true, agrees = false } = answer
      return weighStrictly(world, lists, answer.peer, { ready, agrees })
    },
    send: async (peer, deadlineMs, insteadOf): Promise<StoredAnswer | Failure> => {
      const leftMs = Math.max(0, Math.min(deadlineMs, endMs - world.clock.elapsed()))
      const isDurableOne = peer === durableOne?.chosen
      const asked: Request = isDurableOne ? { ...order, keeping: 'durable' } : toOwner
      const reply =
        insteadOf === undefined && !isDurableOne
          ? await ask(world, peer, toOwner, 'stored', { deadlineMs: leftMs, encoded })
          : await ask(world, peer, { ...asked, insteadOf }, 'stored', { deadlineMs: leftMs })
      durableOne?.heard(peer, !isFailure(reply) && reply.synced !== false)
      world.say({
        type: 'replicate',
        key: showKey(key),
        to: peer,
        dot: showDot(dot),
        result: isFailure(reply) ? reply.why : 'ok',
        ...(isDurableOne ? { detail: 'durable' } : {}),
        ...(insteadOf === undefined ? {} : { detail: `hint=${insteadOf}` }),
      })
      if (isFailure(reply)) return reply
      // A straggler's answer comes after the caller has its own: what it shows must not be missed.
      if (request.kind === 'mint') await isBehind(world, records, key, dot, reply.highest)
      return { ...reply, peer }
    },
  })
}

function quotasOf(
  world: MemberWorld,
  placement: Placement,
  request: WriteRequest,
  lists: Lists | undefined,
): Quota[] {
  const { pw, dw, w } = request
  const isBuffered = world.buffering.durabilityOf(request) === 'buffered'
  const quotas: Quota[] = lists === undefined ? [] : ringQuotas(world, lists, w, 'put')
  if (pw !== undefined && pw > 0) quotas.push(ownersQuota(placement, pw))
  // Where one alone is asked for it, that one is waited for.
  if (dw !== undefined && dw > 0 && !isBuffered) {
    const { byPeer } = world.view()
    const among = (peer: PeerId): boolean => byPeer.get(peer)?.record.class === 'durable'
    quotas.push({ needed: dw, among })
  }
  return quotas
}

function traceWrite<A>(
  world: MemberWorld,
  key: Key,
  dot: Dot,
  { met, tally, hints }: Fanned<A>,
): void {
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
