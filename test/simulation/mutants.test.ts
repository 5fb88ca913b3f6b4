/** Every deliberately broken build is caught: the checker is not blind. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { mutants } from '../../src/simulation/mutants/all.ts'
import { hunt, replay, showRecord, weaknesses } from '../../src/simulation/mutants/hunt.ts'

/** By name the first seed that shows it, as `npm run sim -- --mutants --record` has found it. */
const seeds = JSON.parse(
  readFileSync(join(import.meta.dirname, 'caught.json'), 'utf8'),
) as Readonly<Record<string, number>>

/** When the core changes, the same seed tells another story: then others are tried. */
const otherSeeds = Array.from({ length: 40 }, (_, i) => i + 1)

describe('each mutant is caught', () => {
  test.for(mutants)('$name', async (mutant) => {
    const recorded = seeds[mutant.name]
    if (recorded === undefined)
      throw new Error('no seed is recorded: npm run sim -- --mutants --record')
    const caught = (await replay(mutant, recorded)) ?? (await hunt(mutant, otherSeeds))
    if (caught === undefined) throw new Error(`not caught within ${otherSeeds.length} seeds`)
    const { seed, violation, story } = caught
    if (seed !== recorded) {
      console.log(`${mutant.name}: seed ${seed}, ${violation.promise}: ${violation.text}`)
    }
    expect(story).toContain(`# Seed ${seed}`)
    expect(story).toContain(`✗ ${violation.promise}`)
  })

  test('the first seeds on record are no weakness', () => {
    expect(weaknesses(new Map(mutants.map(({ name }) => [name, seeds[name]])))).toEqual([])
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

  test('a record keeps the order of the mutants, and none that is gone', () => {
    const [first, second] = mutants
    const record = showRecord(mutants, { gone: 1, [second!.name]: 7, [first!.name]: 2 })
    expect(Object.entries(JSON.parse(record))).toEqual([
      [first!.name, 2],
      [second!.name, 7],
    ])
  })
})
