/** A run in which peers keep each other busy for ever ends, and says why. */
import { expect, test } from 'vitest'
import { Scheduler } from '../../src/simulation/scheduler.ts'
import { bounded, mostEventsASecond } from '../../src/simulation/storm.ts'

/** Each event brings another, after so long. */
function endless(scheduler: Scheduler, pauseMs: number): void {
  scheduler.after(pauseMs, () => endless(scheduler, pauseMs))
}

test('a second that never ends is cut short', async () => {
  const scheduler = new Scheduler()
  endless(scheduler, 0)
  await expect(scheduler.run(10_000, bounded(scheduler))).rejects.toThrow('second 0 has no end')
  expect(scheduler.events).toBe(mostEventsASecond + 1)
})

test('as many events in many seconds are no storm', async () => {
  const scheduler = new Scheduler()
  endless(scheduler, 0.1)
  await scheduler.run(5000, bounded(scheduler))
  expect(scheduler.events).toBeGreaterThan(mostEventsASecond)
  expect(scheduler.nowMs).toBe(5000)
})

test('what was enough before is enough still', async () => {
  const scheduler = new Scheduler()
  endless(scheduler, 1)
  const enough = bounded(scheduler, () => scheduler.events >= 7)
  await scheduler.run(10_000, enough)
  expect(scheduler.events).toBe(7)
})
