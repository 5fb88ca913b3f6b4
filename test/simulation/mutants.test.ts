/** Every deliberately broken build is caught: the checker is not blind. */
import { describe, expect, test } from 'vitest'
import { mutants } from '../../src/simulation/mutants/all.ts'
import { hunt, weaknesses } from '../../src/simulation/mutants/hunt.ts'

/** When the core changes, the same seed tells another story: then others are tried. */
const otherSeeds = Array.from({ length: 40 }, (_, i) => i + 1)

const recorded = mutants.filter(({ seed }) => seed !== undefined)

describe('each mutant is caught', () => {
  test.for(recorded)('$name', async (mutant) => {
    const caught = await hunt(mutant, [mutant.seed!, ...otherSeeds])
    if (caught === undefined) throw new Error(`not caught within ${otherSeeds.length} seeds`)
    const { seed, violation, story } = caught
    if (seed !== mutant.seed) {
      console.log(`${mutant.name}: seed ${seed}, ${violation.promise}: ${violation.text}`)
    }
    expect(story).toContain(`# Seed ${seed}`)
    expect(story).toContain(`✗ ${violation.promise}`)
  })

  test('each has a name of its own', () => {
    expect(new Set(mutants.map(({ name }) => name)).size).toBe(mutants.length)
  })

  test('a mutant that nobody catches, or most of them late, is a weakness', () => {
    expect(weaknesses(new Map([['one', 3]]))).toEqual([])
    expect(weaknesses(new Map([['one', undefined]]))).toHaveLength(2)
    expect(
      weaknesses(
        new Map([
          ['one', 1],
          ['other', 30],
          ['third', 40],
        ]),
      ),
    ).toHaveLength(1)
  })
})
