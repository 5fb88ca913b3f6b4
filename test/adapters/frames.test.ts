import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  frameKind,
  FrameReader,
  headerBytes,
  writeFrame,
  type FrameKind,
} from '../../src/adapters/frames.ts'
import { MalformedError, type Bytes } from '../../src/data/bytes.ts'

interface Message {
  readonly kind: FrameKind
  readonly number: number
  readonly body: Bytes
}

const limits = { frameBytes: 1000, messageBytes: 5000 }
const kinds = Object.values(frameKind)
const anyMessage = fc.record({
  kind: fc.constantFrom(...kinds),
  number: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  body: fc.uint8Array({ maxLength: 300 }),
})

function frame({ kind, number, body }: Message, isLast = true): Bytes {
  const bytes = new Uint8Array(headerBytes + body.length)
  writeFrame(bytes, 0, kind, number, body, isLast)
  return bytes
}

/** The frames of a message cut into parts of `length`. */
function parts({ kind, number, body }: Message, length: number): Bytes[] {
  const frames: Bytes[] = []
  for (let at = 0; at < body.length; at += length) {
    const part = { kind, number, body: body.subarray(at, at + length) }
    frames.push(frame(part, at + length >= body.length))
  }
  return frames
}

function reading(pieces: Iterable<Bytes>, max = limits): Message[] {
  const messages: Message[] = []
  const reader = new FrameReader(max, (kind, number, body) => {
    messages.push({ kind, number, body: body.slice() })
  })
  for (const piece of pieces) reader.read(piece)
  return messages
}

/** Cuts at the given places, which wrap round. */
function chop(bytes: Bytes, lengths: readonly number[]): Bytes[] {
  const pieces: Bytes[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!
    pieces.push(bytes.slice(at, at + length))
    at += length
  }
  return pieces
}

const join = (frames: readonly Bytes[]) => new Uint8Array(frames.flatMap((it) => [...it]))
const anyCuts = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 20 })

describe('frames', () => {
  test('any messages come out as they went in, however the stream is cut', () => {
    fc.assert(
      fc.property(fc.array(anyMessage), anyCuts, (messages, cuts) => {
        const stream = join(messages.map((it) => frame(it)))
        expect(reading(chop(stream, cuts))).toEqual(messages)
      }),
    )
  })

  test('a long message in parts comes out whole, and whole ones between its parts before it', () => {
    const long = { kind: frameKind.request, number: 7, body: new Uint8Array(2500).map((_, i) => i) }
    const between = { kind: frameKind.reply, number: 7, body: Uint8Array.of(1, 2) }
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 900 }), anyCuts, (length, cuts) => {
        const frames = parts(long, length)
        const stream = join(frames.flatMap((it, i) => (i === 0 ? [it, frame(between)] : [it])))
        const expected = frames.length === 1 ? [long, between] : [between, long]
        expect(reading(chop(stream, cuts))).toEqual(expected)
      }),
    )
  })

  test('any bytes in any chunking become messages or MalformedError, and nothing else', () => {
    let malformed = 0
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), anyCuts, (stream, cuts) => {
        try {
          for (const { kind } of reading(chop(stream, cuts))) expect(kinds).toContain(kind)
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError)
          malformed++
        }
      }),
    )
    expect(malformed).toBeGreaterThan(0)
  })

  test('valid frames with a few bytes changed become messages or MalformedError', () => {
    const anyChange = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }) })
    const anyChanges = fc.array(anyChange, { minLength: 1, maxLength: 4 })
    const anyMessages = fc.array(anyMessage, { minLength: 1 })
    fc.assert(
      fc.property(anyMessages, anyChanges, anyCuts, (messages, changes, cuts) => {
        const stream = join(messages.map((it) => frame(it)))
        for (const { at, to } of changes) stream[at % stream.length] = to
        try {
          reading(chop(stream, cuts))
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedError)
        }
      }),
    )
  })

  test.each([
    ['a frame shorter than its header', Uint8Array.of(0, 0, 0, 4, 1, 0, 0, 0), /shorter/],
    ['a frame above the limit', Uint8Array.of(0, 0, 4, 0), /frame above/],
    ['an unknown kind', Uint8Array.of(0, 0, 0, 5, 99, 0, 0, 0, 0), /unknown kind/],
    [
      'two long messages at a time',
      join([
        frame({ kind: 1, number: 1, body: Uint8Array.of(1) }, false),
        frame({ kind: 1, number: 2, body: Uint8Array.of(1) }, false),
      ]),
      /two long/,
    ],
    [
      'a message above the limit',
      join(parts({ kind: 1, number: 1, body: new Uint8Array(5001) }, 900)),
      /message above/,
    ],
  ])('%s is malformed', (_what, stream, complaint) => {
    expect(() => reading([stream])).toThrow(complaint)
    expect(() => reading(chop(stream, [1]))).toThrow(MalformedError)
  })

  test('a message of exactly the limit is read', () => {
    const message = { kind: frameKind.notice, number: 0, body: new Uint8Array(5000).fill(4) }
    expect(reading(parts(message, 900))).toEqual([message])
  })

  test('a header that promises much reserves little: at most twice what has come', () => {
    const huge = { frameBytes: 2 ** 31, messageBytes: 2 ** 31 }
    const before = process.memoryUsage().arrayBuffers
    const readers = Array.from({ length: 200 }, () => {
      const reader = new FrameReader(huge, () => {})
      for (const byte of [0x40, 0, 0, 0, 1, 0, 0, 0, 1, 9, 9, 9]) reader.read(Uint8Array.of(byte))
      return reader
    })
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(5_000_000)
    expect(readers).toHaveLength(200)
  })
})
