/**
 * Storms: peers that keep each other busy for ever (P9).
 *
 * A repair that changes what it repairs is told to followers, who ask, and whose question finds something to repair.
 * Each round takes a virtual millisecond, and each is larger than the one before, so time all but stands still and a run
 * to a certain time never ends. The end of such a run is counted in events and not by a clock, or one seed would end
 * otherwise on another machine.
 */
import type { Scheduler } from './scheduler.ts'

/** Six times what the busiest second of an honest run has seen. */
export const mostEventsASecond = 30_000

/** The same condition, for `Scheduler.run`; it throws as soon as one virtual second has seen too many events. */
export function bounded(
  scheduler: Pick<Scheduler, 'nowMs' | 'events'>,
  enough: () => boolean = () => false,
): () => boolean {
  let second = Math.floor(scheduler.nowMs / 1000)
  let before = scheduler.events
  return () => {
    const now = Math.floor(scheduler.nowMs / 1000)
    if (now !== second) [second, before] = [now, scheduler.events]
    if (scheduler.events - before <= mostEventsASecond) return enough()
    throw new Error(`second ${now} has no end: ${mostEventsASecond} events, and more to come`)
  }
}
