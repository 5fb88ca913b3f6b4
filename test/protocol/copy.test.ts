import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { apply, emptyState, liveSiblings, makeValue, sameState } from '../../src/data/siblings.ts'
import { nothingSeen, type Seen, withDot } from '../../src/data/vector.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import {
  changeWrite,
  type EdgeCopy,
  edgeCopy,
  mayReplace,
  mintedAgain,
  noCopy,
  refreshed,
  shown,
  withWrite,
} from '../../src/protocol/copy.ts'

const generation = 'AAAAAAAAAAAAAAAA'

/** Mints one write after another, as one device does. */
function device() {
  let epochs = 0
  return (held: EdgeCopy, text: string, context: Seen, unsent = true): EdgeCopy =>
    withWrite(held, {
      id: text,
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
    expect(second.writes.map(({ ids }) => ids)).toEqual([['two', 'one']])
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

  it('mints again under a fresh dot whose context covers the abandoned one', () => {
    const held = device()(noCopy, 'one', nothingSeen)
    const { dot } = held.writes[0]!
    const again = mintedAgain(held, dot, `${generation}.8`)
    expect(again.writes[0]).toMatchObject({
      dot: { actor: `${generation}.8`, counter: 1 },
      context: withDot(nothingSeen, dot),
    })
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
