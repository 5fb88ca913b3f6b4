/**
 * The words of a command line, checked against what the command takes. A flag that nobody knows is most often a slip, so
 * the answer names the nearest that there is.
 */
import { parseArgs } from 'node:util'
import { type Command, everywhere, type Options } from './commands.ts'
import { nearest } from './nearest.ts'
import { type Given, usageError } from './outcome.ts'

/** Throws a usage error. */
export function parse(name: string, command: Command, args: readonly string[]): Given {
  const options: Options = { ...command.options, ...everywhere }
  const values: Record<string, string> = {}
  const lists: Record<string, string[]> = {}
  const switches = new Set<string>()
  const words: string[] = []
  for (const token of tokensOf(options, args)) {
    if (token.kind === 'positional') words.push(token.value)
    if (token.kind !== 'option') continue
    const option = options[token.name]
    if (option === undefined) throw unknownOption(token.rawName, options)
    if (option.value === undefined) {
      if (token.value !== undefined) throw usageError(`--${token.name} takes no value.`)
      switches.add(token.name)
    } else if (token.value === undefined) {
      throw usageError(`--${token.name} needs a value: --${token.name} ${option.value}.`)
    } else if (option.many === true) {
      lists[token.name] = [...(lists[token.name] ?? []), token.value]
    } else {
      values[token.name] = token.value
    }
  }
  const wants = switches.has('help') ? [] : namesIn(command.takes)
  const several = severalIn(wants)
  if (several === undefined) {
    return { words: named(name, command, wants, words), values, lists, switches }
  }
  const single = wants.slice(0, -1)
  lists[several] = words.slice(single.length)
  const first = named(name, command, single, words.slice(0, single.length))
  return { words: first, values, lists, switches }
}

/** The name of the last word if it may be several. */
function severalIn(wants: readonly string[]): string | undefined {
  const last = plain(wants.at(-1) ?? '')
  return last.endsWith('…') ? last.slice(0, -1) : undefined
}

function tokensOf(options: Options, args: readonly string[]) {
  const config = Object.fromEntries(
    Object.entries(options).map(([name, { value, many }]) => [
      name,
      { type: value === undefined ? ('boolean' as const) : ('string' as const), multiple: !!many },
    ]),
  )
  const settings = { args: [...args], options: config, strict: false, tokens: true } as const
  return parseArgs({ ...settings, allowPositionals: true }).tokens
}

function named(
  name: string,
  { takes }: Command,
  wants: readonly string[],
  words: readonly string[],
): Record<string, string> {
  const missing = wants.find((want, i) => words[i] === undefined && !want.startsWith('['))
  if (missing !== undefined) throw usageError(`${missing} is missing: ringlet ${name} ${takes}`)
  if (wants.length === 0 && takes !== '') return {}
  const surplus = words[wants.length]
  if (surplus !== undefined) {
    const quote = wants.length > 0 ? 'Put quotes around a value with spaces.' : undefined
    throw usageError(`${surplus} is too much: ringlet ${name} ${takes}`.trimEnd(), quote)
  }
  return Object.fromEntries(words.map((word, i) => [plain(wants[i]!), word]))
}

function plain(want: string): string {
  return want.replace(/[[\]]/g, '')
}

function namesIn(takes: string): string[] {
  return takes === '' ? [] : takes.split(' ')
}

function unknownOption(raw: string, options: Options) {
  const isNumber = /^-\d/.test(raw)
  const near = nearest(
    raw.replace(/^-+/, ''),
    Object.keys(options).filter((option) => option !== 'help'),
  )
  const remedy = isNumber
    ? 'Put -- before a value that begins with a dash.'
    : near === undefined
      ? 'See what there is with --help.'
      : `Did you mean --${near}?`
  return usageError(`There is no ${raw}.`, remedy)
}
