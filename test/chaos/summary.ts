/** What a run came to, in numbers and in words. */
import type { Operation } from '../../src/simulation/history.ts'
import type { Violation } from '../../src/simulation/violation.ts'
import type { Clients } from './clients.ts'
import type { FaultKind } from './faults.ts'
import type { Operator } from './operator.ts'
import { boundReads, countByOutcome } from './verdict.ts'

export interface Asked {
  readonly minutes: number
  readonly seed: string
}

interface Percentiles {
  readonly count: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

export interface Summary {
  readonly seed: string
  readonly minutes: number
  readonly operations: Readonly<Record<string, number>>
  /** Strict reads that had an acknowledged strict write to show. */
  readonly boundReads: number
  /** Why operations were not done. */
  readonly failures: Readonly<Record<string, number>>
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly noticed: Operator['noticed']
  /** Of what was done, faults or not. */
  readonly latencies: Readonly<Record<string, Percentiles>>
  /** From when everything was healed and every peer served; undefined if it never was. */
  readonly convergedAfterMs: number | undefined
  readonly violations: readonly Violation[]
}

interface Came {
  readonly operations: readonly Operation[]
  readonly latencies: Clients['latencies']
  readonly faults: Readonly<Record<FaultKind, number>>
  readonly noticed: Operator['noticed']
  readonly convergedAfterMs: number | undefined
  readonly violations: readonly Violation[]
}

export function summarize({ seed, minutes }: Asked, came: Came): Summary {
  const failures: Record<string, number> = {}
  for (const { failure } of came.operations) {
    if (failure !== '') failures[failure] = (failures[failure] ?? 0) + 1
  }
  const latencies = Object.entries(came.latencies).map(([kind, all]) => [kind, percentiles(all)])
  return {
    seed,
    minutes,
    operations: countByOutcome(came.operations),
    boundReads: boundReads(came.operations),
    failures,
    faults: came.faults,
    noticed: came.noticed,
    latencies: Object.fromEntries(latencies) as Record<string, Percentiles>,
    convergedAfterMs: came.convergedAfterMs,
    violations: came.violations,
  }
}

export function inWords(summary: Summary): string {
  const { operations, boundReads, failures, faults, noticed, latencies, convergedAfterMs } = summary
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`
  const struck = Object.values(faults).reduce((sum, count) => sum + count, 0)
  const lines = [
    ['operations', counted(operations)],
    ['strict reads', `${boundReads} had a strict write to show`],
    ['not done', counted(failures)],
    ['faults', `${struck}: ${counted(faults)}`],
    ['noticed', counted(noticed)],
    ...Object.entries(latencies).map(([kind, { count, p50Ms, p95Ms, p99Ms }]) => [
      kind,
      `${count} done, p50 ${p50Ms} ms, p95 ${p95Ms} ms, p99 ${p99Ms} ms`,
    ]),
    ['convergence', convergedAfterMs === undefined ? 'never' : seconds(convergedAfterMs)],
    ['broken', `${summary.violations.length}`],
  ]
  return lines.map(([title, text]) => `${title!.padEnd(13)} ${text}`).join('\n')
}

function counted(counts: Readonly<Record<string, number>>): string {
  const words = Object.entries(counts).map(([what, count]) => `${what} ${count}`)
  return words.join(', ') || 'nothing'
}

function percentiles(all: readonly number[]): Percentiles {
  const sorted = all.toSorted((a, b) => a - b)
  const at = (part: number): number => sorted[Math.floor(part * (sorted.length - 1))] ?? 0
  return { count: sorted.length, p50Ms: at(0.5), p95Ms: at(0.95), p99Ms: at(0.99) }
}
