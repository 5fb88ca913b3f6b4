/**
 * `ringlet put`: reads the key, writes with the context of that read, and says what it superseded.
 */
import { text } from 'node:stream/consumers'
import { keyGiven, readKey, showKey, showPlaces, showValues, writeKey } from './keys.ts'
import { done, type Given, type Outcome, usageError } from './outcome.ts'
import { findRing } from './ring.ts'

export async function run(given: Given): Promise<Outcome> {
  const ring = findRing(given)
  const key = keyGiven(given)
  const isBlind = given.switches.has('blind')
  const named = given.values['context']
  if (isBlind && named !== undefined) throw usageError('Give --blind or --context, not both.')
  const word = given.words['VALUE']!
  const body = jsonOf(word === '-' ? await text(process.stdin) : word)

  const read = isBlind || named !== undefined ? undefined : await readKey(ring, given)
  const written = await writeKey(ring, given, named ?? read?.context ?? '', {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const superseded = read?.siblings ?? null
  const lines = [
    `${showKey(key)} is stored ${showPlaces(ring, written)}.`,
    ...(read === undefined ? [] : showSuperseded(showValues(read))),
    `  context     ${written.context}`,
  ]
  return done(lines.join('\n'), { ...key, ...written, superseded })
}

function showSuperseded(values: readonly string[]): string[] {
  if (values.length === 0) return ['  superseded  nothing']
  return values.map((value, i) => `  ${(i === 0 ? 'superseded' : '').padEnd(10)}  ${value}`)
}

/** JSON stays as it is; anything else is text. */
function jsonOf(word: string): string {
  try {
    JSON.parse(word)
    return word
  } catch {
    return JSON.stringify(word)
  }
}
