/**
 * The hunt for a broken build: the first seed in which the checker reports a promise that it breaks.
 *
 * The ring and the faults that bring a mutant out may be harsher than any that a seed draws by itself. So a catch counts
 * only where the sound build, in the same ring under the same faults, keeps what the mutant breaks.
 */
import { runSeed, type SimulationOptions } from '../run.ts'
import type { Violation } from '../violation.ts'
import type { Mutant } from './mutant.ts'

export interface Catch {
  readonly seed: number
  readonly violation: Violation
  readonly story: string
}

/** Undefined when none of these seeds shows it. */
export async function hunt(mutant: Mutant, seeds: Iterable<number>): Promise<Catch | undefined> {
  for (const seed of seeds) {
    const caught = await replay(mutant, seed)
    if (caught !== undefined && (await isSoundWithout(mutant, seed))) return caught
  }
  return undefined
}

/** What one seed shows of it. */
export async function replay(mutant: Mutant, seed: number): Promise<Catch | undefined> {
  const { violations, story } = await runSeed(seed, { mutant, stopAt: mutant.breaks })
  const violation = violations.find(({ promise }) => mutant.breaks.includes(promise))
  return violation && { seed, violation, story }
}

async function isSoundWithout({ breaks, faults, swarm }: Mutant, seed: number): Promise<boolean> {
  const options: SimulationOptions = {
    stopAt: breaks,
    crowds: false,
    ...(faults && { faults }),
    ...(swarm && { swarm }),
  }
  const { violations } = await runSeed(seed, options)
  return !violations.some(({ promise }) => breaks.includes(promise))
}

/** As a table: clause, promise, mutant, and the first seed that shows it. */
export function showCatch({ name, clause }: Mutant, caught: Catch | undefined): string {
  const seed = caught === undefined ? 'never' : String(caught.seed)
  const promise = caught?.violation.promise ?? '—'
  return `${seed.padStart(5)}  ${promise.padEnd(7)}  ${name.padEnd(62)}  ${clause}`
}

/** As a file: the seed of each mutant that there is, in their order. */
export function showRecord(
  mutants: readonly Mutant[],
  seeds: Readonly<Record<string, number | undefined>>,
): string {
  const known = mutants.map(({ name }) => [name, seeds[name]] as const)
  return `${JSON.stringify(Object.fromEntries(known), undefined, 2)}\n`
}

/** Counted from the first, none of which is far: so many seeds for the last, so many for half of them. */
export const patience = { last: 500, median: 20 }

/** What is wrong with a table of first seeds, in words; nothing when every mutant is caught soon enough. */
export function weaknesses(firsts: ReadonlyMap<string, number | undefined>): string[] {
  const escaped = [...firsts].filter(([, seed]) => seed === undefined)
  const seeds = [...firsts.values()].map((seed) => seed ?? Infinity).sort((a, b) => a - b)
  const median = seeds[Math.floor(seeds.length / 2)] ?? 0
  return [
    ...escaped.map(([name]) => `nobody catches: ${name}`),
    ...(median > patience.median ? [`half of them need ${median} seeds or more`] : []),
  ]
}
