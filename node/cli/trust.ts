/**
 * `ringlet trust --peer URL`: an operator's word that this peer counts as whole.
 */
import { done, type Given, type Outcome, usageError } from './outcome.ts'
import { askRing, findRing } from './ring.ts'

export async function run(given: Given): Promise<Outcome> {
  // Said of whoever happens to answer it would be said of the wrong one.
  if (given.values['peer'] === undefined) throw usageError('Say which peer: --peer URL.')
  const ring = findRing(given)
  const trusted = await askRing<{ readonly peer: string }>(ring, '/trust', { method: 'POST' })
  return done(`${ring.nameOf(trusted.peer)} counts as whole from now on.`, trusted)
}
