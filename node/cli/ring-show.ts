/**
 * `ringlet ring`: the ring as one of its peers sees it. Its members, one by one; with `--partitions` who owns what; with
 * `--key` where a key is.
 */
import type { RingMemberReport, RingOwners, RingReport } from '../control-ring.ts'
import { done, type Given, type Outcome, usageError } from './outcome.ts'
import { showChange } from './progress.ts'
import { askRing, findRing, type Ring } from './ring.ts'
import { locateKey } from './ring-key.ts'
import { showTable } from './table.ts'

const titles = [
  'peer',
  'state',
  'ready',
  'class',
  'host',
  'zone',
  'weight',
  'share',
  'partitions',
  'owed',
  'silent since',
  'id',
]
const numbers = ['weight', 'share', 'partitions', 'owed']

/** Partitions in a row that have the same owners in the same order. */
interface Run {
  readonly from: number
  /** The last of them. */
  readonly to: number
  readonly owners: readonly string[]
}

export async function run(given: Given): Promise<Outcome> {
  const word = given.words['BUCKET']
  const wantsKey = given.switches.has('key')
  const wantsPartitions = given.switches.has('partitions')
  if (wantsKey && wantsPartitions) throw usageError('Give --key or --partitions, not both.')
  if (!wantsKey && word !== undefined) {
    const remedy = 'Write `ringlet ring check`, or --key before a bucket and a key.'
    throw usageError(`${word} is too much: ringlet ring`, remedy)
  }
  const ring = findRing(given)
  if (wantsKey) return locateKey(ring, given)
  if (wantsPartitions) {
    const owners = await askRing<RingOwners>(ring, '/ring/owners')
    const runs = runsOf(owners)
    return done(showRuns(ring, owners, runs), { ring: owners.ring, seenBy: owners.seenBy, runs })
  }
  const report = await askRing<RingReport>(ring, '/ring')
  return done(showMembers(ring, report), report)
}

function showMembers(ring: Ring, report: RingReport): string {
  const { seenBy, members } = report
  const sorted = members.toSorted((a, b) => (ring.nameOf(a.id) < ring.nameOf(b.id) ? -1 : 1))
  const rows = sorted.map((member) => rowOf(ring, member, member.id === seenBy))
  return [
    titleOf(ring, report),
    '',
    ...showTable(titles, rows, numbers),
    ...showChange(ring, report),
    '',
    `State, owed and silence are ${ring.nameOf(seenBy)}’s own word. See \`ringlet ring check\` for what is wrong.`,
  ].join('\n')
}

function titleOf(ring: Ring, { ring: shape, seenBy, members }: RingReport): string {
  const { name, n, q } = shape
  return `Ring ${name}: ${members.length} members, N=${n}, Q=${q}, as ${ring.nameOf(seenBy)} sees it`
}

function rowOf(ring: Ring, member: RingMemberReport, isAsked: boolean): string[] {
  const { id, state, course, readiness, host, zone, weight, share, partitions, owed } = member
  return [
    ring.nameOf(id),
    course === 'up' ? state : `${state}, ${course}`,
    readiness === 'ready' ? 'yes' : readiness,
    member.class,
    host,
    zone,
    String(weight),
    `${(share * 100).toFixed(1)} %`,
    String(partitions),
    isAsked ? '' : String(owed),
    silence(member),
    id,
  ]
}

/** Without fractions of a second. */
function silence({ state, silentSince }: RingMemberReport): string {
  if (state === 'up') return ''
  return silentSince === null ? 'not known' : silentSince.replace(/\.\d+Z$/, 'Z')
}

function runsOf({ members, owners }: RingOwners): Run[] {
  const runs: { from: number; to: number; owners: readonly string[] }[] = []
  for (const [partition, places] of owners.entries()) {
    const ids = places.map((place) => members[place]!.id)
    const last = runs.at(-1)
    if (last !== undefined && last.owners.join() === ids.join()) last.to = partition
    else runs.push({ from: partition, to: partition, owners: ids })
  }
  return runs
}

function showRuns(ring: Ring, report: RingReport, runs: readonly Run[]): string {
  const rows = runs.map(({ from, to, owners }) => [
    from === to ? String(from) : `${from}-${to}`,
    owners.map((id) => ring.nameOf(id)).join(' '),
  ])
  return [
    titleOf(ring, report),
    '',
    ...showTable(['partitions', 'owners, preferred first'], rows, []),
  ].join('\n')
}
