/**
 * The durable write of a buffered put: one of the N makes it, so that no power cut takes the write from all (paper §6.1).
 *
 * It is another one for each write, or one member would have all the syncs; and nobody waits for it who did not ask to.
 * Whoever was chosen and has not made it is replaced: by the coordinator itself, which needs nobody for that, and by the
 * other owners where its own disk fails.
 */
import { showKey } from '../data/key.ts'
import { type Dot, showDot } from '../data/vector.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { WriteDemands } from '../protocol/demands.ts'
import type { Request } from '../protocol/message.ts'
import type { Placement } from '../protocol/placement.ts'
import { ask } from './ask.ts'
import { isFailure } from './failure.ts'
import type { Fanned } from './fanout.ts'
import type { MemberWorld } from './world.ts'

export interface DurableOne {
  /** Who is asked for it together with its copy; this peer itself, or nobody, where that is none of the others. */
  readonly chosen: PeerId | undefined
  /** What came of asking this peer for its copy. */
  heard(peer: PeerId, synced: boolean): void
  /** Resolves with who has the write durably; undefined when nobody could be brought to it. */
  readonly made: Promise<PeerId | undefined>
  /** Whether this peer itself has by now. */
  readonly isHere: boolean
}

export type Replicate = Extract<Request, { type: 'replicate' }>

interface Asked {
  readonly dot: Dot
  readonly placement: Placement
  /** What the other owners are sent. */
  readonly order: Replicate
  readonly endMs: number
}

/** Chooses one, and sees to it as a task. */
export function chooseDurableOne(world: MemberWorld, asked: Asked): DurableOne {
  const { self, links, random, buffering } = world
  const healthy = mayKeep(world, asked.placement).filter((peer) => !links.isSuspect(peer))
  const chosen = buffering.durableOne(healthy, random.fraction())
  const { promise: answered, resolve } = Promise.withResolvers<boolean>()
  let isHere = false
  const here = async (): Promise<boolean> => {
    isHere = await settled(world)
    return isHere
  }
  const made = makeDurable(world, asked, chosen, chosen === self ? here() : answered, here)
  world.tasks.run('durable', made)
  return {
    chosen,
    heard: (peer, synced) => {
      if (peer === chosen) resolve(synced)
    },
    made,
    get isHere() {
      return isHere
    },
  }
}

async function makeDurable(
  world: MemberWorld,
  asked: Asked,
  chosen: PeerId | undefined,
  answered: Promise<boolean>,
  here: () => Promise<boolean>,
): Promise<PeerId | undefined> {
  const { self, clock, limits, buffering } = world
  if (chosen === undefined) return undefined
  if (await answered) return chosen
  if (!buffering.passesOn()) return undefined
  const others = mayKeep(world, asked.placement).filter((peer) => peer !== chosen)
  // Itself first, which needs nobody for that.
  for (const peer of others.toSorted((a, b) => Number(b === self) - Number(a === self))) {
    if (clock.elapsed() >= asked.endMs) break
    const isMade = peer === self ? await here() : await askFor(world, asked, peer, limits.ownerMs)
    world.say({
      type: 'durable',
      key: showKey(asked.order.key),
      to: peer,
      dot: showDot(asked.dot),
      result: isMade ? 'ok' : 'not synced',
      detail: `instead of ${chosen}`,
    })
    if (isMade) return peer
  }
  return undefined
}

/** The owners on durable disks, and this peer, which has the write already. */
function mayKeep({ self, view }: MemberWorld, { owners }: Placement): PeerId[] {
  const { byPeer } = view()
  const all = owners.includes(self) ? owners : [...owners, self]
  return all.filter((peer) => byPeer.get(peer)?.record.class === 'durable')
}

async function askFor(
  world: MemberWorld,
  { order }: Asked,
  peer: PeerId,
  deadlineMs: number,
): Promise<boolean> {
  const request = { ...order, keeping: 'durable' } as const
  const reply = await ask(world, peer, request, 'stored', { deadlineMs })
  return !isFailure(reply) && reply.synced !== false
}

/** A disk that fails to sync is somebody else's turn. */
async function settled({ buffers }: MemberWorld): Promise<boolean> {
  return buffers.settled().then(
    () => true,
    () => false,
  )
}

/** Whether a write that asks for a durable copy has one; whoever asks for none waits for none. */
export async function hasDurable(
  { buffering }: MemberWorld,
  { dw = 0 }: WriteDemands,
  { made }: DurableOne,
): Promise<boolean> {
  return !buffering.waitsForDurable(dw) || (await made) !== undefined
}

/** Those whose acknowledgement a power cut may yet take back. */
export function inBuffers(
  self: PeerId,
  { tally, answers }: Fanned<{ readonly peer: PeerId; readonly synced?: boolean | undefined }>,
  durableOne: DurableOne | undefined,
): readonly PeerId[] {
  const buffered = new Set(answers.filter(({ synced }) => synced === false).map(({ peer }) => peer))
  if (durableOne?.isHere === true) buffered.delete(self)
  return tally.acks.map(({ peer }) => peer).filter((peer) => buffered.has(peer))
}
