import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { apply, emptyState, liveSiblings, makeValue, sameState } from '../../src/data/siblings.ts'
import { nothingSeen, type Seen, withDot } from '../../src/data/vector.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import { RingletError } from '../../src/protocol/errors.ts'
import {
  changeWrite,
  type EdgeCopy,
  edgeCopy,
  isBlank,
  mayReplace,
  mintedAgain,
  noCopy,
  refreshed,
  shown,
  trimmed,
  withoutRefused,
  withQuorum,
  withWrite,
} from '../../src/protocol/copy.ts'

const generation = 'AAAAAAAAAAAAAAAA'

/** Mints one write after another, as one device does. */
function device() {
  let epochs = 0
  return (held: EdgeCopy, text: string, context: Seen, unsent = true): EdgeCopy =>
    withWrite(held, {
      context,
      value: makeValue(utf8(text), 0),
      generation,
      takeEpoch: () => `${generation}.${++epochs}`,
      unsent: () => unsent,
    })
}

function texts(held: EdgeCopy): string[] {
  return liveSiblings(shown(held)).map(({ value }) => new TextDecoder().decode(value.bytes))
}

describe("an edge's copy", () => {
  it('shows its own writes on top of what the owners said', () => {
    const mint = device()
    const first = mint(noCopy, 'one', nothingSeen)
    expect(texts(first)).toEqual(['one'])
    expect(texts(refreshed(first, emptyState))).toEqual(['one'])
  })

  it('does not send what nobody saw and the next write supersedes; its receipt follows', () => {
    const mint = device()
    const first = mint(noCopy, 'one', nothingSeen)
    const second = mint(first, 'two', shown(first).seen)
    expect(second.writes.map(({ ids }) => ids)).toEqual([
      [`${generation}.1:2`, `${generation}.1:1`],
    ])
    expect(texts(second)).toEqual(['two'])
  })

  it('keeps what somebody may have seen', () => {
    const mint = device()
    const first = mint(noCopy, 'one', nothingSeen)
    expect(mint(first, 'two', shown(first).seen, false).writes).toHaveLength(2)
  })

  it('keeps an unsent write whose own context the next write does not cover', () => {
    const mint = device()
    const elsewhere = withDot(nothingSeen, { actor: 'BBBBBBBBBBBBBBBB.1', counter: 1 })
    const first = mint(noCopy, 'one', elsewhere)
    const onlyItsDot = withDot(nothingSeen, first.writes[0]!.dot)
    expect(mint(first, 'two', onlyItsDot).writes).toHaveLength(2)
  })

  it('never counts backwards, whatever becomes of the copy', () => {
    const mint = device()
    let held = mint(noCopy, 'one', nothingSeen, false)
    held = refreshed(
      changeWrite(held, held.writes[0]!.dot, () => undefined),
      emptyState,
    )
    expect(held.writes).toEqual([])
    expect(mint(held, 'two', nothingSeen).writes[0]!.dot).toEqual({
      actor: `${generation}.1`,
      counter: 2,
    })
  })

  it('takes a fresh epoch when somebody has seen more of its own than it has minted', () => {
    const mint = device()
    const held = mint(noCopy, 'one', nothingSeen, false)
    const ahead = withDot(nothingSeen, { actor: `${generation}.1`, counter: 9 })
    const state = apply(
      emptyState,
      { actor: `${generation}.1`, counter: 9 },
      nothingSeen,
      makeValue(undefined, 0),
    )
    expect(mint(held, 'two', ahead).writes.at(-1)!.dot.actor).toBe(`${generation}.2`)
    expect(mint(refreshed(held, state), 'two', nothingSeen).writes.at(-1)!.dot.actor).not.toBe(
      `${generation}.1`,
    )
  })

  it('mints all that waits again under fresh dots, whose contexts cover what was sent', () => {
    const mint = device()
    const one = mint(noCopy, 'one', nothingSeen, false)
    const two = mint(one, 'two', nothingSeen, false)
    const three = mint(two, 'three', shown(one).seen, false)
    const sent = two.writes.map(({ dot }) => dot)
    const again = mintedAgain(three, `${generation}.8`, ({ dot }) => !sent.includes(dot))
    const [first, second, third] = again.writes
    expect(again).toMatchObject({ minter: `${generation}.8`, minted: 3 })
    expect(again.writes.map(({ dot }) => dot.counter)).toEqual([1, 2, 3])
    expect(first!.context).toEqual(withDot(nothingSeen, sent[0]!))
    expect(second!.context).toEqual(withDot(nothingSeen, sent[1]!))
    // It was written after the first, of which it goes on knowing; it was never sent itself.
    expect(third!.context).toEqual(withDot(withDot(nothingSeen, sent[0]!), first!.dot))
    expect(texts(again)).toEqual(['two', 'three'])
  })

  it('leaves what a quorum has under the dot that the quorum knows', () => {
    const mint = device()
    const held = changeWrite(
      mint(noCopy, 'one', nothingSeen),
      { actor: `${generation}.1`, counter: 1 },
      (own) => ({ ...own, stage: 'quorum' }),
    )
    expect(mintedAgain(held, `${generation}.8`, () => true).writes).toEqual(held.writes)
  })

  it('has one write to ask about, whose receipts are those of all that it supersedes', () => {
    const mint = device()
    const nobody = { acks: [], hints: [] }
    let held: EdgeCopy = noCopy
    for (let i = 0; i < 300; i++) {
      held = mint(held, `text ${i}`, shown(held).seen, false)
      held = withQuorum(held, held.writes.at(-1)!.dot, nobody)
    }
    expect(held.writes).toHaveLength(1)
    expect(held.writes[0]!.ids).toEqual([`${generation}.1:300`, `${generation}.1:1-299`])
    const blind = mint(held, 'blind', nothingSeen, false)
    expect(withQuorum(blind, blind.writes.at(-1)!.dot, nobody).writes).toHaveLength(2)
  })

  it('takes what waits along when the next write finds its epoch spent elsewhere', () => {
    const mint = device()
    const held = mint(noCopy, 'one', nothingSeen, false)
    const ahead = withDot(nothingSeen, { actor: `${generation}.1`, counter: 9 })
    const after = mint(held, 'two', ahead)
    expect(after.writes.map(({ dot }) => `${dot.actor}:${dot.counter}`)).toEqual([
      `${generation}.2:1`,
      `${generation}.2:2`,
    ])
    expect(texts(after).sort()).toEqual(['one', 'two'])
  })

  it('takes a fresh epoch after a write that was refused for good', () => {
    const mint = device()
    const held = mint(noCopy, 'one', nothingSeen, false)
    const error = new RingletError('too-many-siblings', 'too many')
    const without = withoutRefused(held, held.writes[0]!.dot, error)
    expect(without.writes).toEqual([])
    expect(withoutRefused(without, held.writes[0]!.dot, error)).toBe(without)
    expect(mint(without, 'two', nothingSeen).writes[0]!.dot).toEqual({
      actor: `${generation}.2`,
      counter: 1,
    })
  })

  it('lets go of a settled write of which owners know nothing that were asked after it had settled', () => {
    const minted = device()({ ...noCopy, followed: true }, 'one', nothingSeen, false)
    const { dot } = minted.writes[0]!
    const held = changeWrite(minted, dot, (own) => ({ ...own, stage: 'everywhere' }))
    const other = { actor: `${'B'.repeat(16)}.1`, counter: 1 }
    const answer = apply(emptyState, other, nothingSeen, makeValue(utf8('two'), 1))
    expect(texts(refreshed(held, answer)).sort()).toEqual(['one', 'two'])
    expect(texts(refreshed(held, answer, true))).toEqual(['two'])
    expect(texts(refreshed(minted, answer, true)).sort()).toEqual(['one', 'two'])
    // An earlier write of the same actor is no word on this one.
    const earlier = apply(emptyState, { ...dot, counter: 9 }, nothingSeen, makeValue(utf8('0'), 1))
    expect(texts(refreshed(held, earlier, true)).sort()).toEqual(['0', 'one'])
  })

  it('is itself again when an answer brings nothing new', () => {
    const held = refreshed(device()(noCopy, 'one', nothingSeen), emptyState)
    const { copy } = refreshed(held, shown(held))
    const filled = refreshed(held, copy)
    expect(refreshed(filled, shown(held))).toBe(filled)
  })

  it('keeps of what nobody follows only what must never be used twice', () => {
    const mint = device()
    const followed = { ...mint(noCopy, 'one', nothingSeen), followed: true }
    const settled = changeWrite(
      refreshed(followed, shown(followed)),
      followed.writes[0]!.dot,
      () => undefined,
    )
    expect(trimmed(settled)).toBe(settled)
    const kept = trimmed({ ...settled, followed: false })
    expect(kept).toEqual({ ...noCopy, minter: `${generation}.1`, minted: 1, count: 1 })
    expect(isBlank(kept)).toBe(false)
    expect(isBlank(noCopy)).toBe(true)
  })

  it('keeps the copy of what nobody follows while a write of it is on its way', () => {
    const held = refreshed(device()(noCopy, 'one', nothingSeen), emptyState)
    expect(trimmed(held)).toBe(held)
  })

  it('is replaced by what descends from it, and by nothing else that is pushed', () => {
    const one = apply(
      emptyState,
      { actor: `${generation}.1`, counter: 1 },
      nothingSeen,
      makeValue(undefined, 0),
    )
    const two = apply(
      emptyState,
      { actor: `${generation}.2`, counter: 1 },
      nothingSeen,
      makeValue(undefined, 0),
    )
    const held = refreshed(noCopy, one)
    expect(mayReplace(held, one)).toBe(true)
    expect(mayReplace(held, two)).toBe(false)
    expect(mayReplace(held, emptyState)).toBe(false)
  })

  it('is stored and read back as it was', () => {
    const mint = device()
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.boolean())), (writes) => {
        let held: EdgeCopy = noCopy
        for (const [text, aware] of writes) {
          held = mint(held, text, aware ? shown(held).seen : nothingSeen)
        }
        const back = decode(edgeCopy, encode(edgeCopy, held))
        return sameState(shown(back), shown(held)) && back.count === held.count
      }),
    )
  })
})
