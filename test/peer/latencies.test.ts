/** Quantiles of the last minute, near enough, in little space. */
import { expect, it } from 'vitest'
import { Latencies } from '../../src/peer/latencies.ts'

/** The true one, of all that were added in the last minute or a part of one longer. */
function within(value: number | undefined, truth: number): void {
  expect(value).toBeGreaterThanOrEqual(truth * 0.999)
  expect(value).toBeLessThanOrEqual(truth * 1.126)
}

it('tells quantiles to an eighth, over five orders of magnitude', () => {
  const times = Array.from({ length: 10_000 }, (_, i) => 0.1 * 1.0011 ** i)
  const latencies = new Latencies()
  for (const [i, time] of times.entries()) latencies.add(i, time)
  for (const share of [0.01, 0.5, 0.95, 0.99]) {
    within(latencies.quantile(10_000, share), times[Math.ceil(share * times.length) - 1]!)
  }
})

it('knows nothing of nothing, and takes the longest and the shortest', () => {
  const latencies = new Latencies()
  expect(latencies.quantile(5, 0.5)).toBeUndefined()
  latencies.add(5, 0)
  expect(latencies.quantile(5, 0.5)).toBeLessThan(0.1)
  latencies.add(5, 1e9)
  expect(latencies.quantile(5, 1)).toBeGreaterThan(10_000)
})

it('forgets after a minute, a part at a time, and all of it after a long silence', () => {
  const latencies = new Latencies()
  for (let s = 0; s < 60; s++) latencies.add(s * 1000, s < 10 ? 500 : 5)
  within(latencies.quantile(59_999, 0.99), 500)
  within(latencies.quantile(60_000, 0.99), 5)
  expect(latencies.count(60_000)).toBe(50)
  expect(latencies.count(100_000)).toBe(10)
  expect(latencies.count(200_000)).toBe(0)
  latencies.add(200_000, 7)
  within(latencies.quantile(200_001, 0.5), 7)
  latencies.forget()
  expect(latencies.quantile(200_001, 0.5)).toBeUndefined()
})
