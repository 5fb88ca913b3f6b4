/** The background's lane: a minute's measure, its share of the time, and rests that end. */
import { describe, expect, it } from 'vitest'
import { Pace } from '../../src/peer/pace.ts'
import { leastShare } from '../../src/protocol/pace.ts'
import { limits } from '../../src/protocol/limits.ts'
import type { Clock } from '../../src/ports.ts'

/** A clock that goes on when it is told to. */
class TestClock implements Clock {
  #nowMs = 0
  #timers: { readonly atMs: number; run(): void }[] = []

  now(): number {
    return this.#nowMs
  }

  elapsed(): number {
    return this.#nowMs
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer)
    }
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      this.after(ms, resolve)
    })
  }

  /** Until this time, one timer after another, and what follows from each before the next. */
  async runUntil(untilMs: number): Promise<void> {
    for (;;) {
      for (let i = 0; i < 10; i++) await Promise.resolve()
      const next = this.#timers.toSorted((a, b) => a.atMs - b.atMs)[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#timers = this.#timers.filter((each) => each !== next)
      this.#nowMs = next.atMs
      next.run()
    }
    this.#nowMs = untilMs
  }
}

/** A member with foreground of so many milliseconds a request, and background work that never ends. */
function member(requestMs: (pace: Pace, nowMs: number) => number) {
  const clock = new TestClock()
  const pace = new Pace(clock, limits)
  const worked = { ms: 0 }
  const ask = async (): Promise<never> => {
    for (;;) {
      void pace.foreground(clock.wait(requestMs(pace, clock.elapsed())))
      await clock.wait(100)
    }
  }
  const compare = async (): Promise<never> => {
    for (;;) {
      await pace.background(() => clock.wait(20))
      worked.ms += 20
    }
  }
  const tick = async (): Promise<never> => {
    for (;;) {
      await clock.wait(100)
      pace.tick()
    }
  }
  void ask()
  void compare()
  void tick()
  return { clock, pace, worked }
}

const minute = 60_000

describe('background work', () => {
  it('has all the time while the foreground is quick', async () => {
    const { clock, pace, worked } = member(() => 5)
    await clock.runUntil(3 * minute)
    expect(pace.share).toBe(1)
    expect(worked.ms).toBeGreaterThan(0.95 * 3 * minute)
  })

  it('comes to rest where the foreground meets its target', async () => {
    const { clock, pace, worked } = member((asked) => 10 + 100 * asked.share)
    await clock.runUntil(5 * minute)
    const { share } = pace
    const before = worked.ms
    await clock.runUntil(10 * minute)
    expect(pace.share).toBe(share)
    expect(pace.p99Ms).toBeLessThanOrEqual(1.15 * limits.foregroundMs)
    expect(pace.p99Ms).toBeGreaterThan(0.7 * limits.foregroundMs)
    expect((worked.ms - before) / (5 * minute)).toBeCloseTo(share, 1)
  })

  it('keeps its least share however slow the foreground is, and gets all back', async () => {
    const { clock, pace, worked } = member((_, nowMs) => (nowMs < 10 * minute ? 800 : 5))
    await clock.runUntil(minute)
    expect(pace.share).toBe(leastShare)
    const before = worked.ms
    await clock.runUntil(10 * minute)
    expect(pace.share).toBe(leastShare)
    expect((worked.ms - before) / (9 * minute)).toBeGreaterThan(0.9 * leastShare)
    await clock.runUntil(13 * minute)
    expect(pace.share).toBe(1)
  })

  it('goes on after the longest rest, though others work on and on', async () => {
    const { clock, pace } = member(() => 800)
    await clock.runUntil(2 * minute)
    await clock.runUntil(clock.elapsed() + limits.restMs)
    // Each of these makes all others rest longer when it ends, and one ends every half second.
    for (let i = 1; i < 40; i++) void pace.background(() => clock.wait(500 * i))
    await clock.runUntil(clock.elapsed() + limits.restMs + 600)
    const askedMs = clock.elapsed()
    let begunMs = Infinity
    void pace.background(async () => void (begunMs = clock.elapsed()))
    await clock.runUntil(askedMs + 2 * limits.restMs)
    expect(begunMs - askedMs).toBeGreaterThan(0)
    expect(begunMs - askedMs).toBeLessThanOrEqual(limits.restMs + 1)
  })

  it('rests no more when the peer closes', async () => {
    const { clock, pace } = member(() => 800)
    await clock.runUntil(2 * minute)
    let isDone = false
    void pace.background(() => clock.wait(100))
    await clock.runUntil(clock.elapsed() + 500)
    void pace.background(() => Promise.resolve()).then(() => (isDone = true))
    pace.hurry()
    await clock.runUntil(clock.elapsed() + 30)
    expect(isDone).toBe(true)
  })
})
