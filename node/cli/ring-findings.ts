/**
 * What is wrong with a ring, in plain sentences, each with what to do about it. A pure function of what its peers have told.
 *
 * A table of states leaves the conclusion to whoever reads it at three in the morning. A finding names one cause and its
 * mend: a member that is silent is one finding, and not one for each of its four thousand partitions; how much of the ring
 * it touches stands in the sentence.
 */
import type { Ring } from '../../src/data/ring.ts'
import { spreadOf } from '../../src/data/spread.ts'
import { rules } from '../../src/protocol/rules.ts'
import type { DiskReport, RingMemberReport, RingOwners } from '../control-ring.ts'

export interface Finding {
  readonly kind:
    | 'silent'
    | 'not-ready'
    | 'cut'
    | 'strict-refused'
    | 'few-owners'
    | 'host-shared'
    | 'host-shared-needlessly'
    | 'zone-shared-needlessly'
    | 'disk-trouble'
    | 'doubt'
    | 'stuck'
  /** What is wrong. */
  readonly what: string
  /** What to do about it. */
  readonly remedy: string
  /** The members that it is about; none where it is about the ring. */
  readonly peers: readonly string[]
  /** How many partitions it is about. */
  readonly partitions?: number
}

/** `nameOf` is what people call a peer; `startOf` how a peer is started, where the ring's launcher can. */
export interface Naming {
  nameOf(peer: string): string
  startOf(peer: string): string
}

export function findingsOf(
  owners: RingOwners,
  disks: readonly DiskReport[],
  naming: Naming,
): Finding[] {
  const named = owners.members.toSorted((a, b) =>
    naming.nameOf(a.id) < naming.nameOf(b.id) ? -1 : 1,
  )
  return [
    ...named.flatMap((member) => ofSilence(owners, member, naming)),
    ...ofReadiness(owners, named, naming),
    ...ofCuts(owners, naming),
    ...ofStrict(owners),
    ...ofSpread(owners),
    ...disks.flatMap((disk) => ofDisk(disk, naming)),
  ]
}

function ofSilence(
  { ring }: RingOwners,
  { id, state, partitions, silentSince }: RingMemberReport,
  { nameOf, startOf }: Naming,
): Finding[] {
  if (state === 'up') return []
  const since = silentSince === null ? '' : ` since ${silentSince.replace(/\.\d+Z$/, 'Z')}`
  const how =
    state === 'down'
      ? `Nobody is there at the address of ${nameOf(id)}${since}`
      : `${nameOf(id)} does not answer in time${since}`
  return [
    {
      kind: 'silent',
      what: `${how}; it owns ${partitions} of ${ring.q} partitions.`,
      remedy: `${startOf(id)} What is written meanwhile it gets when it is back.`,
      peers: [id],
      partitions,
    },
  ]
}

/** A new ring has only new stores, and a room that lost its power many that are refilled: one cause is one finding. */
function ofReadiness(
  { ring, members, owners }: RingOwners,
  named: readonly RingMemberReport[],
  naming: Naming,
): Finding[] {
  const causes = {
    new: ['has a store that is new', 'have stores that are new'],
    refilling: ['lost its disk and is being refilled', 'lost their disks and are being refilled'],
  } as const
  return (['new', 'refilling'] as const).flatMap((readiness): Finding[] => {
    const such = named.filter((member) => member.readiness === readiness)
    if (such.length === 0) return []
    const [its, theirs] = causes[readiness]
    const names = listOf(such.map(({ id }) => naming.nameOf(id)))
    const [cause, counts] = such.length === 1 ? [its, 'counts'] : [theirs, 'count']
    const partitions = owners.filter((places) =>
      places.some((place) => members[place]!.readiness === readiness),
    ).length
    return [
      {
        kind: 'not-ready',
        what: `${names} ${cause}, and ${counts} for no strict request yet; so it is in ${partitions} of ${ring.q} partitions.`,
        remedy:
          'Wait: that ends once enough other owners have told what they hold, so these must be up.',
        peers: such.map(({ id }) => id),
        partitions,
      },
    ]
  })
}

