/**
 * Reading, coordinated (paper §4.5): get, read repair, and the question who covers a write.
 *
 * As many owners as R needs are asked, the fastest first; their answers are merged, and owners that answered with less
 * are told in the background. A disk of one's own that fails is one answer missing, no more.
 */
import type { Digest } from '../data/hash.ts'
import { type Key, showKey } from '../data/key.ts'
import { emptyState, type ObjectState } from '../data/siblings.ts'
import { covers, type Dot, highest } from '../data/vector.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Request } from '../protocol/message.ts'
import { checkNumbers, type ReadDemands } from '../protocol/demands.ts'
import { ownersQuota, placementOf } from '../protocol/placement.ts'
import { hostsOf, type Tally } from '../protocol/quorum.ts'
import { type Answer, reconcile } from '../protocol/reconcile.ts'
import { ask } from './ask.ts'
import { type Failure, isFailure } from './failure.ts'
import { type Fanned, fanout, quorumError } from './fanout.ts'
import type { Records } from './records.ts'
import { repair } from './repair.ts'
import {
  agree,
  isInDoubt,
  type Lists,
  listsOf,
  ownStanding,
  placementFor,
  ringQuotas,
  saysAll,
  type Standing,
  weighStrictly,
} from './strict.ts'
import type { MemberWorld } from './world.ts'

export interface Got {
  readonly state: ObjectState
  readonly answers: readonly PeerId[]
  readonly missing: number
  /** Whether R owners answered that miss nothing: then what they do not tell is not there. */
  readonly ready: boolean
}

export interface Covered {
  readonly by: readonly PeerId[]
  readonly owners: number
  readonly highest: number
  /** How many owners hold nothing of the key, and would if there were anything. */
  readonly without: number
}

interface ReadAnswer extends Answer, Standing {}

/** One attempt, and the lists that it went by if it is strict. */
interface Attempted {
  readonly result: Fanned<ReadAnswer>
  readonly lists: Lists | undefined
}

/** Resolves with what R answers say together; rejects when they cannot come. */
export async function get(
  world: MemberWorld,
  records: Records,
  key: Key,
  demands: ReadDemands,
): Promise<Got> {
  const { r, strict = false } = demands
  const { rules } = world
  checkNumbers(rules, world.view().identity.n, strict ? { r } : {}, strict)
  const endMs = world.clock.elapsed() + world.limits.requestMs
  let { result, lists } = await getOnce(world, records, key, demands, endMs)
  for (let attempt = 1; !result.met && lists !== undefined; attempt++) {
    if (!(await agree(world, lists, endMs, attempt))) break
    ;({ result, lists } = await getOnce(world, records, key, demands, endMs))
  }
  const got = hostsOf(result.tally.acks)
  world.say({
    type: 'get',
    key: showKey(key),
    result: result.met ? 'ok' : 'lost',
    detail: whoAnswered(result.tally),
  })
  if (!result.met) throw quorumError('get', key, r, result)
  const { state, behind } = reconcile(result.answers)
  if (behind.length > 0) {
    const lacking = new Map(behind.map((peer) => [peer, [{ key, state }]]))
    world.tasks.run('repair', repair(world, records, lacking))
  }
  return {
    state,
    answers: result.answers.map(({ peer }) => peer),
    missing: Math.max(0, r - got),
    ready: saysAll(rules, result, r),
  }
}

async function getOnce(
  world: MemberWorld,
  records: Records,
  key: Key,
  { r, pr = 0, strict = false }: ReadDemands,
  endMs: number,
): Promise<Attempted> {
  const { self, rules } = world
  const placement = placementFor(world, key.position, strict)
  // Before anything is read: who is ready by now may not have been so when it answered.
  const lists = strict ? listsOf(world, key.position) : undefined
  const asked = lists?.digest
  const own = placement.owners.includes(self)
    ? await world.pace.foreground(readOwn(world, records, key, asked))
    : undefined
  const result = await fanout<ReadAnswer>(world, placement, {
    label: 'get',
    endMs,
    needed: r,
    quotas: [
      ...(pr > 0 ? [ownersQuota(placement, pr)] : []),
      ...(lists === undefined ? [] : ringQuotas(world, lists, r, 'get')),
    ],
    breadth: 'needed',
    hedging: world.hedging,
    own,
    weigh: (answer) => {
      if (lists !== undefined) return weighStrictly(world, lists, answer.peer, answer)
      const counts = answer.state.seen.size > 0 || rules.countsEmpty(answer.owner, answer)
      return counts ? 'counts' : { merges: true, why: 'holds nothing' }
    },
    send: async (peer, deadlineMs) => {
      if (peer === self) return answerOwn(world, records, key)
      const question: Request = { type: 'read', key, have: own?.digest, lists: asked }
      const reply = await ask(world, peer, question, 'read', { deadlineMs })
      if (isFailure(reply)) return reply
      const { owner, ready = true, agrees = false, whole = true } = reply
      return { peer, owner, ready, agrees, whole, state: reply.state ?? own?.state ?? emptyState }
    },
  })
  return { result, lists }
}

/** Which owners hold at least this write durably. */
export async function coveredBy(
  world: MemberWorld,
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
        return isFailure(reply) ? { by: [], highest: 0, without: 0 } : reply
      }
      const { seen } = (await records.read(key)).state
      const isReady = world.view().byPeer.get(self)?.record.readiness === 'ready'
      const isWhole = isReady && world.holdsAll(key) && !isInDoubt(world, records, key)
      if (covers(seen, dot) && world.buffering.syncsToCover()) await world.buffers.settled()
      const without = seen.size === 0 && isWhole ? 1 : 0
      const isCovered = covers(seen, dot) || records.shortened.covers(key, dot)
      return { by: isCovered ? [self] : [], highest: highest(seen, dot.actor), without }
    }),
  )
  return {
    by: answers.flatMap(({ by }) => by),
    owners: owners.length,
    highest: Math.max(0, ...answers.map((answer) => answer.highest)),
    without: answers.reduce((sum, answer) => sum + (answer.without ?? 0), 0),
  }
}

/** Whose answers counted, and why others did not. */
function whoAnswered({ acks, failures }: Tally): string {
  const failed = Object.entries(failures).map(([peer, why]) => `, ${peer} ${why}`)
  return `acks ${acks.map(({ peer }) => peer).join(' ')}${failed.join('')}`
}

/** This peer's own record; undefined when its disk cannot say. */
async function readOwn(
  world: MemberWorld,
  records: Records,
  key: Key,
  asked: Digest | undefined,
): Promise<(ReadAnswer & { readonly digest: Digest }) | undefined> {
  const { agrees, ready, whole } = ownStanding(world, records, key, asked)
  try {
    const { state, digest } = await records.read(key)
    const isSound = !isInDoubt(world, records, key)
    const standing = { agrees, ready: ready && isSound, whole: whole && isSound }
    return { peer: world.self, owner: true, state, digest, ...standing }
  } catch {
    return undefined
  }
}

async function answerOwn(
  world: MemberWorld,
  records: Records,
  key: Key,
): Promise<ReadAnswer | Failure> {
  const held = await readOwn(world, records, key, undefined)
  if (held !== undefined) return { ...held, owner: false }
  return { failed: true, why: 'disk', sent: false, refusal: undefined }
}
