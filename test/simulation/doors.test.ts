/** Who is let in and who is turned away is counted from outside, and what a client hears of a crowd is held against it. */
import { beforeEach, describe, expect, test } from 'vitest'
import { concat } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { refusalOfError } from '../../src/peer/ask.ts'
import { cut } from '../../src/peer/pieces.ts'
import { RingletError } from '../../src/protocol/errors.ts'
import { limits as allLimits } from '../../src/protocol/limits.ts'
import { encodeReply, encodeRequest } from '../../src/protocol/message.ts'
import { encodePiece, pieceReply, pieceRequest } from '../../src/protocol/piece.ts'
import { type Door, Doors } from '../../src/simulation/doors.ts'

const key = makeKey('carts', 'alice')
const get = encodeRequest({ type: 'get', key, r: 2 })
const read = encodeRequest({ type: 'read', key, have: undefined })
const done = encodeReply({ type: 'done' })
const missing = encodePiece(pieceReply, { type: 'missing' })
const limits = { ...allLimits, requestsUnderWay: 2, messageBytes: 1000, piecesBytes: 5000 }

let nowMs: number
let doors: Doors
let door: Door

beforeEach(() => {
  nowMs = 0
  doors = new Doors({
    limits: { ...limits, hedgesPerRead: 0.5 },
    nowMs: () => nowMs,
    isMember: (peer) => peer.length === 1,
    nameOf: (peer) => peer,
  })
  door = doors.open('a')
})

describe('a door', () => {
  test('that is full may turn away; one that has room again may not', () => {
    const [first] = [door.begins('tab', get), door.begins('tab', get)]
    door.refuses('tab', get)
    expect(doors.violations).toEqual([])
    expect(doors.whoTurnedAway('tab', 0, 0)).toEqual(new Set(['a']))
    expect(doors.whoTurnedAway('tab', 1, 9)).toEqual(new Set())
    first?.(done)
    door.refuses('tab', get)
    expect(doors.violations).toMatchObject([{ promise: 'P5' }])
  })

  test('lets in no more than there is room for, but what members need of each other', () => {
    for (let i = 0; i < 2; i++) door.begins('tab', get)
    for (let i = 0; i < 9; i++) door.begins('b', read)
    door.begins('b', get)
    expect(doors.violations).toEqual([])
    door.begins('tab', get)
    expect(doors.violations).toMatchObject([{ promise: 'P9' }])
  })

  test('turns no half of a request away, however full', () => {
    for (let i = 0; i < 2; i++) door.begins('tab', get)
    door.refuses('b', read)
    expect(doors.violations).toMatchObject([{ promise: 'P5' }])
  })

  test('behind which nobody understands what a peer asks is a defect', () => {
    const malformed = new RingletError('malformed', 'no')
    door.begins('b', read)(encodeReply(refusalOfError(new RingletError('closed', 'no'))))
    expect(doors.violations).toEqual([])
    door.begins('b', read)(encodeReply(refusalOfError(malformed)))
    expect(doors.violations).toMatchObject([{ promise: 'P10' }])
  })

  test('has asked one owner more no oftener than its reads allow', () => {
    for (let i = 0; i < 4; i++) door.asks(read)
    for (let i = 0; i < 2; i++) door.hedges('b')
    expect(doors.violations).toEqual([])
    expect(doors.slow.get('b')).toBe(2)
    door.hedges('b')
    expect(doors.violations).toMatchObject([{ promise: 'P9' }])
  })
})

describe('room for pieces', () => {
  const [first] = cut(new Uint8Array(2500), 936)
  const piece = encodePiece(pieceRequest, { type: 'piece', ...first! })

  test('is missing only where much came lately', () => {
    nowMs = 30_000
    const taken = encodePiece(pieceReply, { type: 'taken' })
    door.begins('b', piece)(taken)
    expect(doors.violations).toEqual([])
    door.begins('b', piece)(missing)
    expect(doors.pieces).toBe(2)
    expect(doors.whoTurnedAway('b', 0, nowMs).size).toBe(1)
    // Of two messages of three pieces each there is no room for the second.
    expect(doors.violations).toEqual([])
    nowMs += 60_000
    door.begins('b', piece)(missing)
    expect(doors.violations).toMatchObject([{ promise: 'P5' }])
  })

  test('may be missing for a stranger, who is one until he is heard of', () => {
    nowMs = 30_000
    const heard = new Set<string>()
    door = doors.open('a', (peer) => heard.has(peer))
    nowMs += 60_000
    door.begins('b', piece)(missing)
    expect(doors.violations).toEqual([])
    heard.add('b')
    nowMs += 60_000
    door.begins('b', piece)(missing)
    expect(doors.violations).toMatchObject([{ promise: 'P5' }])
  })

  test('may be missing for a piece whose message is kept no more', () => {
    nowMs = 30_000
    const later = encodePiece(pieceRequest, { type: 'piece', ...first!, at: 1 })
    door.begins('b', later)(missing)
    door.begins('b', encodePiece(pieceRequest, { type: 'fetch', of: first!.of, at: 1 }))(missing)
    expect(doors.violations).toEqual([])
    door.begins('b', concat(read))(missing)
    expect(doors.violations).toMatchObject([{ promise: 'P5' }])
  })
})
