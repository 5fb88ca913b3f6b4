/**
 * A process beside a peer, on its host: it asks the peer's control port, which answers on loopback only.
 */
import { call, CallError } from '../../node/cli/call.ts'
import { control } from '../hosts/laid-ring.ts'
import { answerBy, Failed } from './talk.ts'
import type { DeskAnswer, DeskAsked } from './words.ts'

answerBy<DeskAsked, DeskAnswer>(async ({ path, options }) => {
  try {
    return (await call(`${control}${path}`, options)) as DeskAnswer
  } catch (error) {
    if (!(error instanceof CallError)) throw error
    // What was never sent is nowhere; of what was sent nobody knows.
    throw new Failed(error.sent ? 'unknown' : 'refused', 'no-answer')
  }
})
