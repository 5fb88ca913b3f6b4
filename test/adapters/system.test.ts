import { expect, test, vi } from 'vitest'
import { systemClock, systemRandom } from '../../src/adapters/system.ts'

test('elapsed time never goes back, and a timer fires no sooner than asked', async () => {
  const before = systemClock.elapsed()
  await new Promise<void>((resolve) => {
    systemClock.after(20, resolve)
  })
  expect(systemClock.elapsed() - before).toBeGreaterThan(18)
})

test('a cancelled timer does not fire', async () => {
  const run = vi.fn<() => void>()
  const cancel = systemClock.after(5, run)
  cancel()
  await new Promise<void>((resolve) => {
    systemClock.after(20, resolve)
  })
  expect(run).not.toHaveBeenCalled()
})

test('a timer of two months waits two months, and can be cancelled after one', () => {
  vi.useFakeTimers()
  try {
    const day = 86_400_000
    const [kept, cancelled] = [vi.fn<() => void>(), vi.fn<() => void>()]
    systemClock.after(60 * day, kept)
    const cancel = systemClock.after(60 * day, cancelled)
    vi.advanceTimersByTime(30 * day)
    cancel()
    vi.advanceTimersByTime(29 * day)
    expect(kept).not.toHaveBeenCalled()
    vi.advanceTimersByTime(day)
    expect(kept).toHaveBeenCalledOnce()
    expect(cancelled).not.toHaveBeenCalled()
  } finally {
    vi.useRealTimers()
  }
})

test('random bytes come in any length, and fractions fill the unit interval', () => {
  const bytes = systemRandom.bytes(200_000)
  expect(bytes.length).toBe(200_000)
  expect(new Set(bytes.subarray(150_000)).size).toBe(256)
  const fractions = Array.from({ length: 10_000 }, () => systemRandom.fraction())
  expect(Math.min(...fractions)).toBeGreaterThanOrEqual(0)
  expect(Math.max(...fractions)).toBeLessThan(1)
  const mean = fractions.reduce((sum, fraction) => sum + fraction, 0) / fractions.length
  expect(mean).toBeGreaterThan(0.45)
  expect(mean).toBeLessThan(0.55)
})
