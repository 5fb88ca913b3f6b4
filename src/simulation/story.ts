/**
 * A failing seed, told to a person: what the world did, and all that concerns the key in question, in order.
 *
 * A run has tens of thousands of events and a bug has a dozen. Kept are the world's doings, the clients' operations on
 * the key, every event of a peer that names it, and what concerns all keys; everything else is left out.
 */
import type { Line } from './chronicle.ts'
import type { Violation } from './violation.ts'

/** Of a long story are kept the beginning, the end, and what lies around each mention of the first broken write. */
const kept = { first: 30, last: 60, around: 25 }

export function tellStory(
  seed: number,
  lines: readonly Line[],
  violations: readonly Violation[],
  whole = false,
): string {
  const key = violations.find((violation) => violation.key !== '')?.key
  const concerns = (line: Line): boolean =>
    key === undefined ? line.who.startsWith('client') : line.key === key
  const told = lines.filter((line) => line.who === '' || concerns(line) || isTelling(line))
  const head = [`# Seed ${seed}${key === undefined ? '' : `, as ${key} lived it`}`, '']
  const broken = violations.map(({ promise, key: where, text }) => `✗ ${promise} ${where} ${text}`)
  const write = /\bw\d+\b/.exec(violations[0]?.text ?? '')?.[0]
  const shown = write === undefined || whole ? told.map(showLine) : shorten(told, write)
  return [...head, ...shown, '', ...broken].join('\n')
}

/** What a peer says of its store and its ring concerns every key. */
function isTelling({ text }: Line): boolean {
  return /^(generation|readiness|doubt|doubt-over|view|quarantined|forgery|task-failed)\b/.test(
    text,
  )
}

export function showLine({ atMs, who, text }: Line): string {
  const time = (atMs / 1000).toFixed(3).padStart(9)
  return `${time}  ${who === '' ? `— ${text}` : `${who.padEnd(10)}${text}`}`
}

function shorten(lines: readonly Line[], write: string): string[] {
  const mentions = new RegExp(`\\b${write}\\b`)
  const keeps = lines.map((_, i) => i < kept.first || i >= lines.length - kept.last)
  for (const [i, { text }] of lines.entries()) {
    if (mentions.test(text)) keeps.fill(true, Math.max(0, i - kept.around), i + kept.around)
  }
  const shown: string[] = []
  let left = 0
  for (const [i, line] of lines.entries()) {
    if (!keeps[i]) {
      left++
      continue
    }
    if (left > 0) shown.push(`           … ${left} lines left out …`)
    left = 0
    shown.push(showLine(line))
  }
  return shown
}
