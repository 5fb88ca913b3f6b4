/**
 * Asking the launcher of a development ring to start or stop one of its peers.
 */
import type { PlainError } from '../control-errors.ts'
import { findDevFolder, readDevRing } from '../dev-folder.ts'
import type { ErrorCode } from '../../src/protocol/errors.ts'
import { type Answer, call, CallError } from './call.ts'
import { CommandError, done, exits, type Given, type Outcome, usageError } from './outcome.ts'

interface Told {
  readonly text: string
  readonly error?: PlainError
}

export async function askLauncher(given: Given, act: 'start' | 'stop'): Promise<Outcome> {
  const number = /^(?:peer-)?([1-9])$/.exec(given.words['PEER']!)?.[1]
  if (number === undefined) {
    throw usageError(`${given.words['PEER']} is no peer.`, 'Give its number: 1, 2, 3…')
  }
  const folder = findDevFolder('.')
  const ring = folder === undefined ? undefined : readDevRing(folder)
  if (ring === undefined) throw noLauncher('No .ringlet/ is here or in a folder above.')
  let answer: Answer
  try {
    answer = await call(`${ring.launcher}/peers/${number}/${act}`, { method: 'POST' })
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    throw noLauncher('No development ring runs here.')
  }
  const told = answer.body as Told
  if (told.error === undefined) return done(told.text, told)
  const { code, message, remedy } = told.error
  throw new CommandError(exits.refused, code as ErrorCode, message, remedy)
}

function noLauncher(message: string): CommandError {
  return new CommandError(exits.noRing, 'unreachable', message, 'Start one with `npm start`.')
}
