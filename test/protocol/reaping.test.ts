/** The decisions of a reaping round: who must have said what before a tombstone may go. */
import { describe, expect, test } from 'vitest'
import { MalformedError, utf8 } from '../../src/data/bytes.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { apply, emptyState, makeValue, type ObjectState } from '../../src/data/siblings.ts'
import { makeKey } from '../../src/data/key.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { type Codec, decode, encode } from '../../src/protocol/codec.ts'
import {
  makeView,
  type SignedRecord,
  signRecord,
  type View,
} from '../../src/protocol/membership.ts'
import {
  generationsIn,
  hasStrangers,
  isDead,
  reapingRules,
  risenActors,
  type Settled,
} from '../../src/protocol/reaping.ts'
import {
  type ReapingReply,
  reapingReply,
  type ReapingRequest,
  reapingRequest,
} from '../../src/protocol/reaping-message.ts'

const green = makeValue(utf8('green'), 1)
const tombstone = makeValue(undefined, 2)
const [one, other] = ['AAAAAAAAAAAAAAAA.1', 'BBBBBBBBBBBBBBBB.1'] as const

function written(actor: string, counter: number, value = green, on = emptyState): ObjectState {
  return apply(on, { actor, counter }, on.seen, value)
}

describe('a key is dead', () => {
  test('when all that is left of it are tombstones', () => {
    const deleted = written(one, 2, tombstone, written(one, 1))
    expect(isDead(deleted, 0)).toBe(true)
    const twice = apply(deleted, { actor: other, counter: 1 }, nothingSeen, tombstone)
    expect(twice.siblings).toHaveLength(2)
    expect(isDead(twice, 0)).toBe(true)
  })

  test('when what is left has expired, by the clock that is asked', () => {
    const brief = written(one, 1, makeValue(utf8('green'), 1, 50))
    expect([49, 50].map((nowMs) => isDead(brief, nowMs))).toEqual([false, true])
    expect([49, 50].map((nowMs) => reapingRules.agreesDead(brief, nowMs))).toEqual([false, true])
    const beside = apply(brief, { actor: other, counter: 1 }, nothingSeen, green)
    expect(isDead(beside, Infinity)).toBe(false)
  })

  test('but not while a value stands beside a tombstone, and not if it was never written', () => {
    const beside = apply(
      written(one, 1, tombstone),
      { actor: other, counter: 1 },
      nothingSeen,
      green,
    )
    expect(isDead(beside, 0)).toBe(false)
    expect(isDead(emptyState, 0)).toBe(false)
  })
})

describe('a pass of a round', () => {
  const clean: Settled = { view: 'v', known: true, clean: true }
  const { standingOf, isHeldByAll, passesNeeded } = reapingRules

  test('is clean when everybody is', () => {
    expect(standingOf('v', [clean, clean, clean])).toBe('clean')
    expect(standingOf('v', [clean, { ...clean, clean: false }, clean])).toBe('waiting')
  })

  test('ends the round where somebody has started anew, though all others are clean', () => {
    expect(standingOf('v', [clean, { ...clean, known: false }])).toBe('over')
  })

  test('ends the round where somebody sees other members: he may know of one who was not asked', () => {
    expect(standingOf('v', [clean, { ...clean, view: 'w' }])).toBe('over')
    expect(standingOf('w', [clean, clean])).toBe('over')
  })

  test('is not enough: what was said in one has to hold while all say it', () => {
    expect(passesNeeded()).toBeGreaterThan(1)
  })

  test('is about the keys that every member holds as they were lent', () => {
    expect(isHeldByAll(4, 4)).toBe(true)
    expect(isHeldByAll(3, 4)).toBe(false)
  })
})

