/**
 * What every command of a script works with: the stage, the telling, and what each person remembers.
 */
import type { Given } from './script.ts'
import { Stage } from './stage.ts'
import { Telling } from './telling.ts'

export interface Play {
  readonly stage: Stage
  readonly telling: Telling
  /** The context of what somebody last read or wrote of a key, by both their names. */
  readonly memories: Map<string, string>
  /** Whether each answer is told with its context, as the clock of the paper's Figure 3. */
  showsClocks: boolean
}

export type Act = (play: Play, given: Given) => Promise<void> | void

/** Resolves when the ring stands and every member reaches every other; what led there is not told. */
export async function openPlay({ peers, absent, n = '3', r = '2', w = '2' }: Given): Promise<Play> {
  const settings = { peers: listed(peers), n: Number(n), r: Number(r), w: Number(w) }
  const telling: Telling = new Telling((peer) => stage.nameOf(peer))
  const stage: Stage = new Stage(settings, (event) => telling.event(event))
  await stage.open(absent === undefined ? [] : listed(absent))
  telling.begin()
  return { stage, telling, memories: new Map(), showsClocks: false }
}

export function listed(peers: string): string[] {
  return peers.split(',')
}
