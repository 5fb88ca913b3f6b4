/**
 * A failing seed made small: the same broken promise with as few faults and operations as will do (delta debugging:
 * Zeller and Hildebrandt, 2002).
 *
 * A seed that fails tells of three hundred operations and twenty faults, of which a handful matter. Each fault and each
 * turn of a client draws from a stream of its own, so any of them can be left out, and the others stay as they are. What
 * is left out is tried in large parts first, then in ever smaller ones.
 */
import { runSeed, type SimulationOptions, type SimulationResult } from './run.ts'

export interface Shrunk {
  readonly result: SimulationResult
  /** What had to stay. */
  readonly kept: readonly string[]
  readonly runs: number
}

/** The smallest run found within so many runs; undefined when the seed does not fail. */
export async function shrink(
  seed: number,
  options: SimulationOptions = {},
  mostRuns = 300,
): Promise<Shrunk | undefined> {
  const whole = await runSeed(seed, options)
  const promise = whole.violations[0]?.promise
  if (promise === undefined) return undefined
  const { safetyMs, happened } = whole
  let runs = 1
  const runWith = async (kept: readonly string[]): Promise<SimulationResult> => {
    runs++
    // Who leaves a turn out may come to one that he never came to before: it is left out too.
    const keep = new Set(kept)
    const without = { has: (name: string) => !keep.has(name) }
    return runSeed(seed, { ...options, without, safetyMs, whole: true })
  }
  const fails = (result: SimulationResult): boolean =>
    result.violations.some((violation) => violation.promise === promise)
  let kept: readonly string[] = happened
  let smallest = await runWith(kept)
  for (let parts = 2; runs < mostRuns && kept.length > 1;) {
    const size = Math.ceil(kept.length / parts)
    let shrunk = false
    for (let from = 0; from < kept.length && runs < mostRuns;) {
      const rest = kept.filter((_, i) => i < from || i >= from + size)
      const result = await runWith(rest)
      if (fails(result)) {
        kept = rest
        smallest = result
        shrunk = true
      } else {
        from += size
      }
    }
    if (size === 1 && !shrunk) break
    parts = Math.min(kept.length, shrunk ? Math.max(2, parts - 1) : 2 * parts)
  }
  return { result: smallest, kept, runs }
}

/** The story of a shrunk seed, and what it is made of. */
export function showShrunk({ result, kept, runs }: Shrunk, of: number): string {
  const head = `# ${kept.length} of ${of} faults and turns are enough (${runs} runs)`
  return [head, ...kept.map((name) => `#   ${name}`), '', result.story].join('\n')
}
