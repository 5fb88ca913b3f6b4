/**
 * Pieces of a message that is larger than a message may be.
 *
 * A state cannot be cut up and told value by value: seen and not there means superseded, so a part either deletes what
 * the other parts hold, or shows what they supersede. It is one thing, and so it is the message that is cut, and counts
 * when it is put together again. A piece is told from a message by its first byte, where that has its version.
 */
import { type Bytes, Reader, Writer } from '../data/bytes.ts'
import { digestLength } from '../data/hash.ts'
import { bytes, type Codec, type Decoded, fixed, struct, union, varint } from './codec.ts'

/** No version of the wire has this number. */
const mark = 0

/** Of which message: the digest of the whole. */
const of = fixed(digestLength)
const piece = struct({ of, at: varint, count: varint, bytes })

export const pieceRequest = union({
  /** Of a request. The last one that was missing gets the reply to the whole. */
  piece: [1, piece],
  /** The reply is this long: let me have the piece at this place. */
  fetch: [2, struct({ of, at: varint })],
})

export const pieceReply = union({
  /** Taken; others are awaited. */
  taken: [1, struct({})],
  /** Of a reply. */
  piece: [2, piece],
  /** There is no room for it, or what came before is here no more. */
  missing: [3, struct({})],
})

export type Piece = Decoded<typeof piece>
export type PieceRequest = Decoded<typeof pieceRequest>
export type PieceReply = Decoded<typeof pieceReply>

/** What a piece carries beside its bytes, at most. */
export const pieceOverhead = 64

export function isPiece(body: Bytes): boolean {
  return body[0] === mark
}

export function encodePiece<T>(codec: Codec<T>, value: T): Bytes {
  const writer = new Writer().u8(mark)
  codec.write(writer, value)
  return writer.finish()
}

export function decodePiece<T>(codec: Codec<T>, from: Bytes): T {
  const reader = new Reader(from)
  reader.u8()
  return codec.read(reader)
}
