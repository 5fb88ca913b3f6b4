/**
 * `ringlet status`: the ring as one of its peers sees it.
 */
import type { HintSpaceStatus, LoadStatus } from '../../src/peer/api.ts'
import type { MemberReport, RingStatus } from '../control-status.ts'
import { showChange } from './progress.ts'
import { showTable } from './table.ts'
import { done, type Given, type Outcome } from './outcome.ts'
import { askRing, findRing, type Ring } from './ring.ts'

const titles = ['peer', 'state', 'share', 'keys', 'hints', 'class', 'host', 'address', 'id']

export async function run(given: Given): Promise<Outcome> {
  const ring = findRing(given)
  const status = await askRing<RingStatus>(ring, '/status')
  return done(showStatus(ring, status), status)
}

function showStatus(ring: Ring, status: RingStatus): string {
  const { ring: shape, members, seenBy, short, doubted, load } = status
  const sorted = members.toSorted((a, b) => (ring.nameOf(a.id) < ring.nameOf(b.id) ? -1 : 1))
  const up = members.filter(({ state }) => state === 'up').length
  const rows = sorted.map((member) => rowOf(ring, member))
  const owed = members.reduce((sum, { hints }) => sum + (hints ?? 0), 0)
  const awaited = new Set(
    sorted.flatMap(({ reapingWaitsFor: id }) => (id === null ? [] : [ring.nameOf(id)])),
  )
  return [
    `Ring ${shape.name}: ${up} of ${members.length} peers up, N=${shape.n}, Q=${shape.q}, ` +
      `as ${ring.nameOf(seenBy)} sees it`,
    '',
    ...showTable(titles, rows, ['share', 'keys', 'hints']),
    ...showChange(ring, status),
    ...(short === 0 || !members.some(({ readiness }) => readiness === 'refilling')
      ? []
      : [
          '',
          `Strict requests are refused for ${short} of ${shape.q} partitions: too few ready owners.`,
        ]),
    ...showDoubts(ring.nameOf(seenBy), doubted),
    ...(awaited.size === 0
      ? []
      : ['', `Deleted keys are kept until ${[...awaited].join(' and ')} can be asked about them.`]),
    ...(owed === 0 ? [] : ['', `Catching up: ${keys(owed)} still on the way to their owners.`]),
    ...showHintSpace(ring.nameOf(seenBy), status.storage.hints),
    '',
    showLoad(ring.nameOf(seenBy), load),
  ].join('\n')
}

function showDoubts(name: string, doubted: readonly string[]): string[] {
  const [first, ...others] = doubted
  if (first === undefined) return []
  const more = others.length === 0 ? '' : ` and of ${others.length} others`
  return [
    '',
    `${name} found its record of ${first}${more} damaged, and counts for no strict request there`,
    'until enough other owners have told it what they hold. If they lost it too, see `ringlet trust`.',
  ]
}

/** Only where it matters: more than half of the room is taken, or something was refused. */
function showHintSpace(name: string, hints: HintSpaceStatus): string[] {
  const { usedBytes, limitBytes, refused } = hints
  if (2 * usedBytes < limitBytes && refused === 0) return []
  const taken = limitBytes === 0 ? 100 : (100 * usedBytes) / limitBytes
  return [
    '',
    `${name} has ${taken.toFixed(0)} % of its room for hints taken (${usedBytes} of ${limitBytes} bytes), and has ` +
      `refused ${refused} for want of it.`,
  ]
}

function showLoad(name: string, { underWay, refused, p99Ms, background }: LoadStatus): string {
  const took = p99Ms === null ? '' : `, 99 % of its own part of them within ${p99Ms.toFixed(1)} ms`
  return (
    `${name} has ${underWay} requests under way and has refused ${refused}${took}; ` +
    `its background work may take ${(100 * background).toFixed(0)} % of its time.`
  )
}

function rowOf(ring: Ring, member: MemberReport): string[] {
  const { id, state, course, readiness, share, host, addresses } = member
  return [
    ring.nameOf(id),
    [
      state,
      ...(course === 'up' ? [] : [course]),
      ...(readiness === 'refilling' ? [readiness] : []),
    ].join(', '),
    `${(share * 100).toFixed(1)} %`,
    String(member.keys ?? '?'),
    String(member.hints ?? '?'),
    member.class,
    host,
    (addresses[0] ?? '').replace(/\/p2p\/.*/, ''),
    id,
  ]
}

function keys(count: number): string {
  return count === 1 ? '1 key is' : `${count} keys are`
}
