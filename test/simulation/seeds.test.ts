/** Three hundred seeds, each twice: the promises hold, and every run can be replayed, also by a process that ran no other. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { faultKinds } from '../../src/simulation/faults.ts'
import { memberFaults, seatFaults } from '../../src/simulation/seat-faults.ts'
import { runSeed } from '../../src/simulation/run.ts'
import { showSummary, type Summary } from '../../src/simulation/summary.ts'

const main = join(import.meta.dirname, '../../src/simulation/main.ts')
const seeds = 300

describe('three hundred seeds', () => {
  let summary: Summary
  let stories: string[]

  beforeAll(async () => {
    const startedMs = performance.now()
    const args = [main, `--seeds=${seeds}`, '--twice', '--json']
    const run = promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 28 })
    const { stdout } = await run.catch((error: { stdout: string }) => error)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    summary = lines.at(-1).summary
    stories = lines.flatMap(({ result }) => (result?.story ? [result.story] : []))
    console.log(showSummary(summary, performance.now() - startedMs))
  }, 900_000)

  test('keep every promise, are never too quiet, and do the same when run again', () => {
    expect([...summary.failures, ...stories.slice(0, 1)]).toEqual([])
    expect(summary.seeds).toBe(seeds)
  })

  test('are struck by every kind of fault', () => {
    // A ring is changed by few, and that strikes only once it is through.
    const leastOf = (kind: string): number => (kind in seatFaults ? seeds / 60 : seeds / 20)
    const rare = faultKinds.filter((kind) => {
      return !(kind in memberFaults) && summary.faults[kind] < leastOf(kind)
    })
    expect(rare).toEqual([])
  })

  test('sum up to what was asked for', () => {
    const { done, refused, unknown } = summary.operations
    expect(done + refused + unknown).toBeGreaterThanOrEqual(300 * seeds)
    // A strict request has nobody to stand in for the owners: many are refused where a sloppy one would be served.
    expect(done).toBeGreaterThan(3 * (refused + unknown))
    expect(summary.virtualMs).toBeGreaterThanOrEqual(60_000 * seeds)
  })
})

test('two seeds go different ways, and a story can be told of either', async () => {
  const [one, other] = [await runSeed(1, { story: true }), await runSeed(2)]
  expect(one.fingerprint).not.toBe(other.fingerprint)
  expect(one.story).toContain('everything is healed')
  expect(one.story).toMatch(/client \d+ +w\d+: put carts\/k\d+ at \w+/)
  expect(other.story).toBe('')
})
