/**
 * `npm run sim`: runs seeds and says what came of them.
 *
 *     npm run sim                     50 seeds, on every core
 *     npm run sim -- --seeds 500      as many as that, from --from (1)
 *     npm run sim -- --seed 42        one, and its story if it fails (--story: also if not)
 *     npm run sim -- --seed 42 --whole  …and nothing left out of the story
 *     npm run sim -- --seed 42 --shrink the fewest faults and operations that still break the promise
 *     npm run sim -- --members        members come, are sent away, and change two at a time as well
 *     npm run sim -- --twice          each seed twice: both runs must be the same
 *     npm run sim -- --mutant 3       with that broken build
 *     npm run sim -- --mutants        every broken build, and the first seed that catches it
 *     npm run sim -- --mutants --record  …and these seeds are what the tests replay from now on
 *     npm run sim -- --ledger         …and the sums are added to the ledger of this version
 *     npm run sim -- --json           one line a seed, then one for the sums
 *
 * Exit code 1 when the batch is red. Seeds share nothing, so they are dealt out to one process a core.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { enter } from './ledger.ts'
import { mutants } from './mutants/all.ts'
import { type Catch, hunt, patience, showCatch, showRecord, weaknesses } from './mutants/hunt.ts'
import type { Mutant } from './mutants/mutant.ts'
import { dropStacks, useNative } from './native.ts'
import { runSeed, type SimulationOptions, type SimulationResult } from './run.ts'
import { showShrunk, shrink } from './shrink.ts'
import { showSummary, type Summary, summarize } from './summary.ts'

const { values: given } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '50' },
    from: { type: 'string', default: '1' },
    /** What a worker runs: every so-manieth seed. */
    step: { type: 'string', default: '1' },
    workers: { type: 'string', default: String(availableParallelism()) },
    mutant: { type: 'string' },
    mutants: { type: 'boolean', default: false },
    record: { type: 'boolean', default: false },
    /** So many of them, from --mutant on. */
    count: { type: 'string', default: '1000' },
    /** So many seeds are tried for each mutant. */
    patience: { type: 'string', default: String(patience.last) },
    /** Members come, are sent away, and change two at a time as well. */
    members: { type: 'boolean', default: false },
    twice: { type: 'boolean', default: false },
    story: { type: 'boolean', default: false },
    shrink: { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    ledger: { type: 'boolean', default: false },
  },
})

/** One seed as a worker reports it. */
interface Report {
  readonly result: SimulationResult
  /** The second run's fingerprint. */
  readonly again: string | undefined
}

useNative()
// Whoever looks at one seed wants to know where an error comes from.
if (given.seed === undefined) dropStacks()
await main()

async function main(): Promise<void> {
  if (given.mutants) return huntMutants()
  if (given.shrink) return shrinkSeed()
  const startedMs = performance.now()
  const reports: Report[] = []
  for await (const report of seedsToRun().length > 1 ? inWorkers() : inThisProcess()) {
    reports.push(report)
    show(report)
  }
  // What a worker ran is added up by whoever started it.
  if (given.step !== '1') return
  reports.sort((a, b) => a.result.seed - b.result.seed)
  const again = new Map(
    reports.flatMap(({ result, again: second }) =>
      second === undefined ? [] : [[result.seed, second] as const],
    ),
  )
  const summary = summarize(
    reports.map(({ result }) => result),
    again,
    given.members,
  )
  if (given.json) console.log(JSON.stringify({ summary }))
  else console.log(showSummary(summary, performance.now() - startedMs))
  if (given.ledger) keepLedger(summary)
  if (summary.failures.length > 0) process.exitCode = 1
}

function keepLedger(summary: Summary): void {
  const root = join(import.meta.dirname, '../..')
  const file = join(root, 'test/simulation/ledger.json')
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
  writeFileSync(file, `${JSON.stringify(enter(before, version, summary), undefined, 2)}\n`)
}

/** Every broken build, and the first seed that shows it. */
async function huntMutants(): Promise<void> {
  const firsts = new Map<string, number | undefined>()
  const first = numberFrom('mutant', given.mutant ?? '1') - 1
  const hunted = mutants.slice(first, first + numberFrom('count', given.count))
  for (const mutant of hunted) {
    const seeds = Array.from({ length: numberFrom('patience', given.patience) }, (_, i) => i + 1)
    const caught = await hunt(mutant, seeds)
    firsts.set(mutant.name, caught?.seed)
    if (given.record) keepCatch(mutant, caught)
    console.log(`${String(mutants.indexOf(mutant) + 1).padStart(3)}${showCatch(mutant, caught)}`)
  }
  const failures = weaknesses(firsts)
  for (const failure of failures) console.log(`✗ ${failure}`)
  if (failures.length > 0) process.exitCode = 1
}

