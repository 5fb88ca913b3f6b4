/**
 * `ringlet join`: a durable peer that comes into a ring while that serves.
 */
import type { Given, Outcome } from './outcome.ts'
import { runPeer } from './peer.ts'

export function run(given: Given): Promise<Outcome> {
  return runPeer(given, { joins: true })
}
