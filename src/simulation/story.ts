/**
 * A failing seed, told to a person: what the world did, and all that concerns the key in question, in order.
 *
 * A run has tens of thousands of events and a bug has a dozen. Kept are the world's doings, the clients' operations on
 * the key, every event of a peer that names it, and what concerns all keys; everything else is left out.
 */
import type { Line } from './chronicle.ts'
import type { Violation } from './violation.ts'

/** Longer stories lose their middle: the beginning and the end are what a reader needs. */
const longest = 400

export function tellStory(
  seed: number,
  lines: readonly Line[],
  violations: readonly Violation[],
): string {
  const key = violations.find((violation) => violation.key !== '')?.key
  const told = lines.filter(
    (line) => line.who === '' || (key !== undefined && line.key === key) || isTelling(line),
  )
  const head = [`# Seed ${seed}${key === undefined ? '' : `, as ${key} lived it`}`, '']
  const broken = violations.map(({ promise, key: where, text }) => `✗ ${promise} ${where} ${text}`)
  return [...head, ...shorten(told).map(showLine), '', ...broken].join('\n')
}

/** What a peer says of its store and its ring concerns every key. */
function isTelling({ text }: Line): boolean {
  return /^(generation|view|quarantined|forgery|task-failed)\b/.test(text)
}

export function showLine({ atMs, who, text }: Line): string {
  const time = (atMs / 1000).toFixed(3).padStart(9)
  return `${time}  ${who === '' ? `— ${text}` : `${who.padEnd(10)}${text}`}`
}

function shorten(lines: readonly Line[]): Line[] {
  if (lines.length <= longest) return [...lines]
  const left: Line = {
    atMs: lines[longest / 2]!.atMs,
    who: '',
    key: undefined,
    text: `… ${lines.length - longest} lines left out …`,
  }
  return [...lines.slice(0, longest / 2), left, ...lines.slice(-longest / 2)]
}
