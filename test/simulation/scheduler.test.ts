import { describe, expect, test } from 'vitest'
import { clockOf, Life } from '../../src/simulation/life.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { Scheduler } from '../../src/simulation/scheduler.ts'

describe('scheduler', () => {
  test('events run in the order of their time, those of one moment in the order they were asked for', async () => {
    const scheduler = new Scheduler()
    const random = seededRandom('order')
    const asked: { at: number; number: number }[] = []
    const ran: typeof asked = []
    for (let number = 0; number < 500; number++) {
      const entry = { at: random.whole(50), number }
      asked.push(entry)
      scheduler.after(entry.at, () => ran.push(entry))
    }
    await scheduler.run(100)
    expect(ran).toEqual(asked.toSorted((a, b) => a.at - b.at || a.number - b.number))
    expect(scheduler.nowMs).toBe(100)
  })

  test('every promise that an event woke has run before the next event', async () => {
    const scheduler = new Scheduler()
    const steps: string[] = []
    scheduler.after(1, () => {
      void (async () => {
        for (let i = 0; i < 20; i++) await Promise.resolve()
        steps.push('woken')
      })()
    })
    scheduler.after(1, () => steps.push('next event'))
    await scheduler.run(1)
    expect(steps).toEqual(['woken', 'next event'])
  })

  test('a cancelled event never runs, and time stops where it is told to', async () => {
    const scheduler = new Scheduler()
    const ran: number[] = []
    const cancel = scheduler.after(10, () => ran.push(10))
    scheduler.after(20, () => ran.push(20))
    scheduler.after(30, () => ran.push(30))
    cancel()
    await scheduler.run(25)
    expect([ran, scheduler.nowMs]).toEqual([[20], 25])
    await scheduler.run(100, () => ran.includes(30))
    expect([ran, scheduler.nowMs]).toEqual([[20, 30], 30])
  })

  test('an event that throws ends the run with its error', async () => {
    const scheduler = new Scheduler()
    scheduler.after(1, () => {
      throw new Error('broken')
    })
    await expect(scheduler.run(10)).rejects.toThrow('broken')
  })

  test('tens of thousands of events pass in a second', async () => {
    const scheduler = new Scheduler()
    let left = 30_000
    const tick = (): void => {
      if (--left > 0) scheduler.after(1, tick)
    }
    for (let i = 0; i < 20; i++) scheduler.after(i, tick)
    const started = performance.now()
    await scheduler.run(Infinity)
    expect(scheduler.events).toBeGreaterThan(30_000)
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('life', () => {
  test('nothing of a life runs after its end', async () => {
    const scheduler = new Scheduler()
    const life = new Life(scheduler)
    const ran: string[] = []
    life.after(5, () => ran.push('before'))
    life.after(15, () => ran.push('after'))
    scheduler.after(10, () => life.end())
    await scheduler.run(20)
    expect(ran).toEqual(['before'])
  })

  test('a frozen life does everything late, in order, at its thaw', async () => {
    const scheduler = new Scheduler()
    const life = new Life(scheduler)
    const ran: string[] = []
    for (const at of [5, 15, 25, 35]) {
      life.after(at, () => ran.push(`${at} at ${scheduler.nowMs}`))
    }
    const cancel = life.after(18, () => ran.push('cancelled while frozen'))
    scheduler.after(10, () => life.freeze(20))
    scheduler.after(20, cancel)
    await scheduler.run(50)
    expect(ran).toEqual(['5 at 5', '15 at 30', '25 at 30', '35 at 35'])
  })

  test('a wall clock that jumps leaves awake time alone, which begins anew with each life', async () => {
    const scheduler = new Scheduler()
    const wall = { offsetMs: 0, latestMs: 0 }
    await scheduler.run(1000)
    const clock = clockOf(new Life(scheduler), scheduler, wall)
    const started = clock.now()
    await scheduler.run(1500)
    wall.offsetMs = -3_600_000
    expect(clock.now()).toBe(started + 500 - 3_600_000)
    expect(clock.elapsed()).toBe(500)
    expect(clockOf(new Life(scheduler), scheduler, wall).elapsed()).toBe(0)
  })
})
