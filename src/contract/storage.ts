/**
 * What every store must do, as cases that any test runner can run: `Storage` in `ports.ts`, clause by clause.
 *
 * The cases run over open, closed and reopened stores. Those that prove that nothing is shown before it is durable,
 * or that a failed commit takes along what was built on it, hold a commit back or make it fail; they need a store
 * that lets them.
 *
 * ```ts
 * for (const { name, run } of storageContract({ open: (name) => openMine(name) })) test(name, run)
 * ```
 */
import type { ContractCase } from './case.ts'
import { bufferingCases } from './storage-buffering.ts'
import { closingCases } from './storage-closing.ts'
import { committingCases } from './storage-committing.ts'
import { readingCases } from './storage-reading.ts'
import type { CommitGate, StorageSubject } from './storage-subject.ts'
import { writingCases } from './storage-writing.ts'

export type { CommitGate, StorageSubject }

export function storageContract(subject: StorageSubject): readonly ContractCase[] {
  let opened = 0
  const freshName = () => `contract-${++opened}`
  return [
    ...readingCases(subject, freshName),
    ...writingCases(subject, freshName),
    ...bufferingCases(subject, freshName),
    ...closingCases(subject, freshName),
    ...(subject.openGated ? committingCases(subject.openGated.bind(subject), freshName) : []),
  ]
}
