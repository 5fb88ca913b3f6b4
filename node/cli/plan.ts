/**
 * `ringlet plan`: what a change of the members would move, worked out here from what one peer knows of the ring.
 *
 * It is worked out in this process and not by the peer: to make two rings of many members keeps a process busy, and a peer
 * would answer nobody meanwhile.
 */
import { type MemberPlan, planChange, type RingPlan } from '../../src/protocol/plan.ts'
import type { RingMember } from '../../src/data/ring.ts'
import type { RingReport } from '../control-ring.ts'
import { memberNamed } from './member-named.ts'
import { newMember } from './new-member.ts'
import { done, type Given, type Outcome, usageError } from './outcome.ts'
import { askRing, findRing, type Ring } from './ring.ts'
import { showTable } from './table.ts'

const titles = [
  'peer',
  'change',
  'host',
  'zone',
  'weight',
  'owns',
  'would own',
  'gains',
  'gives up',
]
const numbers = ['weight', 'owns', 'would own', 'gains', 'gives up']

export async function run(given: Given): Promise<Outcome> {
  const coming = (given.lists['with'] ?? []).map(newMember)
  const named = given.lists['without'] ?? []
  if (coming.length + named.length === 0) {
    throw usageError('Say what would change: --without PEER, or --with host=HOST.')
  }
  const ring = findRing(given)
  const report = await askRing<RingReport>(ring, '/ring')
  const ids = report.members.map(({ id }) => id)
  const going = named.map((name) => memberNamed(ring, ids, name))
  const members = report.members as readonly RingMember[]
  const plan = planChange(report.ring, members, { without: going, with: coming })
  return done(showPlan(ring, report, plan), { changesNothing: true, ...jsonOf(report, plan) })
}

/** Partitions are counted: which they are depends on a made-up id. */
function jsonOf({ ring, seenBy }: RingReport, { before, after, ...plan }: RingPlan) {
  const counts = (spread: RingPlan['before']) =>
    Object.fromEntries(Object.entries(spread).map(([what, { length }]) => [what, length]))
  return { ring, seenBy, ...plan, before: counts(before), after: counts(after) }
}

function showPlan(ring: Ring, report: RingReport, plan: RingPlan): string {
  const { name, n, q } = report.ring
  const rows = plan.members.map((member) => rowOf(ring, member)).sort(byName)
  const percent = plan.replicas === 0 ? 0 : (100 * plan.moved) / plan.replicas
  return [
    `Nothing is changed: this is what the ring ${name} (N=${n}, Q=${q}) would be.`,
    '',
    ...showTable(titles, rows, numbers),
    '',
    `${plan.moved} of ${plan.replicas} replicas would move (${percent.toFixed(1)} %); the least that must is ${plan.leastMoved}.`,
    ...spreadLines(plan, n, q),
    ...(plan.members.some(({ change }) => change === 'goes')
      ? [
          'A member that only stops stays an owner, and others stand in for it: `ringlet leave` takes one out.',
        ]
      : []),
  ].join('\n')
}

/** Those that come stand last. */
function byName([a = '', change]: readonly string[], [b = '', other]: readonly string[]): number {
  const isNew = Number(change === 'comes') - Number(other === 'comes')
  return isNew !== 0 ? isNew : a < b ? -1 : 1
}

function rowOf(ring: Ring, member: MemberPlan): string[] {
  const { id, change, host, zone, weight, before, after, gained, givenUp } = member
  const counts = [weight, before, after, gained, givenUp].map(String)
  return [change === 'comes' ? id : ring.nameOf(id), change, host, zone, ...counts]
}

function spreadLines({ before, after }: RingPlan, n: number, q: number): string[] {
  const line = (
    what: string,
    now: readonly number[],
    then: readonly number[],
    none: string[] = [],
  ): string[] =>
    now.length + then.length === 0
      ? none
      : [`${then.length} of ${q} partitions would have ${what}; now ${now.length} have.`]
  const shared = (spread: RingPlan['before']): number[] => [
    ...spread.hostShared,
    ...spread.hostSharedNeedlessly,
  ]
  return [
    ...line(`fewer than ${n} owners`, before.short, after.short),
    ...line('owners that share a host', shared(before), shared(after), [
      'No partition would have owners that share a host.',
    ]),
    ...line(
      'more owners in one zone than need be',
      before.zoneSharedNeedlessly,
      after.zoneSharedNeedlessly,
    ),
  ]
}