/** Who is in touch with the peer that was asked may still be cut off from others. */
function ofCuts({ members, seenBy }: RingOwners, { nameOf }: Naming): Finding[] {
  const inTouch = new Set(members.filter(({ state }) => state === 'up').map(({ id }) => id))
  return members
    .filter(({ id }) => id !== seenBy && inTouch.has(id))
    .flatMap(({ id, suspects }) =>
      (suspects ?? [])
        .filter((other) => inTouch.has(other))
        .map((other): Finding => {
          const what = `${nameOf(id)} gets no answer from ${nameOf(other)}, though ${nameOf(seenBy)} gets one from both.`
          const remedy = `Look at the network between the two, and at the addresses that ${nameOf(other)} announces.`
          return { kind: 'cut', what, remedy, peers: [id, other] }
        }),
    )
}

function ofStrict({ ring, members, owners }: RingOwners): Finding[] {
  const needed = rules.strictLeast(ring.n)
  const counts = members.map(({ state, readiness }) => state === 'up' && readiness === 'ready')
  const partitions = owners.filter((places) => {
    const hosts = places.filter((place) => counts[place]).map((place) => members[place]!.host)
    return new Set(hosts).size < needed
  }).length
  if (partitions === 0) return []
  const what = `${partitions} of ${ring.q} partitions have fewer than ${needed} owners, on distinct hosts, that answer and are ready: strict requests for their keys are refused.`
  const remedy = 'Mend the members that this check names. Requests that are not strict do without.'
  return [{ kind: 'strict-refused', what, remedy, peers: [], partitions }]
}

function ofSpread(report: RingOwners): Finding[] {
  const { ring, members } = report
  const spread = spreadOf(ringOf(report))
  const found = (
    kind: Finding['kind'],
    { length: partitions }: readonly number[],
    what: string,
    remedy: string,
  ): Finding[] =>
    partitions === 0
      ? []
      : [
          {
            kind,
            what: `${partitions} of ${ring.q} partitions have ${what}`,
            remedy,
            peers: [],
            partitions,
          },
        ]
  const hosts = new Set(members.map(({ host }) => host)).size
  const wrongRing =
    'This is a fault of Ringlet or of its versions: run the same one everywhere, and report it if it stays.'
  return [
    ...found(
      'few-owners',
      spread.short,
      `fewer than ${ring.n} owners: the ring has ${countOf(members.length, 'member')}.`,
      'Start more peers.',
    ),
    ...found(
      'host-shared',
      spread.hostShared,
      `owners that share a host, as all members stand on ${countOf(hosts, 'host')}: one lost disk may take two copies.`,
      'Start a peer on another host; peers of one machine with disks of their own can say so with --host.',
    ),
    ...found(
      'host-shared-needlessly',
      spread.hostSharedNeedlessly,
      'owners that share a host, though there are others.',
      wrongRing,
    ),
    ...found(
      'zone-shared-needlessly',
      spread.zoneSharedNeedlessly,
      'more owners in one zone than its part, though there are other zones.',
      wrongRing,
    ),
  ]
}

function ofDisk({ peer, troubles, doubted, isStuck }: DiskReport, { nameOf }: Naming): Finding[] {
  const name = nameOf(peer)
  const found = troubles.map((trouble): Finding => ({
    kind: 'disk-trouble',
    what: `${name} says: ${trouble}`,
    remedy: 'Look at its disk and its log.',
    peers: [peer],
  }))
  const [first, ...others] = doubted
  if (first !== undefined) {
    const more = others.length === 0 ? '' : ` and ${others.length} more`
    const what = `${name} found its record of ${first}${more} damaged, and counts for no strict request there.`
    const remedy =
      'It mends itself from the other owners. A disk that damages records again should be replaced.'
    found.push({ kind: 'doubt', what, remedy, peers: [peer] })
  }
  if (isStuck) {
    const what = `${name} lacks what nobody who is left can tell it.`
    const remedy =
      'Bring back the disks of the other owners; if there are none to bring back, see `ringlet trust --help`.'
    found.push({ kind: 'stuck', what, remedy, peers: [peer] })
  }
  return found
}

/** The ring as the peer told it, and not as it would be made here. */
function ringOf({
  ring,
  members,
  owners,
}: RingOwners): Pick<Ring, 'shape' | 'members' | 'ownersOf'> {
  return {
    shape: ring,
    members: members.map(({ id, host, zone, weight, class: its }) => ({
      id,
      host,
      zone,
      weight,
      class: its === 'transient' ? its : 'durable',
    })),
    ownersOf: (partition) => owners[partition]!.map((place) => members[place]!.id),
  }
}

function countOf(count: number, what: string): string {
  return count === 1 ? `1 ${what}` : `${count} ${what}s`
}

function listOf(names: readonly string[]): string {
  const last = names.at(-1) ?? ''
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} and ${last}`
}
