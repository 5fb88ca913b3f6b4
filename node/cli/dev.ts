/**
 * `ringlet dev`, which is `npm start`: a development ring until Ctrl-C.
 */
import { resolve } from 'node:path'
import { startDevRing } from '../dev.ts'
import { devFolderName } from '../dev-folder.ts'
import { endProcess, wishToEnd } from '../ending.ts'
import { done, type Given, type Outcome, wholeNumber } from './outcome.ts'

export async function run(given: Given): Promise<Outcome> {
  const ending = wishToEnd()
  const { values } = given
  const say = (line: string): void => void process.stdout.write(`${line}\n`)
  const wishes = {
    folder: resolve(values['folder'] ?? devFolderName),
    peers: values['peers'] === undefined ? undefined : wholeNumber(given, 'peers', 3, [1, 99]),
    port: values['port'] === undefined ? undefined : wholeNumber(given, 'port', 7400, [0, 65_496]),
  }
  const giveUp = new AbortController()
  void ending.then(() => giveUp.abort())
  try {
    const ring = await startDevRing(wishes, say, giveUp.signal)
    await ending
    say('\nStopping…')
    await ring.close()
  } catch (error) {
    if (!giveUp.signal.aborted) throw error
  } finally {
    endProcess()
  }
  return done('Stopped; the data stays, and the next start finds it.', { stopped: true })
}
