/** Every deliberately broken build is caught: the checker is not blind. */
import { describe, expect, test } from 'vitest'
import { type Mutant, mutants } from '../../src/simulation/mutants.ts'
import { runSeed } from '../../src/simulation/run.ts'
import type { Violation } from '../../src/simulation/violation.ts'

/** When the core changes, the same seed tells another story: then others are tried. */
const otherSeeds = Array.from({ length: 120 }, (_, i) => i + 1)

async function firstCatch(
  mutant: Mutant,
): Promise<{ seed: number; violation: Violation; story: string } | undefined> {
  for (const seed of [mutant.seed, ...otherSeeds]) {
    const { violations, story } = await runSeed(seed, { mutant })
    const violation = violations.find(({ promise }) => mutant.breaks.includes(promise))
    if (violation !== undefined) return { seed, violation, story }
  }
  return undefined
}

describe('each mutant is caught', () => {
  test.for(mutants)('$name', async (mutant) => {
    const caught = await firstCatch(mutant)
    if (caught === undefined) throw new Error(`not caught within ${otherSeeds.length} seeds`)
    const { seed, violation, story } = caught
    console.log(`${mutant.name}: seed ${seed}, ${violation.promise}: ${violation.text}`)
    expect(story).toContain(`# Seed ${seed}`)
    expect(story).toContain(`✗ ${violation.promise}`)
  })
})
