/** The share of background work comes to rest where the foreground meets its target, and never at nothing. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { leastShare, nextShare, restAfter } from '../../src/protocol/pace.ts'

const targetMs = 50

/** What the foreground feels where the background has this share. */
type Plant = (share: number, step: number) => number

/** Share after share, from all. */
function follow(plant: Plant, steps: number): number[] {
  const shares = [1]
  for (let i = 0; i < steps; i++) shares.push(nextShare(shares[i]!, plant(shares[i]!, i), targetMs))
  return shares
}

describe('the share of background work', () => {
  it.each([
    [10, 200],
    [2, 60],
    [40, 60],
    [30, 1000],
    [45, 5],
  ])('comes to rest where %i ms and %i ms more by all of it meet the target', (base, slope) => {
    const plant: Plant = (share) => base + slope * share
    const shares = follow(plant, 60)
    const end = shares.at(-1)!
    for (const share of shares.slice(40)) expect(share / end).toBeCloseTo(1, 2)
    if (end > leastShare) expect(plant(end, 0)).toBeLessThanOrEqual(1.01 * targetMs)
    if (end < 1) expect(plant(end, 0)).toBeGreaterThanOrEqual(0.8 * targetMs - 1)
  })

  it('does not swing where times are noisy', () => {
    const noise = (step: number): number => 1 + 0.15 * Math.sin(step * step)
    const shares = follow((share, step) => (10 + 100 * share) * noise(step), 300).slice(30)
    expect(Math.min(...shares)).toBeGreaterThan(0.25)
    expect(Math.max(...shares)).toBeLessThan(0.55)
  })

  it('is the least while the foreground is slow by itself, and all again when it is not', () => {
    const shares = follow((share, step) => (step < 20 ? 500 : 5 + share), 40)
    expect(shares[4]).toBe(leastShare)
    expect(shares[20]).toBe(leastShare)
    expect(shares[32]).toBe(1)
  })

  it('is at least a tenth and at most all, whatever is measured', () => {
    const times = fc.array(fc.option(fc.double({ min: 0, noNaN: true }), { nil: undefined }))
    fc.assert(
      fc.property(times, (measured) => {
        let share = 1
        for (const p99Ms of measured) {
          const next = nextShare(share, p99Ms, targetMs)
          expect(next).toBeGreaterThanOrEqual(leastShare)
          expect(next).toBeLessThanOrEqual(1)
          expect(next).toBeGreaterThanOrEqual(share / 2)
          share = next
        }
      }),
    )
  })

  it('grows while there is nobody to leave room for', () => {
    expect(nextShare(0.5, undefined, targetMs)).toBeGreaterThan(0.5)
    expect(nextShare(1, undefined, targetMs)).toBe(1)
  })

  it('is kept by resting', () => {
    expect(restAfter(1, 300)).toBe(0)
    expect(restAfter(0.25, 10)).toBe(30)
  })
})
