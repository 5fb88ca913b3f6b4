/**
 * What every transport must do, as cases that any test runner can run: `Transport` in `ports.ts`, clause by clause.
 *
 * Each case opens its own peers. The cases use real time, with deadlines of a tenth of a second and limits from
 * the subject.
 *
 * ```ts
 * for (const { name, run } of transportContract({ limits, open: () => openMine() })) test(name, run)
 * ```
 */
import type { ContractCase } from './case.ts'
import { askingCases } from './transport-asking.ts'
import { flowCases } from './transport-flow.ts'
import { linkingCases } from './transport-linking.ts'
import type { TransportSubject } from './transport-subject.ts'

export type { TransportSubject }

export function transportContract(subject: TransportSubject): readonly ContractCase[] {
  return [...askingCases(subject), ...linkingCases(subject), ...flowCases(subject)]
}
