/**
 * What every command of a script works with: the stage, the telling, and what each person remembers.
 */
import { limits } from '../../src/protocol/limits.ts'
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
export async function openPlay(given: Given): Promise<Play> {
  const { peers, absent, n = '3', r = '2', w = '2', long, evict } = given
  const changed = {
    ...limits,
    ...(long !== undefined && { vectorEntries: Number(long) }),
    ...(evict !== undefined && { evictAfterMs: 1000 * Number.parseInt(evict) }),
  }
  const numbers = { n: Number(n), r: Number(r), w: Number(w) }
  const settings = { peers: listed(peers), ...numbers, limits: changed }
  const telling: Telling = new Telling((peer) => stage.nameOf(peer))
  const stage: Stage = new Stage(settings, (event) => telling.event(event))
  await stage.open(absent === undefined ? [] : listed(absent))
  telling.begin()
  return { stage, telling, memories: new Map(), showsClocks: false }
}

export function listed(peers: string): string[] {
  return peers.split(',')
}
