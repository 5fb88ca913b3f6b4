/**
 * `npm run chaos`: real peers on machines of their own, which are cut off, killed, paused, filled and damaged while people
 * read and write; and then the simulation's checker over all that was promised to them.
 *
 *     npm run chaos [-- --minutes 3] [--seed 7] [--json] [--keep FOLDER]
 *
 * The seed draws what strikes when and what clients want; what comes of it hangs on real time, so a seed does not replay
 * a run as the simulation's do. `--keep` leaves stores and logs of a run that failed. Exit codes: 0 all promises held,
 * 1 one broke, 2 the question was wrong, 3 this machine has no namespaces to give.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { wishToEnd } from '../../node/ending.ts'
import { whyNoNetwork } from '../hosts/network.ts'
import { Run } from './run.ts'
import { Story } from './story.ts'
import { inWords } from './summary.ts'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    seed: { type: 'string', default: '7' },
    json: { type: 'boolean', default: false },
    keep: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
if (!(minutes > 0 && minutes <= 24 * 60)) {
  console.error(`--minutes takes a number up to 1440, not ${values.minutes}.`)
  process.exit(2)
}

const why = whyNoNetwork()
if (why !== undefined) {
  console.error(why)
  process.exit(3)
}

const story = new Story((line) => (values.json ? console.error(line) : console.log(line)))
const ending = wishToEnd().then(() => 'ended' as const)
// A defect of the test itself must not leave its namespaces behind either.
const defect = new Promise<never>((_resolve, reject) => {
  process.on('unhandledRejection', reject)
})
const run = new Run({ minutes, seed: values.seed }, story)
let code = 1
try {
  const summary = await Promise.race([run.go(), ending, defect])
  if (summary === 'ended') {
    story.tell('it is told to end')
    code = 130
  } else {
    code = summary.violations.length > 0 ? 1 : 0
    if (code === 1) tellWhatBroke()
    console.log(values.json ? JSON.stringify(summary) : `\n${inWords(summary)}`)
  }
} catch (error) {
  console.error(error)
  if (values.keep !== undefined) run.field.keep(values.keep)
} finally {
  await run.close()
}
process.exit(code)

/** The story of the keys concerned goes to a file: every operation, and every word of every peer, is long. */
function tellWhatBroke(): void {
  const { violations, field } = run
  const keys = new Set(violations.map(({ key }) => key))
  const reports = join(import.meta.dirname, '..', '..', '.reports')
  mkdirSync(reports, { recursive: true })
  const path = join(reports, `chaos-${values.seed}.txt`)
  const broken = violations.map(({ promise, key, text }) => `${promise} ${key}: ${text}`)
  writeFileSync(path, `${broken.join('\n')}\n\n${story.of(keys, field.logs())}\n`)
  console.error(`\n${broken.slice(0, 20).join('\n')}`)
  for (const key of [...keys].slice(0, 3)) {
    const told = story.of(new Set([key]), []).split('\n')
    console.error(`\nwhat happened to ${key}, at the end\n${told.slice(-60).join('\n')}`)
  }
  console.error(`\nThe whole story is in ${path}.`)
  if (values.keep !== undefined) field.keep(values.keep)
}
