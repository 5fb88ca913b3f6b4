/**
 * One request, coordinated (paper §4.5): put, get, the delivery of an edge's write, and the question who covers it.
 *
 * A put is minted by an owner, or by whoever is left when no owner answers, made durable here, and sent as the full
 * state of the key to the other owners at once. W hosts resolve it; stragglers go on behind. A get merges R answers
 * and repairs, in the background, the owners that answered with less.
 */
import { assert } from '../data/assert.ts'
import type { Bytes } from '../data/bytes.ts'
import { type Key, showKey } from '../data/key.ts'
import { apply, liveSiblings, type ObjectState, type Value } from '../data/siblings.ts'
import { covers, type Dot, highest, type Seen, withDot } from '../data/vector.ts'
import { decode, encode } from '../protocol/codec.ts'
import { isRefusedOnItsMerits, RingletError, StorageError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { ReplyOf, Request } from '../protocol/message.ts'
import { type Placement, placementOf } from '../protocol/placement.ts'
import { hostsOf } from '../protocol/quorum.ts'
import { type Answer, reconcile } from '../protocol/reconcile.ts'
import { absentObject, remembered, storageKeys } from '../protocol/record.ts'
import { absorb } from './absorb.ts'
import { ask, errorOfRefusal, type Failure, isFailure } from './ask.ts'
import { fanout, type Fanned, type Hint } from './fanout.ts'
import type { Desk, Records } from './records.ts'
import type { World } from './world.ts'

/** A write to coordinate: minted here, or already minted by an edge. */
export type WriteRequest = MintRequest | DeliverRequest

export interface MintRequest {
  readonly kind: 'mint'
  readonly key: Key
  readonly context: Seen
  readonly value: Value
  readonly w: number
  /** Whose request it is, so that a retry mints nothing new. */
  readonly origin: PeerId
  readonly request: Bytes
}

export interface DeliverRequest {
  readonly kind: 'deliver'
  readonly key: Key
  readonly dot: Dot
  readonly context: Seen
  readonly value: Value
  readonly w: number
  /** The edge that minted it, and the 128 bits that show its generation to be its own. */
  readonly origin: PeerId
  readonly seed: Bytes
}

export interface Written {
  readonly dot: Dot
  /** What the writer has seen now. */
  readonly context: Seen
  readonly acks: readonly PeerId[]
  readonly hints: readonly Hint[]
  /** The greatest counter of the dot's actor that any answer showed. */
  readonly highest: number
}

export interface Got {
  readonly state: ObjectState
  readonly answers: readonly PeerId[]
  readonly missing: number
}

export interface Covered {
  readonly by: readonly PeerId[]
  readonly owners: number
  readonly highest: number
}

/** Resolves when W hosts have it durably; `direct`: coordinate here, pass it on to nobody. */
export async function write(
  world: World,
  records: Records,
  request: WriteRequest,
  direct: boolean,
): Promise<Written> {
  const placement = placementOf(world.view().ring, request.key.position)
  if (direct) return coordinate(world, records, placement, request)
  if (!placement.owners.includes(world.self)) {
    const forwarded = await forward(world, placement.owners, request)
    return forwarded ?? coordinate(world, records, placement, request)
  }
  try {
    return await coordinate(world, records, placement, request)
  } catch (error) {
    // Our own disk cannot take it: others still may.
    if (!(error instanceof StorageError)) throw error
    const others = [...placement.owners, ...placement.fallbacks].filter((p) => p !== world.self)
    const forwarded = await forward(world, others, request)
    if (forwarded === undefined) throw error
    return forwarded
  }
}

/** Resolves with what R answers say together; rejects when they cannot come. */
export async function get(world: World, records: Records, key: Key, r: number): Promise<Got> {
  const { self } = world
  const placement = placementOf(world.view().ring, key.position)
  const owns = placement.owners.includes(self)
  const held = owns ? await records.read(key) : absentObject
  const have = owns ? held.digest : undefined
  const result = await fanout<Answer>(world, placement, {
    label: 'get',
    needed: r,
    breadth: 'needed',
    own: owns ? { peer: self, owner: true, state: held.state } : undefined,
    counts: ({ owner, state }) => owner || state.seen.size > 0,
    send: async (peer) => {
      if (peer === self) return { peer, owner: false, state: (await records.read(key)).state }
      const { ownerMs } = world.limits
      const reply = await ask(world, peer, { type: 'read', key, have }, 'read', {
        deadlineMs: ownerMs,
      })
      if (isFailure(reply)) return reply
      return { peer, owner: reply.owner, state: reply.state ?? held.state }
    },
  })
  const got = hostsOf(result.tally.acks)
  world.say({
    type: 'get',
    key: showKey(key),
    result: result.met ? 'ok' : 'lost',
    detail: `${got}/${r}`,
  })
  if (!result.met) throw quorumError('get', key, r, result)
  const { state, behind } = reconcile(result.answers)
  if (behind.length > 0) world.tasks.run('repair', repair(world, records, key, state, behind))
  return { state, answers: result.answers.map(({ peer }) => peer), missing: Math.max(0, r - got) }
}

/** Which owners hold at least this write durably. */
export async function coveredBy(
  world: World,
  records: Records,
  key: Key,
  dot: Dot,
  direct: boolean,
): Promise<Covered> {
  const { self } = world
  const { owners } = placementOf(world.view().ring, key.position)
  const asked = direct ? owners.filter((peer) => peer === self) : owners
  const deadlineMs = world.limits.ownerMs
  const answers = await Promise.all(
    asked.map(async (peer) => {
      if (peer !== self) {
        const question: Request = { type: 'covers', key, dot, direct: true }
        const reply = await ask(world, peer, question, 'covered', { deadlineMs })
        return isFailure(reply) ? { by: [], highest: 0 } : reply
      }
      const { seen } = (await records.read(key)).state
      return { by: covers(seen, dot) ? [self] : [], highest: highest(seen, dot.actor) }
    }),
  )
  return {
    by: answers.flatMap(({ by }) => by),
    owners: owners.length,
    highest: Math.max(0, ...answers.map((answer) => answer.highest)),
  }
}

/** One forward, to the fastest owner that answers; undefined when none does. */
async function forward(
  world: World,
  owners: readonly PeerId[],
  request: WriteRequest,
): Promise<Written | undefined> {
  const { key, w } = request
  const message: Request =
    request.kind === 'mint'
      ? {
          type: 'put',
          key,
          request: request.request,
          context: request.context,
          value: request.value,
          w,
          direct: true,
        }
      : { ...request, type: 'deliver', direct: true }
  // An owner may itself have to wait for a fallback before it can answer.
  const deadlineMs = 2 * world.limits.ownerMs
  const latest = world.clock.elapsed() + world.limits.requestMs - deadlineMs
  for (const owner of world.links.fastestFirst(owners)) {
    if (world.links.isSuspect(owner) || world.clock.elapsed() > latest) continue
    const reply = await ask(world, owner, message, 'written', { deadlineMs })
    const result = isFailure(reply) ? reply.why : 'ok'
    world.say({ type: 'forward', key: showKey(key), to: owner, result })
    if (!isFailure(reply)) return { ...reply, context: withDot(request.context, reply.dot) }
    if (reply.refusal !== undefined && isRefusedOnItsMerits(reply.why)) {
      throw errorOfRefusal(reply.refusal)
    }
  }
  return undefined
}

async function coordinate(
  world: World,
  records: Records,
  placement: Placement,
  request: WriteRequest,
): Promise<Written> {
  const { key, w } = request
  let { context } = request
  let made = await store(world, records, placement, request, context)
  for (;;) {
    const { dot, state, seenBefore } = made
    const result = await replicate(world, placement, key, dot, state, w)
    const shown = Math.max(seenBefore, ...result.answers.map((answer) => answer.highest))
    if (request.kind === 'mint' && (await isBehind(world, records, key, dot, shown))) {
      context = withDot(context, dot)
      made = await store(world, records, placement, request, context)
      continue
    }
    const acks = result.tally.acks.map(({ peer }) => peer)
    traceWrite(world, key, dot, result)
    // The write is durable here: whoever could not gather W cannot say that it is nowhere.
    if (!result.met) throw quorumError('put', key, w, { ...result, uncertain: true })
    const returned = world.rules.contextAfterPut(context, dot, state)
    return { dot, context: returned, acks, hints: result.hints, highest: shown }
  }
}

interface Stored {
  readonly dot: Dot
  readonly state: ObjectState
  /** The greatest counter of the dot's actor that this store had seen before. */
  readonly seenBefore: number
}

/** Reads, decides, and makes durable, in one step; only then is the write shown to anybody. */
async function store(
  world: World,
  records: Records,
  placement: Placement,
  request: WriteRequest,
  context: Seen,
): Promise<Stored> {
  const { key, value } = request
  const owed = world.rules.debtOf(world.self, placement.owners)
  if (request.kind === 'deliver') {
    return records.change(key, ({ object }) => {
      const { dot } = request
      const state = apply(object.state, dot, context, value)
      const seenBefore = highest(object.state.seen, dot.actor)
      return { result: { dot, state, seenBefore }, state, owed }
    })
  }
  const requestKey = storageKeys.request(request.origin, request.request)
  const remote = request.origin !== world.self
  const at = world.clock.now()
  const stored = await records.mint(
    key,
    (desk) => {
      const earlier = desk.extras[0]
      // A retried request mints nothing new; minting again after an abandoned epoch (a wider context) does.
      if (earlier !== undefined && context === request.context) {
        const { dot } = decode(remembered, earlier)
        return { result: { dot, state: desk.object.state, seenBefore: 0 } }
      }
      const minted = mint(world, key, desk, context, value)
      const note = { key: requestKey, value: encode(remembered, { dot: minted.dot, at }) }
      return {
        result: minted,
        state: minted.state,
        minter: minted.dot.actor,
        owed,
        writes: remote ? [note] : [],
      }
    },
    remote ? [requestKey] : [],
  )
  world.say({ type: 'mint', key: showKey(key), dot: showDot(stored.dot) })
  return stored
}

function mint(world: World, key: Key, desk: Desk, context: Seen, value: Value): Stored {
  const { object } = desk
  refuseBlindCrowd(world, key, object.state, context)
  const minter = world.rules.minterOf(object, desk.generation(), context) ?? desk.takeEpoch()
  const seenBefore = highest(object.state.seen, minter)
  const dot = { actor: minter, counter: seenBefore + 1 }
  assert(!covers(context, dot), 'a context never covers the dot it is written with')
  return { dot, state: apply(object.state, dot, context, value), seenBefore }
}

function refuseBlindCrowd(world: World, key: Key, state: ObjectState, context: Seen): void {
  const live = liveSiblings(state)
  if (live.length < world.limits.siblings) return
  if (live.some(({ dot }) => covers(context, dot))) return
  throw new RingletError(
    'too-many-siblings',
    `${showKey(key)} has ${live.length} concurrent values`,
    {
      remedy: 'Read the key, merge its siblings, and write with the context of that read.',
      needed: world.limits.siblings,
      got: live.length,
    },
  )
}

type StoredAnswer = ReplyOf<'stored'> & { readonly peer: PeerId }

function replicate(
  world: World,
  placement: Placement,
  key: Key,
  dot: Dot,
  state: ObjectState,
  w: number,
): Promise<Fanned<StoredAnswer>> {
  const own: StoredAnswer = { type: 'stored', peer: world.self, highest: 0, generation: '' }
  return fanout<StoredAnswer>(world, placement, {
    label: 'replicate',
    needed: w,
    breadth: 'all',
    own,
    send: async (peer, insteadOf): Promise<StoredAnswer | Failure> => {
      const message: Request = { type: 'replicate', key, state, minter: dot.actor, insteadOf }
      const reply = await ask(world, peer, message, 'stored', { deadlineMs: world.limits.ownerMs })
      world.say({
        type: 'replicate',
        key: showKey(key),
        to: peer,
        dot: showDot(dot),
        result: isFailure(reply) ? reply.why : 'ok',
        ...(insteadOf === undefined ? {} : { detail: `hint=${insteadOf}` }),
      })
      return isFailure(reply) ? reply : { ...reply, peer }
    },
  })
}

/**
 * Whether some disk has seen more of our epoch than we ever minted: then our disk is older than we knew, the epoch is
 * abandoned, and what we just minted under it must be minted again.
 */
async function isBehind(
  world: World,
  records: Records,
  key: Key,
  dot: Dot,
  shown: number,
): Promise<boolean> {
  if (!world.rules.mintedBehind(dot, shown)) return false
  const abandoned = await records.change(key, ({ object }) => {
    // Other puts of this key may have minted more under the same epoch meanwhile.
    const minted = { actor: dot.actor, counter: highest(object.state.seen, dot.actor) }
    if (!world.rules.mintedBehind(minted, shown)) return { result: false }
    return { result: true, ...(object.minter === dot.actor ? { minter: undefined } : {}) }
  })
  if (abandoned) world.say({ type: 'epoch-abandoned', key: showKey(key), dot: showDot(dot) })
  return abandoned
}

async function repair(
  world: World,
  records: Records,
  key: Key,
  state: ObjectState,
  behind: readonly PeerId[],
): Promise<void> {
  for (const peer of behind) {
    if (peer === world.self) {
      await absorb(world, records, key, state, 'as owner')
      continue
    }
    const options = { lane: 'background', deadlineMs: world.limits.requestMs } as const
    const reply = await ask(
      world,
      peer,
      { type: 'handoff', items: [{ key, state }] },
      'taken',
      options,
    )
    world.say({
      type: 'repair',
      key: showKey(key),
      to: peer,
      result: isFailure(reply) ? reply.why : 'ok',
    })
  }
}

function quorumError<A>(
  what: 'put' | 'get',
  key: Key,
  needed: number,
  result: Fanned<A>,
): RingletError {
  const got = hostsOf(result.tally.acks)
  const answers = {
    ...result.tally.failures,
    ...Object.fromEntries(result.tally.acks.map(({ peer }) => [peer, 'ok'])),
  }
  return new RingletError(
    'quorum-not-reached',
    `${what} ${showKey(key)}: ${got} of the ${needed} hosts needed have answered`,
    {
      needed,
      got,
      answers,
      outcome: result.uncertain ? 'unknown' : 'refused',
      remedy:
        what === 'get'
          ? "Start the peers that are down, or read this device's own copy."
          : 'Start the peers that are down; a retry with a context is safe.',
    },
  )
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

export function showDot(dot: Dot): string {
  return `${dot.actor} ${dot.counter}`
}
