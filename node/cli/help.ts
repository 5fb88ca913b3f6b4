/**
 * `--help`, of the whole and of each command.
 */
import { type Command, commands, everywhere, type Options } from './commands.ts'

export function helpOfAll(): string {
  const rows = Object.entries(commands).map(([name, { takes, about }]): Row => [
    `${name} ${takes}`.trimEnd(),
    about,
  ])
  return [
    'ringlet: an always-writable, replicated key-value store. Usage: ringlet COMMAND …',
    '',
    ...table(rows),
    '',
    'ringlet COMMAND --help tells more. Every command answers in JSON with --json.',
    'Exit codes: 0 ok, 1 not found, 2 usage, 3 refused, 4 outcome unknown, 5 no ring reachable, 6 not well.',
  ].join('\n')
}

export function helpOf(name: string, { takes, about, more, options }: Command): string {
  return [
    `Usage: ringlet ${`${name} ${takes}`.trimEnd()} [options]`,
    '',
    about,
    ...(more === undefined ? [] : ['', more]),
    '',
    ...table(rowsOf({ ...options, ...everywhere })),
  ].join('\n')
}

type Row = readonly [left: string, right: string]

function rowsOf(options: Options): Row[] {
  return Object.entries(options).map(([name, { value, about, many }]) => [
    `--${name}${value === undefined ? '' : ` ${value}`}`,
    many === true ? `${about} (May be repeated.)` : about,
  ])
}

function table(rows: readonly Row[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)
}
