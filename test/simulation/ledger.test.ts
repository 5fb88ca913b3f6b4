import { expect, test } from 'vitest'
import { enter } from '../../src/simulation/ledger.ts'
import { type Summary, summarize } from '../../src/simulation/summary.ts'

const batch: Summary = {
  ...summarize([]),
  seeds: 10,
  operations: { done: 900, refused: 60, unknown: 40 },
  faults: { ...summarize([]).faults, crash: 7 },
  virtualMs: 1_800_000,
}

test('batches of one version are added up, and red ones counted apart', () => {
  const once = enter([], '1.0.0', batch)
  const twice = enter(once, '1.0.0', { ...batch, failures: ['seed 3 breaks P1'] })
  expect(twice).toMatchObject([
    { version: '1.0.0', batches: 2, redBatches: 1, seeds: 20, operations: 2000, virtualHours: 1 },
  ])
  expect(twice[0]!.faults).toMatchObject({ crash: 14 })
})

test('another version has an entry of its own', () => {
  const both = enter(enter([], '1.0.0', batch), '1.1.0', batch)
  expect(both.map(({ version, seeds }) => [version, seeds])).toEqual([
    ['1.0.0', 10],
    ['1.1.0', 10],
  ])
})
