/**
 * Messages that are larger than a message may be: in pieces both ways, served whole or not at all.
 */
import { describe, expect, it } from 'vitest'
import { memoryNetwork } from '../../src/adapters/memory-transport.ts'
import { systemClock, systemRandom } from '../../src/adapters/system.ts'
import { type Bytes, concat, equalBytes } from '../../src/data/bytes.ts'
import { PiecedTransport } from '../../src/peer/pieced.ts'
import { cut, Pieces } from '../../src/peer/pieces.ts'
import { encodePiece, pieceRequest } from '../../src/protocol/piece.ts'
import { limits as allLimits } from '../../src/protocol/limits.ts'
import { quick } from './ring.ts'

const limits = { ...quick, messageBytes: 1000, piecesBytes: 20_000 }
const options = { lane: 'foreground', deadlineMs: 1000 } as const
const large = systemRandom.bytes(4567).fill(7, 0, 1)

/** Two peers; `b` answers with what `serve` makes of a request. */
function pair(serve: (body: Bytes) => Bytes, mayAsk = true) {
  const network = memoryNetwork(limits)
  const bare = { a: network.open('a'), b: network.open('b') }
  const served: Bytes[] = []
  const a = new PiecedTransport(bare.a, systemClock, limits, () => true)
  const b = new PiecedTransport(bare.b, systemClock, limits, () => mayAsk)
  a.learn('b', bare.b.addresses)
  const deaf = { notice: () => {}, up: () => {}, down: () => {} }
  const request = (_from: string, body: Bytes): Promise<Bytes> => {
    served.push(body.slice())
    return Promise.resolve(serve(body))
  }
  a.serve({ ...deaf, request })
  b.serve({ ...deaf, request })
  return { a, bare, served }
}

describe('a large message', () => {
  it('is served whole, and its reply comes whole', async () => {
    const { a, served } = pair((body) => concat(Uint8Array.of(9), body, body))
    const reply = await a.request('b', large, options)
    expect(served).toHaveLength(1)
    expect(equalBytes(served[0]!, large)).toBe(true)
    expect(equalBytes(reply, concat(Uint8Array.of(9), large, large))).toBe(true)
  })

  it('gets its reply also when two ask for the same at one time', async () => {
    const { a } = pair(() => large)
    const asked = Uint8Array.of(1, 2, 3)
    const replies = await Promise.all([
      a.request('b', asked, options),
      a.request('b', asked, options),
    ])
    for (const reply of replies) expect(equalBytes(reply, large)).toBe(true)
  })

  it('that no room is left for is refused, and was not served', async () => {
    const { a, served } = pair((body) => body)
    const tooLarge = systemRandom.bytes(limits.piecesBytes + 1).fill(7, 0, 1)
    const failure = { failure: 'overloaded', sent: false }
    await expect(a.request('b', tooLarge, options)).rejects.toMatchObject(failure)
    expect(served).toHaveLength(0)
    // What was never begun takes no room.
    await a.request('b', large, options)
  })

  it('of a stranger is not even begun', async () => {
    const { a, served } = pair((body) => body, false)
    await expect(a.request('b', large, options)).rejects.toMatchObject({ failure: 'overloaded' })
    expect(served).toHaveLength(0)
  })

  it('whose last piece comes alone is not served', async () => {
    const { a, bare, served } = pair((body) => body)
    const last = cut(large, limits.messageBytes - 64).at(-1)!
    await bare.a.request('b', encodePiece(pieceRequest, { type: 'piece', ...last }), options)
    expect(served).toHaveLength(0)
    await a.request('b', large, options)
    expect(served).toHaveLength(1)
  })
})

describe('pieces', () => {
  it('are put together in any order, each counted once', () => {
    const pieces = new Pieces(systemClock, { pieceBytes: 1000, keptBytes: 9000, keptMs: 1000 })
    const [first, ...others] = cut(large, 1000)
    expect(pieces.take('a', first!)).toBe('taken')
    expect(pieces.take('a', first!)).toBe('taken')
    const results = others.reverse().map((piece) => pieces.take('a', piece))
    expect(results.slice(0, -1).every((result) => result === 'taken')).toBe(true)
    expect(equalBytes(results.at(-1) as Bytes, large)).toBe(true)
  })

  it('of somebody else complete nothing', () => {
    const pieces = new Pieces(systemClock, { pieceBytes: 4000, keptBytes: 90_000, keptMs: 1000 })
    const [first, last] = cut(large, 4000)
    expect(pieces.take('a', first!)).toBe('taken')
    expect(pieces.take('b', last!)).toBe('missing')
  })

  it('are forgotten when nobody sends the rest, and make room', () => {
    let nowMs = 0
    const clock = { ...systemClock, elapsed: () => nowMs }
    const pieces = new Pieces(clock, { pieceBytes: 1000, keptBytes: 6000, keptMs: 1000 })
    const [first, second] = cut(large, 1000)
    expect(pieces.take('a', first!)).toBe('taken')
    expect(pieces.take('b', first!)).toBe('missing')
    nowMs = 1001
    expect(pieces.take('b', first!)).toBe('taken')
    expect(pieces.take('a', second!)).toBe('missing')
  })

  it('that were cut from something else make nothing', () => {
    const pieces = new Pieces(systemClock, { pieceBytes: 4000, keptBytes: 90_000, keptMs: 1000 })
    const [first, last] = cut(large, 4000)
    pieces.take('a', first!)
    expect(pieces.take('a', { ...last!, bytes: systemRandom.bytes(567) })).toBe('missing')
  })

  it('have room for a few states that no message holds', () => {
    expect(allLimits.piecesBytes).toBeGreaterThan(4 * allLimits.messageBytes)
  })
})
