/**
 * Reading, coordinated (paper §4.5): get, read repair, and the question who covers a write.
 *
 * As many owners as R needs are asked, the fastest first; their answers are merged, and owners that answered with less
 * are told in the background. A disk of one's own that fails is one answer missing, no more.
 */
import { type Key, showKey } from '../data/key.ts'
import { emptyState, type ObjectState } from '../data/siblings.ts'
import { covers, type Dot, highest } from '../data/vector.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Request } from '../protocol/message.ts'
import { placementOf } from '../protocol/placement.ts'
import { hostsOf, type Tally } from '../protocol/quorum.ts'
import { type Answer, reconcile } from '../protocol/reconcile.ts'
import type { StoredObject } from '../protocol/record.ts'
import { ask } from './ask.ts'
import { type Failure, isFailure } from './failure.ts'
import { fanout, quorumError } from './fanout.ts'
import type { Records } from './records.ts'
import { repair } from './repair.ts'
import type { World } from './world.ts'

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

/** Resolves with what R answers say together; rejects when they cannot come. */
export async function get(world: World, records: Records, key: Key, r: number): Promise<Got> {
  const { self, limits } = world
  const placement = placementOf(world.view().ring, key.position)
  const held = placement.owners.includes(self) ? await readOwn(records, key) : undefined
  const result = await fanout<Answer>(world, placement, {
    label: 'get',
    endMs: world.clock.elapsed() + limits.requestMs,
    needed: r,
    breadth: 'needed',
    own: held === undefined ? undefined : { peer: self, owner: true, state: held.state },
    counts: ({ owner, state }) => owner || state.seen.size > 0,
    send: async (peer, deadlineMs) => {
      if (peer === self) return answerOwn(records, key, self)
      const question: Request = { type: 'read', key, have: held?.digest }
      const reply = await ask(world, peer, question, 'read', { deadlineMs })
      if (isFailure(reply)) return reply
      return { peer, owner: reply.owner, state: reply.state ?? held?.state ?? emptyState }
    },
  })
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

/** Whose answers counted, and why others did not. */
function whoAnswered({ acks, failures }: Tally): string {
  const failed = Object.entries(failures).map(([peer, why]) => `, ${peer} ${why}`)
  return `acks ${acks.map(({ peer }) => peer).join(' ')}${failed.join('')}`
}

/** This peer's own record; undefined when its disk cannot say. */
async function readOwn(records: Records, key: Key): Promise<StoredObject | undefined> {
  try {
    return await records.read(key)
  } catch {
    return undefined
  }
}

async function answerOwn(records: Records, key: Key, self: PeerId): Promise<Answer | Failure> {
  const held = await readOwn(records, key)
  if (held !== undefined) return { peer: self, owner: false, state: held.state }
  return { failed: true, why: 'disk', sent: false, refusal: undefined }
}
