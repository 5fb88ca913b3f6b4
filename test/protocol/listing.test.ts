/** Pages: what several owners' pages of one listing say together. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import {
  apply,
  emptyState,
  makeValue,
  type ObjectState,
  sameState,
  sync,
} from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { inOrder, isPageOf, type Item, mergePages, type Page } from '../../src/protocol/listing.ts'

const prefix = makeKey('notes', 'alice')
const keys = Array.from({ length: 12 }, (_, i) => makeKey('notes', ['alice', `n${i}`])).sort(
  inOrder,
)

/** The `counter`-th write of one of two actors, blind. */
function written(state: ObjectState, actor: 'a' | 'b', counter: number): ObjectState {
  const dot = { actor: `${actor === 'a' ? 'AAAAAAAAAAAAAAAA' : 'BBBBBBBBBBBBBBBB'}.1`, counter }
  return apply(state, dot, nothingSeen, makeValue(utf8(`${actor}${counter}`), counter))
}

/** An owner's page: its keys behind `after`, so many of them. */
function pageOf(held: ReadonlyMap<Key, ObjectState>, after: Key | undefined, length: number): Page {
  const behind = keys.filter(
    (key) => held.has(key) && (after === undefined || key.text > after.text),
  )
  const items = behind.slice(0, length).map((key) => ({ key, state: held.get(key)! }))
  return { items, upTo: items.length < behind.length ? items.at(-1)!.key : undefined }
}

const stateOfOwner = fc.array(
  fc.record({
    actor: fc.constantFrom('a' as const, 'b' as const),
    counter: fc.integer({ min: 1, max: 3 }),
  }),
  { minLength: 1, maxLength: 3 },
)
/** What one owner holds, and how long its pages are. */
const owner = fc.record({
  held: fc.array(fc.tuple(fc.nat(keys.length - 1), stateOfOwner), { maxLength: 20 }),
  length: fc.integer({ min: 1, max: 5 }),
})

describe('the pages of several owners', () => {
  it('one after another, are all that the owners hold together, each key once and in order', () => {
    fc.assert(
      fc.property(fc.array(owner, { minLength: 1, maxLength: 3 }), (owners) => {
        const helds = owners.map(({ held }) => holdingsOf(held))
        const listed: Item[] = []
        let after: Key | undefined
        let pages = 0
        do {
          const asked = { prefix, after }
          const answers = helds.map((held, i) => ({
            ...pageOf(held, after, owners[i]!.length),
            peer: `owner ${i}`,
          }))
          for (const answer of answers) expect(isPageOf(asked, answer)).toBe(true)
          const merged = mergePages(answers)
          expect(isPageOf(asked, merged)).toBe(true)
          for (const [peer, items] of merged.behind) {
            const held = helds[Number(peer.slice(-1))]!
            for (const { key, state } of items) {
              expect(sameState(held.get(key) ?? emptyState, state)).toBe(false)
            }
          }
          listed.push(...merged.items)
          after = merged.upTo
          pages++
        } while (after !== undefined && pages < 50)
        const expected = keys.flatMap((key) => {
          const states = helds.flatMap((held) => held.get(key) ?? [])
          return states.length === 0 ? [] : [{ key, state: states.reduce(sync, emptyState) }]
        })
        expect(listed.map(({ key }) => key.text)).toEqual(expected.map(({ key }) => key.text))
        for (const [i, { state }] of listed.entries()) {
          expect(sameState(state, expected[i]!.state)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('name every owner that lacks something, with what all of them say together', () => {
    const [first, second] = [keys[0]!, keys[1]!]
    const whole = written(written(emptyState, 'a', 1), 'b', 1)
    const page = (peer: string, items: Item[]) => ({ peer, items, upTo: undefined })
    const { behind } = mergePages([
      page('has all', [
        { key: first, state: whole },
        { key: second, state: whole },
      ]),
      page('has half', [{ key: first, state: written(emptyState, 'a', 1) }]),
    ])
    expect([...behind.keys()]).toEqual(['has half'])
    expect(behind.get('has half')!.map(({ key }) => key.text)).toEqual([first.text, second.text])
    expect(behind.get('has half')!.every(({ state }) => sameState(state, whole))).toBe(true)
  })

  it('say nothing of a key behind the end of any of them', () => {
    const state = written(emptyState, 'a', 1)
    const items = keys.map((key) => ({ key, state }))
    const merged = mergePages([
      { peer: 'whole', items, upTo: undefined },
      { peer: 'half', items: items.slice(0, 3), upTo: keys[2]! },
    ])
    expect(merged.items).toHaveLength(3)
    expect(merged.upTo?.text).toBe(keys[2]!.text)
    expect(merged.behind.size).toBe(0)
  })
})

describe('what is no page of a listing', () => {
  const state = written(emptyState, 'a', 1)
  const item = (key: Key): Item => ({ key, state })
  const asked = { prefix, after: keys[3]! }

  it.each<[string, Page]>([
    ['keys out of order', { items: [item(keys[6]!), item(keys[5]!)], upTo: undefined }],
    ['a key twice', { items: [item(keys[6]!), item(keys[6]!)], upTo: undefined }],
    ['a key before its beginning', { items: [item(keys[2]!)], upTo: undefined }],
    ['the key behind which it begins', { items: [item(keys[3]!)], upTo: undefined }],
    ['a key of another prefix', { items: [item(makeKey('notes', 'bob'))], upTo: undefined }],
    ['an end that is no step further', { items: [], upTo: keys[3]! }],
    ['an end before its last key', { items: [item(keys[6]!)], upTo: keys[5]! }],
    ['an end outside of the listing', { items: [], upTo: makeKey('notes', 'bob') }],
  ])('%s', (_, page) => {
    expect(isPageOf(asked, page)).toBe(false)
  })

  it('is told from one', () => {
    expect(isPageOf(asked, { items: [item(keys[4]!)], upTo: keys[5]! })).toBe(true)
    expect(isPageOf(asked, { items: [], upTo: undefined })).toBe(true)
  })
})

function holdingsOf(
  held: readonly (readonly [number, readonly { actor: 'a' | 'b'; counter: number }[]])[],
): Map<Key, ObjectState> {
  const holdings = new Map<Key, ObjectState>()
  for (const [at, writes] of held) {
    const key = keys[at]!
    const state = writes.reduce(
      (known, { actor, counter }) => written(known, actor, counter),
      holdings.get(key) ?? emptyState,
    )
    holdings.set(key, state)
  }
  return holdings
}