/** After each mutant, for a hunt takes an hour and may be cut short. */
function keepCatch({ name }: Mutant, caught: Catch | undefined): void {
  const file = join(import.meta.dirname, '../../test/simulation/caught.json')
  const before = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  writeFileSync(file, showRecord(mutants, { ...before, [name]: caught?.seed }))
}

async function shrinkSeed(): Promise<void> {
  const seed = seedsToRun()[0]!
  const shrunk = await shrink(seed, optionsGiven())
  if (shrunk === undefined) return console.log(`Seed ${seed} keeps every promise.`)
  const { happened } = await runSeed(seed, optionsGiven())
  console.log(showShrunk(shrunk, happened.length))
  process.exitCode = 1
}

function numberedMutant(): Mutant {
  const mutant = mutants[numberFrom('mutant', given.mutant ?? '') - 1]
  return mutant ?? fail(`There are ${mutants.length} mutants: see --mutants.`)
}

function seedsToRun(): number[] {
  if (given.seed !== undefined) return [numberFrom('seed', given.seed)]
  const from = numberFrom('from', given.from)
  const step = numberFrom('step', given.step)
  const count = numberFrom('seeds', given.seeds)
  return Array.from({ length: count }, (_, i) => from + i * step)
}

function optionsGiven(): SimulationOptions {
  return {
    ...(given.mutant === undefined ? {} : { mutant: numberedMutant() }),
    ...(given.members ? { swarm: { changesMembers: true } } : {}),
  }
}

async function* inThisProcess(): AsyncGenerator<Report> {
  const options = { ...optionsGiven(), story: given.story, whole: given.whole }
  for (const seed of seedsToRun()) {
    const result = await runSeed(seed, options)
    const again = given.twice ? await runAgain(seed, options) : undefined
    yield { result, again }
  }
}

/** The second run's fingerprint; of one seed in fifty in a process of its own, which has run nothing else before. */
async function runAgain(seed: number, options: SimulationOptions): Promise<string> {
  if (seed % 50 !== 0) return (await runSeed(seed, options)).fingerprint
  let fingerprint = ''
  await runWorker([`--seed=${seed}`], (report) => {
    fingerprint = report.result.fingerprint
  })
  return fingerprint
}

/** Deals the seeds out like cards, and passes on what the workers say in the order they say it. */
async function* inWorkers(): AsyncGenerator<Report> {
  const seeds = seedsToRun()
  const workers = Math.min(numberFrom('workers', given.workers), seeds.length)
  if (workers === 1 || given.step !== '1') return yield* inThisProcess()
  const said: Report[] = []
  let wake = (): void => {}
  let working = workers
  for (let i = 0; i < workers; i++) {
    const count = Math.ceil((seeds.length - i) / workers)
    const work = runWorker(
      [
        `--from=${seeds[i]}`,
        `--seeds=${count}`,
        `--step=${workers}`,
        ...(given.twice ? ['--twice'] : []),
      ],
      (report) => {
        said.push(report)
        wake()
      },
    )
    void work.then(() => {
      working--
      wake()
    })
  }
  while (working > 0 || said.length > 0) {
    const report = said.shift()
    if (report !== undefined) {
      yield report
      continue
    }
    await new Promise<void>((resolve) => {
      wake = resolve
    })
  }
}

/** Resolves when the worker has ended; one that ends badly ends everything. */
async function runWorker(args: string[], heard: (report: Report) => void): Promise<void> {
  const passed = [
    '--json',
    ...(given.members ? ['--members'] : []),
    ...(given.mutant === undefined ? [] : [`--mutant=${given.mutant}`]),
  ]
  const child = spawn(process.execPath, [import.meta.filename, ...args, ...passed], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve) => {
    child.on('close', resolve)
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const said = JSON.parse(line) as Report | { readonly summary: Summary }
    if ('result' in said) heard(said)
  }
  const code = await ended
  // One that found a broken promise has said so.
  if (code !== 0 && code !== 1) fail(`A worker ended with code ${code}.`)
}

function show(report: Report): void {
  const { result } = report
  if (given.json) {
    // A thousand names of turns help nobody who adds up.
    console.log(JSON.stringify({ ...report, result: { ...result, happened: [] } }))
  } else if (result.story !== '') {
    console.log(`${result.story}\n`)
  }
}

function numberFrom(name: string, text: string): number {
  const number = Number(text)
  return Number.isSafeInteger(number) && number > 0
    ? number
    : fail(`--${name} takes a number, not ${text}.`)
}

function fail(message: string): never {
  console.error(message)
  process.exit(2)
}
