/**
 * `ringlet replace`: a durable peer that comes into a ring in the place of one whose machine is gone.
 */
import type { Given, Outcome } from './outcome.ts'
import { runPeer } from './peer.ts'

export function run(given: Given): Promise<Outcome> {
  const replaces = given.words['PEER']!
  return runPeer(given, { joins: true, replaces, force: given.switches.has('force') })
}
