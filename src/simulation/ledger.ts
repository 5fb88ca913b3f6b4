/**
 * The ledger: how much has been simulated of which version, kept from batch to batch.
 *
 * One batch says little; what a version has lived through in all says more. Each entry adds up the batches of one
 * version, and a batch that was red is counted apart, not left out.
 */
import type { Summary } from './summary.ts'

export interface Entry {
  /** The version of the package. */
  readonly version: string
  readonly batches: number
  readonly redBatches: number
  readonly seeds: number
  /** Operations whose outcome was checked. */
  readonly operations: number
  readonly virtualHours: number
  readonly faults: Readonly<Record<string, number>>
}

export type Ledger = readonly Entry[]

/** The ledger with one more batch, in the entry of its version. */
export function enter(ledger: Ledger, version: string, summary: Summary): Ledger {
  const before = ledger.find((entry) => entry.version === version)
  const { done, refused, unknown } = summary.operations
  const faults: Record<string, number> = { ...before?.faults }
  for (const [kind, count] of Object.entries(summary.faults)) {
    faults[kind] = (faults[kind] ?? 0) + count
  }
  const entry: Entry = {
    version,
    batches: (before?.batches ?? 0) + 1,
    redBatches: (before?.redBatches ?? 0) + (summary.failures.length > 0 ? 1 : 0),
    seeds: (before?.seeds ?? 0) + summary.seeds,
    operations: (before?.operations ?? 0) + done + refused + unknown,
    virtualHours: tenths((before?.virtualHours ?? 0) + summary.virtualMs / 3_600_000),
    faults,
  }
  return before === undefined
    ? [...ledger, entry]
    : ledger.map((each) => (each === before ? entry : each))
}

function tenths(hours: number): number {
  return Math.round(10 * hours) / 10
}
