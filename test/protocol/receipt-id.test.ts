import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { nothingSeen, withDot } from '../../src/data/vector.ts'
import {
  asRuns,
  dotOfId,
  eachId,
  farWriteOfId,
  type FarWrite,
  forgetsSome,
  idOfDot,
  idOfFarWrite,
  includesId,
} from '../../src/protocol/receipt-id.ts'

const actor = `${'A'.repeat(16)}.1`
const other = `${'B'.repeat(16)}.27`

describe('the id of a write that is kept here', () => {
  it('is its dot, and nothing else is one', () => {
    const dot = { actor: other, counter: 12 }
    expect(dotOfId(idOfDot(dot))).toEqual(dot)
    for (const text of ['', actor, `${actor}:`, `${actor}:0`, `${actor}:01`, `${actor}:1 `]) {
      expect(dotOfId(text)).toBeUndefined()
    }
    for (const text of [`${actor}:-1`, `${actor}:1-2`, `x:1`, `${actor}:${'9'.repeat(16)}`]) {
      expect(dotOfId(text)).toBeUndefined()
    }
  })

  it('is one of as many as there were, however they are noted', () => {
    const counters = fc.array(
      fc.tuple(fc.constantFrom(actor, other), fc.integer({ min: 1, max: 30 })),
    )
    fc.assert(
      fc.property(counters, counters, (some, more) => {
        const idsOf = (list: typeof some): string[] =>
          list.map(([by, counter]) => idOfDot({ actor: by, counter }))
        const noted = asRuns([...asRuns(idsOf(some), 100), ...idsOf(more)], 100)
        const all = [...some, ...more]
        expect(new Set(eachId(noted))).toEqual(new Set(idsOf(all)))
        expect([...eachId(noted)]).toHaveLength(new Set(idsOf(all)).size)
        for (let counter = 1; counter <= 31; counter++) {
          const isOne = all.some(([by, each]) => by === actor && each === counter)
          expect(includesId(noted, { actor, counter })).toBe(isOne)
        }
        // No two that could be one.
        expect(asRuns(noted, 100)).toEqual(noted)
      }),
    )
  })

  it('is noted in runs, the latest first', () => {
    const ids = [3, 1, 2, 7, 8].map((counter) => idOfDot({ actor, counter }))
    expect(asRuns([`${other}:1`, ...ids], 9)).toEqual([
      `${other}:1`,
      `${actor}:7-8`,
      `${actor}:1-3`,
    ])
  })

  it('may be forgotten where there are too many, which is noted for good', () => {
    const ids = [9, 7, 5, 3].map((counter) => idOfDot({ actor, counter }))
    const few = asRuns(ids, 2)
    expect([...eachId(few)]).toEqual(ids.slice(0, 2))
    expect(forgetsSome(few)).toBe(true)
    // Even when what is left becomes one run.
    const joined = asRuns([...few, `${actor}:8`], 9)
    expect([...eachId(joined)]).toHaveLength(3)
    expect(forgetsSome(joined)).toBe(true)
    expect(forgetsSome(asRuns(ids, 4))).toBe(false)
  })
})

describe('the id of a write that was minted elsewhere', () => {
  const ring = '0123456789abcdef'
  const dot = { actor, counter: 3 }
  const write: FarWrite = {
    key: makeKey('carts', ['alice', 'a b/ü']),
    dot,
    context: withDot(withDot(nothingSeen, { actor: other, counter: 9 }), dot),
    stage: 'quorum',
  }

  it('says all that a receipt must know', () => {
    for (const stage of ['device', 'quorum'] as const) {
      const found = farWriteOfId(ring, idOfFarWrite(ring, { ...write, stage }))!
      expect(found).toMatchObject({ dot, stage, context: write.context })
      expect(found.key.text).toBe(write.key.text)
    }
    expect(idOfFarWrite(ring, write)).toMatch(/^f\.[\w-]+$/)
  })

  it('is none when it is cut short, changed, or of another ring', () => {
    const id = idOfFarWrite(ring, write)
    expect(farWriteOfId('another ring', id)).toBeUndefined()
    for (let at = 0; at < id.length; at++) {
      expect(farWriteOfId(ring, id.slice(0, at))).toBeUndefined()
      const letter = id[at] === 'A' ? 'B' : 'A'
      expect(farWriteOfId(ring, id.slice(0, at) + letter + id.slice(at + 1))).toBeUndefined()
    }
    expect(farWriteOfId(ring, `${id}A`)).toBeUndefined()
  })

  it('is none of any other text, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `f.${text}`),
        ),
        (text) => {
          expect(farWriteOfId(ring, text)).toBeUndefined()
          expect(dotOfId(text)).toBeUndefined()
        },
      ),
    )
  })
})
