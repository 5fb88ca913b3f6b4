/**
 * `ringlet get`: the value, as JSON that `put` would take; where concurrent values stand, all of them.
 */
import { keyGiven, readKey, showKey, showValues } from './keys.ts'
import { done, exits, type Given, type Outcome } from './outcome.ts'
import { findRing } from './ring.ts'

export async function run(given: Given): Promise<Outcome> {
  const key = keyGiven(given)
  const read = await readKey(findRing(given), given)
  const json = { ...key, ...read }
  if (!read.found) return { exit: exits.notFound, text: `${showKey(key)} is not there.`, json }
  const values = showValues(read)
  if (values.length === 1) return done(values[0]!, json)
  const title = `${showKey(key)} has ${values.length} siblings: concurrent values, none newer.`
  const remedy = 'A put supersedes them all.'
  return done([title, ...values.map((value) => `  ${value}`), remedy].join('\n'), json)
}
