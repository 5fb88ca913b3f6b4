/**
 * `ringlet start N`: the development ring's launcher starts the peer again, so that Ctrl-C there still ends them all.
 */
import { askLauncher } from './launcher.ts'
import type { Given, Outcome } from './outcome.ts'

export function run(given: Given): Promise<Outcome> {
  return askLauncher(given, 'start')
}
