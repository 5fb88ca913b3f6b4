/**
 * Minting: naming a write and making it durable, in one step, before anybody may see it.
 *
 * The name must never have been used. A peer goes on counting only under the epoch in its own record of the key; and
 * when another disk shows more of that epoch than this one ever minted, this disk is older than it knew: the epoch is
 * abandoned, and the write minted again before it is acknowledged. What is buffered is shown before it is durable, so its
 * name stands under an epoch that ends with the process.
 */
import { assert } from '../data/assert.ts'
import type { Bytes } from '../data/bytes.ts'
import { type Key, showKey } from '../data/key.ts'
import { liveSiblings, type ObjectState, type Value } from '../data/siblings.ts'
import {
  type ActorId,
  covers,
  type Dot,
  highest,
  type Seen,
  showDot,
  trimLoose,
  withDot,
} from '../data/vector.ts'
import { decode, encode } from '../protocol/codec.ts'
import type { Durability } from '../protocol/buffering.ts'
import type { WriteDemands } from '../protocol/demands.ts'
import { RingletError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import { placementIn } from '../protocol/placement.ts'
import { remembered, storageKeys } from '../protocol/record.ts'
import { sayOwed } from './absorb.ts'
import { tooManyHints } from './foreign-space.ts'
import type { Decision, Desk, Held, Records } from './records.ts'
import { nameOfDelivery, nameOfPut, type RequestName } from './refused-requests.ts'
import type { MemberWorld } from './world.ts'

/** A write to coordinate: minted here, or already minted by an edge. */
export type WriteRequest = MintRequest | DeliverRequest

export interface MintRequest extends WriteDemands {
  readonly kind: 'mint'
  readonly key: Key
  readonly context: Seen
  readonly value: Value
  /** Whose request it is, so that a retry mints nothing new. */
  readonly origin: PeerId
  readonly request: Bytes
  /** Told as soon as the write is durable on this peer, if it is coordinated here; again if it is minted again. */
  readonly stored?: (write: Named) => void
}

/** A write that has a name, and what its writer has seen then. */
export interface Named {
  readonly dot: Dot
  readonly context: Seen
}

export interface DeliverRequest extends WriteDemands {
  readonly kind: 'deliver'
  readonly key: Key
  readonly dot: Dot
  readonly context: Seen
  readonly value: Value
  /** The edge that minted it, and the 128 bits that show its generation to be its own. */
  readonly origin: PeerId
  readonly seed: Bytes
  /** Which sending of it this is. */
  readonly attempt?: number | undefined
}

export interface Stored {
  readonly dot: Dot
  readonly state: ObjectState
  /** The greatest counter of the dot's actor that this store had seen before. */
  readonly seenBefore: number
  /** Nothing new: a repeat of what this store knew. */
  readonly known: boolean
}

/** Reads, decides, and makes durable, in one step. `context` is the request's own, or a wider one to mint again with. */
export function store(
  world: MemberWorld,
  records: Records,
  request: WriteRequest,
  context: Seen,
): Promise<Stored> {
  const bounded = trimLoose(context, world.limits.looseDots)
  return request.kind === 'deliver'
    ? take(world, records, request, bounded)
    : name(world, records, request, bounded, context !== request.context)
}

/** An edge's write, which it has named itself. */
async function take(
  world: MemberWorld,
  records: Records,
  request: DeliverRequest,
  context: Seen,
): Promise<Stored> {
  const { key, dot, value, origin, attempt } = request
  const decide = ({ object }: Held): Decision<Stored> => {
    const seenBefore = highest(object.state.seen, dot.actor)
    // A repeat of what is known adds nothing to the crowd.
    if (!covers(object.state.seen, dot)) {
      const name = nameOfDelivery(key, dot, attempt)
      refuseBlindCrowd(world, records, { key, name, state: object.state, context })
    }
    const state = world.rules.apply(object.state, dot, context, value)
    const known = state === object.state
    const orRefuse = (): RingletError => {
      records.refused.add(nameOfDelivery(key, dot, attempt), 'too-many-hints')
      return tooManyHints(key)
    }
    const result = { dot, state, seenBefore, known }
    // The context may be the first to tell a disk that was set back what it had minted.
    const minter = world.rules.minterAfter(object, context)
    return { result, state, minter, owed: owedNow(world, key), orRefuse }
  }
  const stored = await records.change(key, decide, world.buffering.durabilityOf(request))
  world.say({ ...traceOf('apply', key, stored), from: origin })
  sayOwed(world, key, owedNow(world, key))
  return stored
}

async function name(
  world: MemberWorld,
  records: Records,
  order: MintRequest,
  context: Seen,
  again: boolean,
): Promise<Stored> {
  const { key, value, origin, request } = order
  const durability = world.buffering.durabilityOf(order)
  const requestKey = storageKeys.request(origin, request)
  const remote = origin !== world.self
  const at = world.clock.now()
  const stored = await records.mint(
    key,
    (desk) => {
      const earlier = again ? undefined : dotOf(desk.extras[0])
      if (earlier !== undefined) {
        // A retried request mints nothing new. But what it wrote is gone, if its record was damaged meanwhile; and what was
        // deleted since, and forgotten with its key, must not come back by being asked for once more.
        const isForgotten = desk.extras[1] !== undefined
        const state = isForgotten
          ? desk.object.state
          : world.rules.apply(desk.object.state, earlier, context, value)
        const result = { dot: earlier, state, seenBefore: 0, known: true }
        // It was taken once, whatever becomes of it now.
        const orRefuse = (): RingletError => tooManyHints(key, 'unknown')
        const minter = world.rules.minterAfter(desk.object, withDot(context, earlier))
        return { result, state, minter, owed: owedNow(world, key), orRefuse }
      }
      const name = nameOfPut(origin, request)
      refuseBlindCrowd(world, records, { key, name, state: desk.object.state, context })
      const minted = mint(world, desk, context, value, durability)
      const note = { key: requestKey, value: encode(remembered, { dot: minted.dot, at }) }
      return {
        result: minted,
        state: minted.state,
        minter: minted.dot.actor,
        owed: owedNow(world, key),
        writes: remote ? [note] : [],
        orRefuse: () => {
          records.refused.add(name, 'too-many-hints')
          return tooManyHints(key)
        },
      }
    },
    remote ? [requestKey, storageKeys.forgotten(key)] : [],
    durability,
  )
  world.say(traceOf('mint', key, stored))
  sayOwed(world, key, owedNow(world, key))
  return stored
}

function traceOf(type: 'mint' | 'apply', key: Key, { dot, known }: Stored) {
  const what = { type, key: showKey(key), dot: showDot(dot) }
  return known ? { ...what, result: 'known' } : what
}

function mint(
  world: MemberWorld,
  desk: Desk,
  context: Seen,
  value: Value,
  durability: Durability,
): Stored {
  const { object, since } = desk
  const own = world.rules.minterOf(object, desk.generation(), context)
  const goesOn = own !== undefined && world.buffering.goesOn(own, durability, since)
  const minter = goesOn ? own : freshEpoch(world, desk, context, durability)
  const seenBefore = highest(object.state.seen, minter)
  const dot = { actor: minter, counter: seenBefore + 1 }
  assert(!covers(context, dot), 'a context never covers the dot it is written with')
  const state = world.rules.apply(object.state, dot, context, value)
  return { dot, state, seenBefore, known: false }
}

/** A disk that was set back would hand out again what it has handed out: an epoch that anybody has seen is not fresh. */
function freshEpoch(
  world: MemberWorld,
  { object, takeEpoch }: Desk,
  context: Seen,
  durability: Durability,
): ActorId {
  for (;;) {
    const epoch = takeEpoch(durability)
    if (world.rules.isFresh(epoch, object.state, context)) return epoch
  }
}

/** A write about to be named or taken. */
interface Asked {
  readonly key: Key
  readonly name: RequestName
  readonly state: ObjectState
  readonly context: Seen
}

function refuseBlindCrowd(world: MemberWorld, { refused }: Records, asked: Asked): void {
  const { key, name, state, context } = asked
  const live = liveSiblings(state)
  const isCrowd = live.length >= world.limits.siblings
  const isBlind = !live.some(({ dot }) => covers(context, dot))
  if (!(isCrowd && isBlind) && !world.rules.isRefusedAgain(refused.has(name))) return
  if (refused.why(name) === 'too-many-hints') throw tooManyHints(key)
  refused.add(name, 'too-many-siblings')
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

/** Whether what was just minted must be minted again; if so its epoch is abandoned. */
export async function isBehind(
  world: MemberWorld,
  records: Records,
  key: Key,
  dot: Dot,
  shown: number,
): Promise<boolean> {
  const { mintedBehind } = world.rules
  if (!mintedBehind(dot, shown)) return false
  const behind = await records.change(key, ({ object }) => {
    // While the epoch is this store's own, all that is seen of it was minted here, by this put or by others since.
    const own = object.minter === dot.actor
    const minted = own ? highest(object.state.seen, dot.actor) : dot.counter
    const result = mintedBehind({ actor: dot.actor, counter: minted }, shown)
    return result && own ? { result, minter: undefined } : { result }
  })
  if (behind) world.say({ type: 'epoch-abandoned', key: showKey(key), dot: showDot(dot) })
  return behind
}

/** Whom this peer owes the key under the view of this instant. */
function owedNow(world: MemberWorld, key: Key): readonly PeerId[] {
  const { owners } = placementIn(world.view(), key.position)
  return world.rules.debtOf(world.self, owners)
}

/** What a note of an earlier request names; a note that cannot be read is none. */
function dotOf(note: Bytes | undefined): Dot | undefined {
  try {
    return note === undefined ? undefined : decode(remembered, note).dot
  } catch {
    return undefined
  }
}
