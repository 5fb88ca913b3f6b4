/**
 * What a command was given, and what came of it: told to people as text, to programs as JSON and by the exit code.
 */
import { type ErrorCode, RingletError } from '../../src/protocol/errors.ts'

export interface Given {
  /** What follows the command's name, by the names that `takes` gives it. */
  readonly words: Readonly<Record<string, string>>
  /** The options with a value; those that may be given several times apart, and with them a last word that may be several. */
  readonly values: Readonly<Record<string, string>>
  readonly lists: Readonly<Record<string, readonly string[]>>
  readonly switches: ReadonlySet<string>
}

export interface Outcome {
  readonly exit: Exit
  /** Lines for people. */
  readonly text: string
  readonly json: unknown
}

export const exits = {
  ok: 0,
  notFound: 1,
  usage: 2,
  refused: 3,
  unknown: 4,
  noRing: 5,
  /** The command has found out that something is wrong. */
  notWell: 6,
} as const

export type Exit = (typeof exits)[keyof typeof exits]

/** An error that names its exit code. */
export class CommandError extends RingletError {
  readonly exit: Exit

  constructor(exit: Exit, code: ErrorCode, message: string, remedy?: string) {
    const outcome = exit === exits.unknown ? 'unknown' : 'refused'
    super(code, message, { outcome, ...(remedy === undefined ? {} : { remedy }) })
    this.exit = exit
  }
}

export function usageError(message: string, remedy?: string): CommandError {
  return new CommandError(exits.usage, 'bad-argument', message, remedy)
}

/** The command did what it was asked. */
export function done(text: string, json: unknown): Outcome {
  return { exit: exits.ok, text, json }
}

export function failed(error: unknown): Outcome {
  if (!(error instanceof RingletError)) throw error
  const { code, message, outcome, remedy, needed, got, answers } = error
  const plain = { code, message, outcome, remedy, needed, got, answers }
  const fate = outcome === 'unknown' ? ', outcome unknown' : ''
  const lines = [`ringlet: ${message} (${code}${fate})`]
  for (const [peer, answer] of Object.entries(answers)) lines.push(`  ${peer}: ${answer}`)
  if (remedy !== undefined) lines.push(`  ${remedy}`)
  return { exit: exitOf(error), text: lines.join('\n'), json: { error: plain } }
}

function exitOf(error: RingletError): Exit {
  if (error instanceof CommandError) return error.exit
  return error.outcome === 'unknown' ? exits.unknown : exits.refused
}

/** The whole number in an option's value. Throws a usage error. */
export function wholeNumber(
  given: Given,
  option: string,
  usual: number,
  [least, most]: readonly [number, number],
): number {
  const text = given.values[option]
  if (text === undefined) return usual
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw usageError(`--${option} ${text} is no whole number from ${least} to ${most}.`)
}
