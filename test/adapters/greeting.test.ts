import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  decodeGreeting,
  encodeGreeting,
  judge,
  noDial,
  type Acquaintance,
  type Hello,
  type Verdict,
} from '../../src/adapters/greeting.ts'
import { MalformedError } from '../../src/data/bytes.ts'

const run = (salt: number) => new Uint8Array(8).fill(salt)
const [ours, theirs, theirNext] = [run(1), run(2), run(3)]
const hello: Hello = { type: 'hello', run: theirs, dial: 5, welcomed: noDial }
const stranger: Acquaintance = {
  self: 'a',
  peer: 'b',
  run: ours,
  standing: undefined,
  isGreeting: false,
}
const dialledByUs = { dialledBy: 'us', dial: 3, theirRun: theirs } as const
const dialledByThem = { dialledBy: 'them', dial: 5, theirRun: theirs } as const

describe('who says hello', () => {
  test.each<[string, Verdict, Partial<Hello>, Partial<Acquaintance>]>([
    ['first is welcome', 'welcome', {}, {}],
    ['while our own hello is out waits, if we are the smaller', 'wait', {}, { isGreeting: true }],
    [
      'while our own hello is out is welcome, if we are the larger',
      'welcome',
      {},
      { isGreeting: true, self: 'c' },
    ],
    [
      'after a restart replaces the link of the former run',
      'welcome',
      { run: theirNext, dial: 1 },
      { standing: dialledByUs },
    ],
    ['again replaces its own older dial', 'welcome', { dial: 6 }, { standing: dialledByThem }],
    [
      'late, by an older dial of its own, is busy',
      'busy',
      { dial: 4 },
      { standing: dialledByThem },
    ],
    ['and never took our link is its late twin', 'busy', {}, { standing: dialledByUs }],
    [
      'and took an older link of ours only is a late twin too',
      'busy',
      { welcomed: { run: ours, dial: 2 } },
      { standing: dialledByUs },
    ],
    [
      'and had taken our link must have lost it, and replaces it',
      'welcome',
      { welcomed: { run: ours, dial: 3 } },
      { standing: dialledByUs },
    ],
    [
      'and had taken a link of our former run knows nothing of this one',
      'busy',
      { welcomed: { run: run(9), dial: 7 } },
      { standing: dialledByUs },
    ],
  ])('%s: %s', (_who, verdict, said, known) => {
    expect(judge({ ...hello, ...said }, { ...stranger, ...known })).toBe(verdict)
  })
})

describe('greetings', () => {
  test('come out as they went in, also with bytes of a newer version behind', () => {
    for (const greeting of [
      { ...hello, welcomed: { run: ours, dial: 2 ** 32 - 1 } },
      { type: 'welcome', run: theirs },
      { type: 'busy' },
    ] as const) {
      const bytes = encodeGreeting(greeting)
      expect(decodeGreeting(bytes)).toEqual(greeting)
      expect(decodeGreeting(Uint8Array.of(...bytes, 7, 7))).toEqual(greeting)
    }
  })

  test('any bytes are a greeting or MalformedError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          expect(['hello', 'welcome', 'busy']).toContain(decodeGreeting(bytes).type)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError)
        }
      }),
    )
  })
})
