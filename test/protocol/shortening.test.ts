/** Which entries of a long vector may go, and that what is left says the same of every value that is left. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  apply,
  emptyState,
  makeValue,
  type ObjectState,
  sameState,
  sync,
} from '../../src/data/siblings.ts'
import { utf8 } from '../../src/data/bytes.ts'
import { nothingSeen, type Seen } from '../../src/data/vector.ts'
import { entriesInRecord, encodeObject } from '../../src/protocol/record.ts'
import { stateDigest } from '../../src/data/siblings.ts'
import { deadEntries, holdsAsAgreed, withoutEntries } from '../../src/protocol/shortening.ts'

/** Stores of the tabs t, u and v, which are no members, and of the member m. */
const actorOf = (letter: string): string => `${letter.toUpperCase().repeat(16)}.1`
const present = new Set(['M'.repeat(16)])

function written(letter: string, counter: number, on: ObjectState, context: Seen): ObjectState {
  const value = makeValue(utf8(`${letter}${counter}`), counter)
  return apply(on, { actor: actorOf(letter), counter }, context, value)
}

/** `t1 u1` as one after the other; each supersedes what stands before it. */
function inTurn(names: string, from = emptyState): ObjectState {
  return names.split(' ').reduce((state, name) => {
    return written(name[0]!, Number(name.slice(1)), state, state.seen)
  }, from)
}

const actors = (entries: Seen): string[] => [...entries.keys()].map((id) => id[0]!.toLowerCase())

describe('the dead entries of a vector', () => {
  test('are those that nothing stands under, but for those of the members', () => {
    const state = inTurn('m1 t1 u1 v1')
    expect(actors(deadEntries(state, present))).toEqual(['t', 'u'])
    expect(actors(deadEntries(state, new Set()))).toEqual(['m', 't', 'u'])
  })

  test('are none of those under which a value or a tombstone stands', () => {
    const both = written('u', 1, inTurn('t1'), nothingSeen)
    expect(deadEntries(both, present).size).toBe(0)
    const deleted = apply(
      both,
      { actor: actorOf('v'), counter: 1 },
      both.seen,
      makeValue(undefined, 1),
    )
    expect(actors(deadEntries(deleted, present))).toEqual(['t', 'u'])
  })
})

describe('without its dead entries a state', () => {
  const state = inTurn('m1 t1 u1 v1')
  const agreed = deadEntries(state, present)

  test('has the same siblings, and has seen nothing of those who are gone', () => {
    const left = withoutEntries(state, agreed)
    expect(left.siblings).toBe(state.siblings)
    expect(actors(left.seen)).toEqual(['m', 'v'])
    expect(withoutEntries(left, agreed)).toBe(left)
  })

  test('keeps an entry that has risen since, or that something stands under again', () => {
    const risen = inTurn('t2 v2', state)
    expect(holdsAsAgreed(risen, agreed)).toBe(false)
    expect(actors(withoutEntries(risen, agreed).seen)).toEqual(['m', 't', 'v'])
    const stands = written('t', 2, state, nothingSeen)
    expect(holdsAsAgreed(stands, agreed)).toBe(false)
    expect(actors(withoutEntries(stands, agreed).seen)).toEqual(['m', 't', 'v'])
  })

  test('goes by what was agreed, whatever else was written since', () => {
    const later = inTurn('m2 m3', state)
    expect(holdsAsAgreed(later, agreed)).toBe(true)
    expect(actors(withoutEntries(later, agreed).seen)).toEqual(['m', 'v'])
  })

  test('shows in its record how many entries are left', () => {
    const lengthOf = (each: ObjectState): number =>
      entriesInRecord(
        encodeObject({ state: each, minter: undefined, digest: stateDigest(utf8('k'), each) }),
      )
    expect(lengthOf(state)).toBe(4)
    expect(lengthOf(withoutEntries(state, agreed))).toBe(2)
    expect(entriesInRecord(new Uint8Array(0))).toBe(0)
  })
})

describe('whoever drops dead entries, and whoever does not', () => {
  /** What is written on after everybody had `start`: by whom, at which of three replicas, having read it or not. */
  const steps = fc.array(
    fc.record({
      at: fc.nat(2),
      by: fc.constantFrom('m', 't', 'u', 'v', 'w'),
      blind: fc.boolean(),
      meets: fc.nat(2),
      drops: fc.boolean(),
    }),
    { maxLength: 20 },
  )

  test('show the same values at the end, and lose and bring back none', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const start = inTurn('m1 t1 u1 v1')
        const agreed = deadEntries(start, present)
        const dropping = [start, start, start]
        const keeping = [start, start, start]
        const counters = new Map([...'mtuvw'].map((letter) => [letter, 1]))
        for (const { at, by, blind, meets, drops } of all) {
          const counter = counters.get(by)! + 1
          counters.set(by, counter)
          const context = blind ? nothingSeen : keeping[at]!.seen
          keeping[at] = sync(written(by, counter, keeping[at]!, context), keeping[meets]!)
          dropping[at] = sync(written(by, counter, dropping[at]!, context), dropping[meets]!)
          if (drops) dropping[at] = withoutEntries(dropping[at]!, agreed)
          expect(dropping[at]!.siblings).toEqual(keeping[at]!.siblings)
        }
        const together = (each: readonly ObjectState[]): ObjectState => each.reduce(sync)
        expect(together(dropping).siblings).toEqual(together(keeping).siblings)
        // Those who dropped meet one who did not: all is as if nobody had.
        expect(sameState(sync(together(dropping), together(keeping)), together(keeping))).toBe(true)
      }),
    )
  })
})
