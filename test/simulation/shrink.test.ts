/** A failing seed is made small: what is left still fails, and is a fraction of what there was. */
import { expect, test } from 'vitest'
import { nothingSeen } from '../../src/data/vector.ts'
import type { Mutant } from '../../src/simulation/mutants/mutant.ts'
import { runSeed, type SimulationOptions } from '../../src/simulation/run.ts'
import { showShrunk, shrink } from '../../src/simulation/shrink.ts'

/** Whoever writes twice in a row makes a false sibling: two turns of one client, and no fault, are enough. */
const forgetful: Mutant = {
  name: 'a put forgets to tell its writer of itself',
  clause: 'a put hands back what its caller had seen and the new write',
  breaks: ['P2'],
  rules: { contextAfterPut: () => nothingSeen },
}

const options: SimulationOptions = {
  mutant: forgetful,
  stopAt: forgetful.breaks,
  faults: ['crash', 'partition'],
  swarm: { members: 3, edges: 0, n: 3, r: 2, w: 2, keys: 2, clients: 6, largeBytes: 0 },
  safetyMs: 20_000,
}

const seed = 1
const mostRuns = 20

test('a failing seed shrinks to a run that still fails, with far fewer turns', async () => {
  const whole = await runSeed(seed, options)
  expect(whole.violations[0]?.promise).toBe('P2')
  const shrunk = await shrink(seed, options, mostRuns)
  const { kept, runs, result } = shrunk!
  expect(result.violations.map(({ promise }) => promise)).toContain('P2')
  expect(runs).toBeLessThanOrEqual(mostRuns)
  expect(kept.length).toBeGreaterThan(0)
  expect(kept.length).toBeLessThan(whole.happened.length / 4)
  expect(whole.happened).toEqual(expect.arrayContaining([...kept]))
  expect(new Set(result.happened)).toEqual(new Set(kept))
  // The story is told of the small run, and can be had again.
  const text = showShrunk(shrunk!, whole.happened.length)
  expect(text).toContain(`# ${kept.length} of ${whole.happened.length} faults and turns are enough`)
  for (const name of kept) expect(text).toContain(`#   ${name}\n`)
  const without = { has: (name: string) => !kept.includes(name) }
  const again = await runSeed(seed, { ...options, without, safetyMs: whole.safetyMs, whole: true })
  expect(again.fingerprint).toBe(result.fingerprint)
})

test('a seed that keeps every promise has nothing to shrink', async () => {
  const { mutant: _, stopAt: _stop, ...sound } = options
  expect(await shrink(seed, { ...sound, safetyMs: 3000 })).toBeUndefined()
})
