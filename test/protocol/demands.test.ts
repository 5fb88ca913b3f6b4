import { describe, expect, it } from 'vitest'
import { checkNumbers, joinDemands, readDemands, writeDemands } from '../../src/protocol/demands.ts'
import { rules } from '../../src/protocol/rules.ts'

const ring = (n: number) => ({ rules, view: () => ({ identity: { n } }) })

describe('numbers', () => {
  it.each([0, 4, -1, 1.5, NaN, Infinity])('refuses w = %d in a ring of three copies', (w) => {
    expect(() => checkNumbers(rules, 3, { w }, false)).toThrow(
      expect.objectContaining({ code: 'bad-argument', outcome: 'refused' }),
    )
  })

  it('takes every whole number up to N', () => {
    for (const w of [1, 2, 3]) checkNumbers(rules, 3, { w, pw: w, dw: w, r: w, pr: w }, false)
  })

  it('refuses less than a majority to a strict request, and says what would do', () => {
    for (const numbers of [{ r: 1 }, { w: 1 }]) {
      expect(() => checkNumbers(rules, 3, numbers, true)).toThrow(
        expect.objectContaining({ needed: 2, remedy: expect.stringContaining('from 2 to 3') }),
      )
    }
    checkNumbers(rules, 3, { r: 2, w: 3, pr: 1, pw: 1, dw: 1 }, true)
  })

  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
  ])('asks of a strict request in a ring of %d copies for %d at least', (n, least) => {
    expect(readDemands(ring(n), 1, 'strict', {}).r).toBe(least)
    expect(writeDemands(ring(n), 1, { strict: true }).w).toBe(least)
    expect(2 * least).toBeGreaterThan(n)
  })

  it('keeps what the ring asks for anyway, if that is more', () => {
    expect(writeDemands(ring(3), 3, { strict: true })).toEqual({ w: 3, strict: true })
    expect(writeDemands(ring(3), 2, undefined)).toEqual({ w: 2 })
    expect(readDemands(ring(3), 2, 'quorum', { r: 1, pr: 1 })).toMatchObject({ r: 1, pr: 1 })
  })
})

describe('a write that speaks for two', () => {
  it('owes what either was promised', () => {
    const both = [{ w: 3 }, { w: 2, dw: 1, strict: true }]
    expect(joinDemands(both, 2)).toEqual({ w: 3, pw: 0, dw: 1, strict: true })
  })

  it('counts one that asked for nothing of its own as the ring does', () => {
    expect(joinDemands([{ w: 1 }, undefined], 2)).toMatchObject({ w: 2, strict: false })
    expect(joinDemands([undefined, undefined], 2)).toBeUndefined()
  })
})
