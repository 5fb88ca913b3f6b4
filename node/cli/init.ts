/**
 * `ringlet init`: the explicit act that makes a ring.
 */
import { createRingFile, newRingIdentity } from '../ring-file.ts'
import { done, type Given, type Outcome, wholeNumber } from './outcome.ts'

export async function run(given: Given): Promise<Outcome> {
  const path = given.words['FILE'] ?? 'ring.json'
  const n = wholeNumber(given, 'n', 3, [1, 16])
  const identity = newRingIdentity({
    name: given.values['name'] ?? 'ringlet',
    n,
    q: wholeNumber(given, 'q', 4096, [1, 2 ** 16]),
    durableOwners: wholeNumber(given, 'durable-owners', n, [0, n]),
  })
  createRingFile(path, { identity, bootstrap: [] })
  const lines = [
    `${path} is the identity of the new ring ${identity.name}: public, and the same for all its peers.`,
    `Start the first with: ringlet peer --ring ${path} --data FOLDER`,
    'It prints its addresses; put them into "bootstrap" for the others.',
  ]
  return done(lines.join('\n'), { file: path, ring: identity })
}
