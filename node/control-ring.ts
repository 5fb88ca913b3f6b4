/**
 * What a peer tells an operator of the ring itself: its members one by one, who owns which partition, where a key is, and
 * how this peer's own disk does. All of it is read, nothing is done.
 *
 * Who owns what is told by the peer and not worked out by whoever asks: were the two of different versions, the question
 * is what the ring does, and not what it should do.
 */
import type { KeyPath } from '../src/data/key.ts'
import { showKey } from '../src/data/key.ts'
import { makeCheckedKey } from '../src/protocol/arguments.ts'
import { shelfRange } from '../src/protocol/record.ts'
import type { Location } from '../src/peer/api.ts'
import { locate } from '../src/peer/locate.ts'
import type { Member } from '../src/peer/member.ts'
import { readMarker } from '../src/peer/records.ts'
import { slices } from '../src/peer/slices.ts'
import { describeRing, type MemberReport, type RingStatus } from './control-status.ts'
import type { Silences } from './silences.ts'

export interface RingReport extends Pick<RingStatus, 'ring' | 'seenBy' | 'change'> {
  readonly members: readonly RingMemberReport[]
}

export interface RingMemberReport extends MemberReport {
  /** How many partitions it owns. */
  readonly partitions: number
  /** Keys that the peer which answers holds for it. */
  readonly owed: number
  /** Since when it does not answer, in ISO 8601; null for one that does, and where nobody has noticed. */
  readonly silentSince: string | null
}

export interface RingOwners extends RingReport {
  /** The owners of each partition, preferred first, as places in `members`. */
  readonly owners: readonly (readonly number[])[]
}

export interface DiskReport {
  readonly peer: string
  /** What this device could not store in the background, a sentence each. */
  readonly troubles: readonly string[]
  /** Keys whose records it found damaged, and of which it was not told yet what they held. */
  readonly doubted: readonly string[]
  /** It lacks what nobody is left to tell it. */
  readonly isStuck: boolean
}

export type KeyLocation = Location & {
  readonly bucket: string
  readonly key: KeyPath
  readonly partitions: number
}

/** Nobody reads more names than that. */
const mostNamed = 1000

export async function reportRing(member: Member, silences: Silences): Promise<RingReport> {
  const [{ ring, seenBy, members, change }, owed] = await Promise.all([
    describeRing(member),
    owedByTarget(member),
  ])
  const replicas = ring.q * Math.min(ring.n, member.view.ring.members.length)
  const reports = members.map((report): RingMemberReport => {
    const since = report.state === 'up' ? undefined : silences.since(report.id)
    return {
      ...report,
      partitions: Math.round(report.share * replicas),
      owed: owed.get(report.id) ?? 0,
      silentSince: since === undefined ? null : new Date(since).toISOString(),
    }
  })
  return { ring, seenBy, members: reports, change }
}

export async function reportOwners(member: Member, silences: Silences): Promise<RingOwners> {
  // Both are taken of one view, in this turn; what is asked of the members comes later.
  const { ring } = member.view
  const report = await reportRing(member, silences)
  const places = new Map(report.members.map(({ id }, place) => [id, place]))
  const owners = Array.from({ length: report.ring.q }, (_, partition) =>
    ring.ownersOf(partition).flatMap((id) => places.get(id) ?? []),
  )
  return { ...report, owners }
}

/** Rejects with `RingletError` for what is no key. */
export async function locateKey(
  member: Member,
  bucket: string,
  path: readonly string[],
): Promise<KeyLocation> {
  const key = path as [string, ...string[]]
  const location = await locate(member.world, makeCheckedKey(bucket, key), {
    held: async (own) => (await member.records.read(own)).state,
    report: () => member.report(),
  })
  return { bucket, key, partitions: member.view.identity.q, ...location }
}

export function reportDisk(member: Member): DiskReport {
  const { records, world, isStuck } = member
  return {
    peer: member.id,
    troubles: world.troubles.sentences,
    doubted: records.doubts.keys.slice(0, mostNamed).map(showKey),
    isStuck,
  }
}

/** How many keys are owed to whom. */
async function owedByTarget(member: Member): Promise<ReadonlyMap<string, number>> {
  const owed = new Map<string, number>()
  for await (const slice of slices(member.world.storage, shelfRange('marker'))) {
    for (const target of slice.flatMap(({ value }) => readMarker(value) ?? [])) {
      owed.set(target, (owed.get(target) ?? 0) + 1)
    }
  }
  return owed
}
