/**
 * `ringlet stop N`: the development ring's launcher ends one peer in peace.
 */
import { askLauncher } from './launcher.ts'
import type { Given, Outcome } from './outcome.ts'

export function run(given: Given): Promise<Outcome> {
  return askLauncher(given, 'stop')
}
