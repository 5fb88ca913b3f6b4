/**
 * The `ringlet` command: finds what to run, runs it, and tells what came of it.
 *
 * What is for people goes to the output, errors to the error output; with `--json` everything is one JSON text on the
 * output. The exit code says the same to scripts (`cli/outcome.ts`).
 */
import { parse } from './cli/arguments.ts'
import { commands } from './cli/commands.ts'
import { helpOf, helpOfAll } from './cli/help.ts'
import { nearest } from './cli/nearest.ts'
import { type Exit, exits, failed, type Outcome, usageError } from './cli/outcome.ts'
import { version } from './version.ts'

/** The exit codes of what is an answer and no error. */
const answers: readonly Exit[] = [exits.ok, exits.notFound, exits.notWell]

/** Resolves with the exit code. */
export async function runCommand(args: readonly string[]): Promise<number> {
  let outcome: Outcome
  try {
    outcome = await run(args)
  } catch (error) {
    outcome = failed(error)
  }
  const { exit, text, json } = outcome
  if (beforeDashes(args).includes('--json')) print(process.stdout, JSON.stringify(json))
  else print(answers.includes(exit) ? process.stdout : process.stderr, text)
  return exit
}

async function run([first = '--help', ...others]: readonly string[]): Promise<Outcome> {
  const [name, args] = commandIn(first, others)
  if (name === '--help' || name === '-h' || name === 'help') return shown(helpOfAll())
  if (name === '--version') return { exit: exits.ok, text: version(), json: { version: version() } }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (command === undefined) throw unknownCommand(name)
  const given = parse(name, command, args)
  if (given.switches.has('help')) return shown(helpOf(name, command))
  const { run: runIt } = await command.load()
  return runIt(given)
}

/** Some commands have names of two words. */
function commandIn(first: string, others: readonly string[]): [string, readonly string[]] {
  const both = `${first} ${others[0]}`
  return Object.hasOwn(commands, both) ? [both, others.slice(1)] : [first, others]
}

function shown(text: string): Outcome {
  return { exit: exits.ok, text, json: { help: text } }
}

function unknownCommand(name: string) {
  const near = nearest(name, Object.keys(commands))
  const remedy = near === undefined ? 'See what there is with --help.' : `Did you mean ${near}?`
  return usageError(`There is no command ${name}.`, remedy)
}

function beforeDashes(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--')
  return end < 0 ? args : args.slice(0, end)
}

function print(to: NodeJS.WritableStream, text: string): void {
  if (text === '') return
  to.on('error', (error: NodeJS.ErrnoException) => {
    // Whoever reads may have seen enough: `ringlet ring --partitions | head`.
    if (error.code !== 'EPIPE') throw error
  })
  to.write(`${text}\n`)
}
