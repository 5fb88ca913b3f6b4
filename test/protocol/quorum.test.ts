import { describe, expect, it } from 'vitest'
import { acknowledged, asked, failed, newTally, verdict } from '../../src/protocol/quorum.ts'

const a = { peer: 'a', host: 'one' }
const b = { peer: 'b', host: 'two' }
const b2 = { peer: 'b2', host: 'two' }
const c = { peer: 'c', host: 'three' }

/** What stands after these peers were asked and answered: `+` well, `-` not. */
function after(needed: number, story: readonly string[]) {
  let tally = newTally(needed)
  const byName: Record<string, typeof a> = { a, b, b2, c }
  for (const step of story) {
    const vote = byName[step.slice(1)]!
    if (step[0] === '?') tally = asked(tally, vote)
    if (step[0] === '+') tally = acknowledged(tally, vote)
    if (step[0] === '-') tally = failed(tally, vote, 'deadline')
  }
  return tally
}

describe('the verdict of a tally', () => {
  it.each([
    ['nobody asked, nobody left', 2, [], [], 'lost'],
    ['two asked of two needed', 2, ['?a', '?b'], [], 'pending'],
    ['one of two has answered', 2, ['?a', '?b', '+a'], [], 'pending'],
    ['both have answered', 2, ['?a', '?b', '+a', '+b'], [], 'met'],
    ['two answers from one host are one', 2, ['?b', '?b2', '+b', '+b2'], [], 'lost'],
    [
      'two answers from one host, another pending',
      2,
      ['?b', '?b2', '?c', '+b', '+b2'],
      [],
      'pending',
    ],
    ['one failed, none left', 2, ['?a', '?b', '+a', '-b'], [], 'lost'],
    ['one failed, a fallback left', 2, ['?a', '?b', '+a', '-b'], [c], 'pending'],
    ['one failed, a fallback left on the same host', 2, ['?b', '?c', '+b', '-c'], [b2], 'lost'],
    ['one is enough', 1, ['?a', '?b', '+b'], [], 'met'],
  ] as const)('%s', (_, needed, story, more, expected) => {
    expect(verdict(after(needed, story), more)).toBe(expected)
  })

  it('remembers why each failed', () => {
    expect(after(2, ['?a', '-a']).failures).toEqual({ a: 'deadline' })
  })
})

describe('a tally that asks for more than hosts', () => {
  const owners = { needed: 2, among: (peer: string) => peer === 'a' || peer === 'b' }

  function withOwners(needed: number, acks: readonly (typeof a)[]) {
    return acks.reduce(acknowledged, newTally(needed, [owners]))
  }

  it('is met once both are', () => {
    expect(verdict(withOwners(2, [a, b]))).toBe('met')
    expect(verdict(withOwners(2, [a, c]), [b])).toBe('pending')
  })

  it('is lost as soon as either is', () => {
    expect(verdict(withOwners(2, [a, c]))).toBe('lost')
    expect(verdict(withOwners(3, [a, b]))).toBe('lost')
    expect(verdict(withOwners(3, [a, b]), [c])).toBe('pending')
  })
})
