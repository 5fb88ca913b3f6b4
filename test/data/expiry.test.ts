/** Values that expire: what a clock makes of a state, and what it must not touch. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalBytes, utf8 } from '../../src/data/bytes.ts'
import {
  apply,
  asOf,
  emptyState,
  firstExpiry,
  liveSiblings,
  makeValue,
  type ObjectState,
  sameState,
  stateDigest,
  sync,
} from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { dotFrom, showDot } from './seen-text.ts'

/** One write of each actor, blind; undefined for one that stays. */
function stateWith(expiries: readonly (number | undefined)[]): ObjectState {
  return expiries.reduce<ObjectState>((state, expiresAt, i) => {
    const dot = dotFrom(`${'abcdefgh'[i]}1`)
    return apply(state, dot, nothingSeen, makeValue(utf8(`v${i}`), i, expiresAt))
  }, emptyState)
}

const expiries = fc.array(fc.option(fc.integer({ min: 1, max: 10 }), { nil: undefined }), {
  maxLength: 8,
})

describe('what a clock makes of a state', () => {
  test('a value is there until the moment at which it expires, and a tombstone from then on', () => {
    const state = stateWith([5, undefined])
    const live = (nowMs: number): string[] =>
      liveSiblings(asOf(state, nowMs)).map(({ dot }) => showDot(dot))
    expect(live(4)).toEqual(['a1', 'b1'])
    expect(live(5)).toEqual(['b1'])
    expect(asOf(state, 5).siblings.map(({ dot }) => showDot(dot))).toEqual(['a1', 'b1'])
  })

  test('is the state itself where nothing has expired', () => {
    fc.assert(
      fc.property(expiries, (all) => {
        const state = stateWith(all)
        expect(asOf(state, 0)).toBe(state)
        expect(asOf(state, Math.min(firstExpiry(state), 100) - 1)).toBe(state)
      }),
    )
  })

  test('never changes what was seen, and is the same at once or by and by', () => {
    fc.assert(
      fc.property(expiries, fc.nat(12), fc.nat(12), (all, one, other) => {
        const state = stateWith(all)
        const [sooner, later] = [Math.min(one, other), Math.max(one, other)]
        expect(asOf(state, later).seen).toBe(state.seen)
        expect(sameState(asOf(asOf(state, sooner), later), asOf(state, later))).toBe(true)
      }),
    )
  })

  test('is the same before and after two states meet', () => {
    fc.assert(
      fc.property(expiries, expiries, fc.nat(12), (ours, theirs, nowMs) => {
        const [a, b] = [stateWith(ours), stateWith(theirs.map((_, i) => ours[i]))]
        const apart = sync(asOf(a, nowMs), asOf(b, nowMs))
        expect(sameState(apart, asOf(sync(a, b), nowMs))).toBe(true)
      }),
    )
  })

  test('a tombstone never expires, and no clock has a part in a digest', () => {
    expect(makeValue(undefined, 1, 5)).toEqual(makeValue(undefined, 1))
    const key = utf8('carts/alice')
    const digests = [undefined, 5, 6].map((expiresAt) => stateDigest(key, stateWith([expiresAt])))
    expect(equalBytes(digests[0]!, digests[1]!)).toBe(false)
    expect(equalBytes(digests[1]!, digests[2]!)).toBe(false)
    expect(firstExpiry(stateWith([undefined, 7, 5]))).toBe(5)
  })
})
