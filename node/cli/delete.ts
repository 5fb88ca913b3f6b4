/**
 * `ringlet delete`: reads the key, and deletes what it has read; what others write meanwhile stays.
 */
import { keyGiven, readKey, showKey, showPlaces, showValues, writeKey } from './keys.ts'
import { done, exits, type Given, type Outcome } from './outcome.ts'
import { findRing } from './ring.ts'

export async function run(given: Given): Promise<Outcome> {
  const ring = findRing(given)
  const key = keyGiven(given)
  const named = given.values['context']
  const read = named === undefined ? await readKey(ring, given) : undefined
  if (read?.found === false) {
    return {
      exit: exits.notFound,
      text: `${showKey(key)} is not there.`,
      json: { ...key, ...read },
    }
  }
  const context = named ?? read!.context
  const written = await writeKey(ring, given, context, { method: 'DELETE' })
  const lines = [
    `${showKey(key)} is deleted ${showPlaces(ring, written)}.`,
    ...(read === undefined ? [] : showValues(read).map((value) => `  deleted  ${value}`)),
    `  context  ${written.context}`,
  ]
  const superseded = read?.siblings ?? null
  return done(lines.join('\n'), { ...key, ...written, superseded })
}
