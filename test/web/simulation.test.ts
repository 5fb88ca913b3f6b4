/** A seed is a seed: in a page it comes to the same as in Node, message by message and byte by byte. */
import { expect, inject, test } from 'vitest'
import { runSeed } from '../../src/simulation/run.ts'

const patient = { timeout: 240_000 }

test.for([1, 2, 5])('seed %i comes to the same in Chromium as in Node', patient, async (seed) => {
  const { fingerprint, violations } = await runSeed(seed)
  expect(violations).toEqual([])
  expect(fingerprint).toBe(inject('fingerprints')[seed])
})
