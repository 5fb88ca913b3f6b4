/**
 * What a batch of seeds came to: the sums, and whether it may be called green.
 *
 * Green means more than no violation. A kind of fault that never struck, in a batch large enough for each to, was not
 * tested; a seed whose two runs differ proves nothing. Both are red.
 */
import type { FaultKind } from './faults.ts'
import type { SimulationResult } from './run.ts'
import { memberFaults } from './seat-faults.ts'

export interface Summary {
  readonly seeds: number
  readonly operations: Readonly<Record<'done' | 'refused' | 'unknown', number>>
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly virtualMs: number
  readonly events: number
  /** In how many seeds a key grew larger than a message may be. */
  readonly oversized: number
  /** In how many seeds a message came in pieces. */
  readonly pieced: number
  /** How often somebody was turned away by a member that was full, and a read asked of one owner more. */
  readonly turnedAway: number
  readonly hedged: number
  /** How many deleted keys were forgotten, in how many seeds; and what came back too late. */
  readonly reaped: number
  readonly reapedIn: number
  readonly late: number
  /** How often a member had no room for what it was to keep for others, and in how many seeds. */
  readonly roomless: number
  readonly roomlessIn: number
  /** How many of the forgotten keys had expired, and how many reads showed a value to have. */
  readonly expired: number
  readonly shortened: number
  readonly handedOver: number
  readonly shownOver: number
  /** The longest that any seed took from its last fault to equal owners. */
  readonly slowestConvergenceMs: number
  /** Why the batch is red, a sentence each. */
  readonly failures: readonly string[]
}

/** From so many seeds on, every kind of fault must have struck. */
const enoughSeeds = 100
/** From so many on, some deleted key must have been forgotten. */
const seedsToReap = 20
const enoughVirtualMs = 60_000
const enoughOperations = 300
const enoughFaults = 8

/** `again`: the fingerprints of second runs, by seed. */
export function summarize(
  results: readonly SimulationResult[],
  again: ReadonlyMap<number, string> = new Map(),
  changesMembers = false,
): Summary {
  const faults = addUp(results.map((result) => result.faults))
  const failures = results.flatMap((result) => [
    ...brokenBy(result),
    ...tooQuiet(result),
    ...differing(result, again.get(result.seed)),
  ])
  for (const [kind, count] of Object.entries(faults)) {
    const isAsked = changesMembers || !(kind in memberFaults)
    if (count === 0 && isAsked && results.length >= enoughSeeds)
      failures.push(`no seed was struck by: ${kind}`)
  }
  const oversized = results.filter((result) => result.oversized > 0).length
  if (oversized === 0 && results.length >= enoughSeeds) {
    failures.push('in no seed did a key grow larger than a message')
  }
  const pieced = results.filter(({ pieces }) => pieces > 0).length
  if (pieced === 0 && results.length >= enoughSeeds) {
    failures.push('in no seed did a message come in pieces')
  }
  const reapedIn = results.filter(({ reaped }) => reaped > 0).length
  if (reapedIn === 0 && results.length >= seedsToReap) {
    failures.push('in no seed was a deleted key forgotten')
  }
  const roomlessIn = results.filter(({ roomless }) => roomless > 0).length
  if (roomlessIn === 0 && results.length >= enoughSeeds) {
    failures.push('in no seed was a member without room for what it was to keep for others')
  }
  const expired = sum(results.map((result) => result.expired))
  if (expired === 0 && results.length >= enoughSeeds) {
    failures.push('in no seed was a value forgotten that had expired')
  }
  const shortened = sum(results.map((result) => result.shortened))
  if (shortened === 0 && results.length >= enoughSeeds) {
    failures.push('in no seed was a long vector shortened')
  }
  return {
    seeds: results.length,
    operations: addUp(results.map((result) => result.operations)),
    faults,
    virtualMs: sum(results.map(({ virtualMs }) => virtualMs)),
    events: sum(results.map(({ events }) => events)),
    oversized,
    pieced,
    turnedAway: sum(results.map(({ turnedAway }) => turnedAway)),
    hedged: sum(results.map(({ hedged }) => hedged)),
    reaped: sum(results.map(({ reaped }) => reaped)),
    reapedIn,
    late: sum(results.map(({ late }) => late)),
    roomless: sum(results.map(({ roomless }) => roomless)),
    roomlessIn,
    expired,
    shortened,
    handedOver: sum(results.map((result) => result.handedOver)),
    shownOver: sum(results.map(({ shownOver }) => shownOver)),
    slowestConvergenceMs: Math.max(0, ...results.map(({ convergedAfterMs }) => convergedAfterMs)),
    failures,
  }
}

/** The sums as lines for a person; `tookMs` is real time. */
export function showSummary(summary: Summary, tookMs: number): string {
  const { seeds, operations, faults, virtualMs, events } = summary
  const struck = Object.entries(faults)
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => `${kind} ${count}`)
  const seconds = (ms: number): string => (ms / 1000).toFixed(ms < 10_000 ? 1 : 0)
  return [
    `seeds         ${seeds}`,
    `operations    ${operations.done} done, ${operations.refused} refused, ${operations.unknown} unknown`,
    `faults        ${sum(Object.values(faults))}: ${struck.join(', ')}`,
    `virtual time  ${seconds(virtualMs)} s, ${events} events`,
    `large keys    larger than a message in ${summary.oversized} seeds, in pieces in ${summary.pieced}`,
    `crowds        ${summary.turnedAway} turned away; ${summary.hedged} reads asked of one owner more`,
    `deleted keys  ${summary.reaped} forgotten in ${summary.reapedIn} seeds; ${summary.late} values came back late`,
    `no room       ${summary.roomless} times to stand in for others, in ${summary.roomlessIn} seeds`,
    `expired       ${summary.expired} of these had; shown to have by ${summary.shownOver} reads`,
    `long vectors  shortened ${summary.shortened} times; ${summary.handedOver} writes of tabs were made by members`,
    `convergence   at most ${seconds(summary.slowestConvergenceMs)} s after the last fault`,
    `real time     ${seconds(tookMs)} s, ${Math.round(virtualMs / tookMs)} times as fast as life`,
    ...summary.failures.map((failure) => `✗ ${failure}`),
  ].join('\n')
}

function brokenBy({ seed, violations }: SimulationResult): string[] {
  const first = violations[0]
  if (first === undefined) return []
  const more = violations.length > 1 ? ` (and ${violations.length - 1} more)` : ''
  return [`seed ${seed} breaks ${first.promise} ${first.key}: ${first.text}${more}`]
}

function tooQuiet({ seed, virtualMs, operations, faults }: SimulationResult): string[] {
  const done = sum(Object.values(operations))
  const struck = sum(Object.values(faults))
  const enough = virtualMs >= enoughVirtualMs && done >= enoughOperations && struck >= enoughFaults
  return enough ? [] : [`seed ${seed} is too quiet: ${done} operations, ${struck} faults`]
}

function differing({ seed, fingerprint }: SimulationResult, second: string | undefined): string[] {
  if (second === undefined || second === fingerprint) return []
  return [`seed ${seed} went two ways: ${fingerprint} and ${second}`]
}

function addUp<Kind extends string>(
  counts: readonly Readonly<Record<Kind, number>>[],
): Record<Kind, number> {
  const total = {} as Record<Kind, number>
  for (const each of counts) {
    for (const [kind, count] of Object.entries(each) as [Kind, number][]) {
      total[kind] = (total[kind] ?? 0) + count
    }
  }
  return total
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