describe('what may come later', () => {
  test('an edge may deliver again for so long after it raised the record', () => {
    expect(reapingRules.mayComeAgain(99, 100)).toBe(true)
    expect(reapingRules.mayComeAgain(100, 100)).toBe(false)
    // A clock that began anew with an old note.
    expect(reapingRules.mayComeAgain(-5, 100)).toBe(true)
  })

  test('what was sent in an earlier session is not taken, and what was lent stays however long', () => {
    expect(reapingRules.isCurrent(2, 3)).toBe(false)
    expect(reapingRules.isCurrent(3, 3)).toBe(true)
    expect(reapingRules.keepsLent(1e12)).toBe(true)
  })

  test('a key that was written since it was asked about stays', () => {
    expect(reapingRules.mayDrop(Uint8Array.of(1), Uint8Array.of(1))).toBe(true)
    expect(reapingRules.mayDrop(Uint8Array.of(1), Uint8Array.of(2))).toBe(false)
  })
})

describe('what members say to each other', () => {
  const round = { life: new Uint8Array(8).fill(4), round: 9 }
  const session = { life: new Uint8Array(8).fill(3), number: 5 }
  const items = [{ key: makeKey('carts', 'alice'), state: written(one, 1, tombstone) }]
  const said = [
    ...(
      [
        { type: 'session', session },
        { type: 'lend', ...round, items, entries: true },
        { type: 'settle', ...round },
        { type: 'reap', ...round, keys: [0, 63] },
      ] satisfies ReapingRequest[]
    ).map((message) => [message.type, message, reapingRequest] as const),
    ...(
      [
        { type: 'done' },
        { type: 'lent', held: [0, 2], view: 'v' },
        { type: 'settled', view: 'v', known: true, clean: false, moved: [1], waitsFor: 'b' },
      ] satisfies ReapingReply[]
    ).map((message) => [message.type, message, reapingReply] as const),
  ]

  test.each(said)('is read as it was written: %s', (_, message, codec) => {
    const bytes = encode(codec as Codec<unknown>, message)
    expect(decode(codec as Codec<unknown>, bytes)).toEqual(message)
    // An older member sends no last byte of a loan: its rounds are about keys.
    const isLate = message.type === 'lend'
    if (isLate)
      expect(decode(reapingRequest, bytes.subarray(0, -1))).toMatchObject({ entries: false })
    for (let length = 0; length < bytes.length - (isLate ? 1 : 0); length++) {
      const read = (): unknown => decode(codec as Codec<unknown>, bytes.subarray(0, length))
      expect(read).toThrow(MalformedError)
    }
  })
})

describe('strangers', () => {
  const view = viewOf('AAAAAAAAAAAAAAAA', 'CCCCCCCCCCCCCCCC')

  test('are all who mint under a generation that no member has now', () => {
    expect([...generationsIn(view)].toSorted()).toEqual(['AAAAAAAAAAAAAAAA', 'CCCCCCCCCCCCCCCC'])
    expect(hasStrangers([one], generationsIn(view))).toBe(false)
    expect(hasStrangers([one, other], generationsIn(view))).toBe(true)
  })

  test('a round asks every member that the view knows', () => {
    expect(reapingRules.askedOf(view)).toEqual(view.members.map(({ record }) => record.peer))
  })

  test('raise a record by what is new in it, loose dots included', () => {
    const before = written(one, 1)
    expect(risenActors(before, before)).toEqual([])
    expect(risenActors(emptyState, before)).toEqual([one])
    const loose = apply(before, { actor: other, counter: 3 }, nothingSeen, green)
    expect(risenActors(before, loose)).toEqual([other])
    const filled = apply(loose, { actor: other, counter: 2 }, nothingSeen, green)
    expect(risenActors(loose, filled)).toEqual([other])
  })
})

function viewOf(...generations: readonly string[]): View {
  const ring = { name: 'r', id: 'A'.repeat(22), n: 1, q: 8, durableOwners: 1 }
  const members = generations.map((generation, i): SignedRecord => {
    const identity = identityFromSeed(new Uint8Array(32).fill(i + 1))
    return signRecord(identity, ring, {
      peer: identity.peer,
      version: 1,
      class: 'durable',
      host: `h${i}`,
      zone: '',
      weight: 1,
      addresses: [],
      generation,
      readiness: 'ready',
      losses: 0,
    })
  })
  return makeView(ring, members)
}
