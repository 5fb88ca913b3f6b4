/** A state in parts is the state, in whatever order they come and whatever comes between. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { lacking, partsOf, weightOf } from '../../src/data/parts.ts'
import {
  apply,
  emptyState,
  makeValue,
  type ObjectState,
  sameState,
  sync,
} from '../../src/data/siblings.ts'
import { covers, highest, makeEntry, nothingSeen, sameDot } from '../../src/data/vector.ts'

const step = fc.oneof(
  fc.record({
    type: fc.constant('write' as const),
    at: fc.nat(2),
    actor: fc.constantFrom('a', 'b', 'c'),
    blind: fc.boolean(),
    bytes: fc.nat(300),
  }),
  fc.record({ type: fc.constant('sync' as const), at: fc.nat(2), from: fc.nat(2) }),
)

/** Three replicas, one of whose states has two values under one dot now and then. */
const replicas = fc.array(step, { maxLength: 40 }).map((steps): ObjectState[] => {
  const states = [emptyState, emptyState, emptyState]
  const last = new Map<string, number>()
  for (const each of steps) {
    if (each.type === 'sync') {
      states[each.at] = sync(states[each.at]!, states[each.from]!)
      continue
    }
    const { at, actor, blind, bytes } = each
    const counter = (last.get(actor) ?? 0) + (bytes % 7 === 0 && last.has(actor) ? 0 : 1)
    last.set(actor, counter)
    const context = blind ? nothingSeen : states[at]!.seen
    if (highest(context, actor) >= counter) continue
    const value = makeValue(new Uint8Array(bytes), bytes)
    states[at] = apply(states[at]!, { actor, counter }, context, value)
  }
  return states
})

const most = fc.constantFrom(150, 400, 1000)

describe('the parts of a state', () => {
  test('come to the state in any order, and on top of what anybody has', () => {
    fc.assert(
      fc.property(replicas, most, fc.nat(), ([state, other], mostBytes, turn) => {
        const parts = partsOf(state!, mostBytes)
        const mixed = parts.map((_, i) => parts[(i + turn) % parts.length]!).reverse()
        expect(sameState(mixed.reduce(sync, emptyState), state!)).toBe(true)
        const both = sync(other!, state!)
        expect(sameState(mixed.reduce(sync, other!), both)).toBe(true)
        // And what has come so far takes away nothing that is alive.
        for (const part of parts) expect(sameState(sync(state!, part), state!)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('take away nothing before all have come: what supersedes is there first', () => {
    fc.assert(
      fc.property(replicas, most, ([state, other], mostBytes) => {
        let held = other!
        for (const part of partsOf(state!, mostBytes).slice(0, -1)) {
          held = sync(held, part)
          for (const sibling of other!.siblings) {
            const isNews = state!.siblings.some(({ dot }) => sameDot(dot, sibling.dot))
            if (!isNews) expect(held.siblings).toContainEqual(sibling)
          }
        }
      }),
      { numRuns: 2000 },
    )
  })

  test('are states: what stands in them they have seen, and each weighs little', () => {
    fc.assert(
      fc.property(replicas, most, ([state], mostBytes) => {
        const parts = partsOf(state!, mostBytes)
        if (weightOf(state!) <= mostBytes) expect(parts).toEqual([state])
        for (const { seen, siblings } of parts) {
          for (const { dot } of siblings) expect(covers(seen, dot)).toBe(true)
          for (const { upTo, loose } of seen.values()) {
            expect(makeEntry(upTo, loose)).toEqual({ upTo, loose })
          }
          const dots = new Set(siblings.map(({ dot }) => `${dot.actor} ${dot.counter}`))
          if (dots.size > 1) {
            expect(weightOf({ seen, siblings: siblings.slice(0, -1) })).toBeLessThan(
              mostBytes + 1000,
            )
          }
        }
      }),
      { numRuns: 1000 },
    )
  })

  test('that somebody lacks make him whole', () => {
    fc.assert(
      fc.property(replicas, ([state, other]) => {
        const part = lacking(state!, other!)
        expect(sameState(sync(other!, part), sync(other!, state!))).toBe(true)
        for (const sibling of part.siblings) expect(state!.siblings).toContain(sibling)
      }),
      { numRuns: 2000 },
    )
  })
})
