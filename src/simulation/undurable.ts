/**
 * Whether a buffered write gets its durable copy: P1 for what is acknowledged from memory.
 *
 * That nothing was lost says little: the power may not have been cut in time. So some seconds after a quorum has a write,
 * long before everybody syncs what is old, somebody has it on his disk; if nobody else, then the peer that named it, as long
 * as that was well.
 */
import type { Operation } from './history.ts'
import type { Scene } from './scene.ts'
import type { Violation } from './violation.ts'

/** An owner's deadline, and time for a sync after it. */
const durableMs = 3000

/** Looks at this write when it is time, and tells what it finds. */
export function watchDurable(
  { cluster, calm }: Scene,
  { write, key, startMs }: Operation,
  tell: (violation: Violation) => void,
): void {
  const { scheduler, witness, history, members } = cluster
  const isDurable = (each: number): boolean => witness.syncedHostsOf(each).size > 0
  scheduler.after(durableMs, () => {
    if (isDurable(write) || witness.excused.has(write) || history.wasRetried(write)) return
    const later = [...witness.writesOf(key)].filter((each) => history.get(each).seen.has(write))
    if (later.some(isDurable)) return
    const names = [...witness.dotsOf(write).values()].map((dot) => witness.minterOf(dot))
    const minters = members.filter(({ name }) => names.includes(name))
    const wereWell = minters.every((each) => calm.wasWell(each, startMs, scheduler.nowMs))
    if (minters.length !== 1 || !wereWell) return
    const text = `w${write} is acknowledged from buffers, and on no disk ${durableMs} ms later`
    tell({ promise: 'P1', key, text })
  })
}
