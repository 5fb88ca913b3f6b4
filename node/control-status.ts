/**
 * What a peer tells an operator about the ring: who is in it, who answers, what each owns and owes.
 *
 * Liveness is each peer's own judgement and nothing else (paper §4.8.3), so the picture is that of the peer that answers,
 * and says so. It asks the others on the spot what they owe, and for a moment only: a person who waits for a dead peer
 * learns nothing more. These questions draw no conclusions about the links; only real requests may.
 */
import { showKey } from '../src/data/key.ts'
import { TransportError } from '../src/protocol/errors.ts'
import type { MemberRecord, Readiness } from '../src/protocol/membership.ts'
import { decodeReply, encodeRequest } from '../src/protocol/message.ts'
import type { HintSpaceStatus, LoadStatus } from '../src/peer/api.ts'
import { type ChangeReport, reportChange } from './control-changing.ts'
import type { Member } from '../src/peer/member.ts'
import { shortPartitions } from '../src/peer/short-partitions.ts'

export interface RingStatus {
  readonly ring: {
    readonly name: string
    readonly id: string
    readonly n: number
    readonly q: number
    readonly durableOwners: number
  }
  /** The peer whose picture this is. */
  readonly seenBy: string
  readonly members: readonly MemberReport[]
  /** The change of the members that is under way; null where there is none. */
  readonly change: ChangeReport | null
  /** How many partitions have too few ready owners for a strict request. */
  readonly short: number
  /** The keys whose records it found damaged and was not told yet what they held: it counts for no strict request there. */
  readonly doubted: readonly string[]
  /** What the peer itself has to do. */
  readonly load: LoadStatus
  readonly storage: {
    readonly usedBytes?: number
    readonly quotaBytes?: number
    readonly hints: HintSpaceStatus
  }
}

export interface MemberReport {
  readonly id: string
  /** `suspect`: linked or listening, but it does not answer in time; `down`: nobody is there. */
  readonly state: 'up' | 'suspect' | 'down'
  /** Whether it comes into the ring, stays, leaves of its own accord, or was sent away and is not gone yet. */
  readonly course: 'joining' | 'up' | 'leaving' | 'evicted'
  readonly class: string
  /** These three are of the seat that it has, or asks for where it has none. */
  readonly host: string
  readonly zone: string
  readonly weight: number
  /** `refilling`: it lost its disk, and counts for no strict request yet; `new`: its store is. */
  readonly readiness: Readiness
  /** Of the ring's replicas, from 0 to 1. */
  readonly share: number
  /** Keys that it holds for owners who lack them; null where it did not say. */
  readonly hints: number | null
  /** How many keys it holds, deleted ones included; null where it did not say. */
  readonly keys: number | null
  /** Whom it suspects; null where it did not say. */
  readonly suspects: readonly string[] | null
  /** Without whose word it may not forget the keys that were deleted; null for nobody, and where it did not say. */
  readonly reapingWaitsFor: string | null
  /** How much is there of what the change makes its own, in partitions; null where that is nothing, and where it did not say. */
  readonly filling: { readonly done: number; readonly of: number } | null
  readonly addresses: readonly string[]
}

/** Nobody reads more names than that. */
const mostNamed = 1000
/** Long for a peer on this machine, short for a person who waits. */
const patienceMs = 150

export async function describeRing(member: Member): Promise<RingStatus> {
  const { identity, members } = member.view
  const { name, id, n, q, durableOwners } = identity
  const [storage, ...reports] = await Promise.all([
    member.world.storage.usage(),
    ...members.map(({ record }) => describe(member, record)),
  ])
  return {
    ring: { name, id, n, q, durableOwners },
    seenBy: member.id,
    members: reports,
    change: reportChange(member),
    doubted: member.records.doubts.keys.slice(0, mostNamed).map(showKey),
    short: shortPartitions(member.view, member.world.rules),
    load: member.load,
    storage: { ...storage, hints: member.records.foreign.status },
  }
}

async function describe(member: Member, record: MemberRecord): Promise<MemberReport> {
  const { peer, addresses, readiness } = record
  const { host, zone, weight } = member.view.ring.members.find(({ id }) => id === peer) ?? record
  const word = peer === member.id ? await ownWord(member) : await askFor(member, peer)
  const share = member.view.ring.shareOf(peer)
  return {
    id: peer,
    course: courseOf(member, peer),
    class: record.class,
    host,
    zone,
    weight,
    readiness,
    share,
    addresses,
    ...word,
  }
}

function courseOf({ changing, view }: Member, peer: string): MemberReport['course'] {
  const facts = changing.situation?.facts
  const course = facts?.courses.get(peer)?.said
  const isSeated = view.ring.members.some(({ id }) => id === peer)
  const join = course?.join ?? 0
  if (facts?.settled === undefined) return course?.status === 'leaving' ? 'leaving' : 'up'
  if ((facts.orders.get(peer)?.said.join ?? -1) >= join) return 'evicted'
  if (course?.status === 'leaving') return 'leaving'
  return isSeated ? 'up' : 'joining'
}

type Word = Pick<
  MemberReport,
  'state' | 'hints' | 'keys' | 'suspects' | 'reapingWaitsFor' | 'filling'
>

const nothingSaid = {
  hints: null,
  keys: null,
  suspects: null,
  reapingWaitsFor: null,
  filling: null,
}

async function ownWord(member: Member): Promise<Word> {
  const keys = member.records.digests.count ?? null
  const { hints, suspects, reapingWaitsFor = null, filling = null } = await member.report()
  return { state: 'up', hints, keys, suspects, reapingWaitsFor, filling }
}

async function askFor(member: Member, peer: string): Promise<Word> {
  const { transport, links } = member.world
  const body = encodeRequest({ type: 'status' })
  const options = { lane: 'foreground', deadlineMs: patienceMs } as const
  try {
    const reply = decodeReply(await transport.request(peer, body, options))
    if (reply.type !== 'status') return { state: 'suspect', ...nothingSaid }
    const { hints, keys, suspects } = reply
    const state = links.isSuspect(peer) ? 'suspect' : 'up'
    const { reapingWaitsFor = null, filling = null } = reply
    return { state, hints, keys, suspects, reapingWaitsFor, filling }
  } catch (error) {
    const isThere = error instanceof TransportError && error.failure === 'deadline'
    const state = !links.isSuspect(peer) && isThere ? 'up' : isThere ? 'suspect' : 'down'
    return { state, ...nothingSaid }
  }
}
