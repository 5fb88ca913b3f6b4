import { describe, expect, it } from 'vitest'
import { makeKey } from '../../src/data/key.ts'
import { countLoose, nothingSeen, type Seen, withDot } from '../../src/data/vector.ts'
import { contextFromText, contextToText } from '../../src/protocol/context.ts'

const key = makeKey('carts', 'alice')
const actor = 'AAAAAAAAAAAAAAAA.1'
const seen: Seen = new Map([[actor, { upTo: 3, loose: [7, 9] }]])

describe('a context as text', () => {
  it('is what it was, for its own key', () => {
    expect(contextFromText(key, contextToText(key, seen))).toEqual(seen)
    expect(contextFromText(key, contextToText(key, nothingSeen))).toEqual(nothingSeen)
  })

  it('is safe in JSON and in addresses', () => {
    expect(contextToText(key, seen)).toMatch(/^[A-Za-z0-9_-]+$/)
  })

  it('is refused for another key', () => {
    const text = contextToText(key, seen)
    expect(() => contextFromText(makeKey('carts', 'bob'), text)).toThrow(
      expect.objectContaining({ code: 'context-of-another-key' }),
    )
  })

  it.each(['!', 'AA', 'none of these', 'AAAAAAAAAAAAAAAAAAAA'])('refuses %j', (text) => {
    expect(() => contextFromText(key, text)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^context-/) }),
    )
  })

  it('keeps at most 64 loose dots, the newest', () => {
    let crowded: Seen = nothingSeen
    for (let counter = 2; counter <= 400; counter += 2)
      crowded = withDot(crowded, { actor, counter })
    const kept = contextFromText(key, contextToText(key, crowded))
    expect(countLoose(kept)).toBe(64)
    expect(kept.get(actor)!.loose.at(-1)).toBe(400)
  })

  it('has seen nothing when it is "none"', () => {
    expect(contextFromText(key, 'none')).toEqual(nothingSeen)
  })
})
