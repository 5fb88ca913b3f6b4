/**
 * A batch of writes in one buffer, to be handed to the disk's thread instead of copied to it.
 *
 * Cloning two small arrays a write costs more than the write does, and cloning a view clones the whole buffer that it
 * looks into: a value that still lies in a frame from the wire would take the frame along. One buffer goes back and
 * forth instead. It holds the count, then two lengths a write, then the bytes; both ends are one machine.
 */
import type { Bytes } from '../src/data/bytes.ts'
import type { Write } from '../src/ports.ts'

/** Stands for the length of a value that is not there: the write deletes. */
const deleted = 0xffff_ffff
const lengthBytes = 4

/** Packs into `spare` if it is large enough, else into a new buffer. */
export function packWrites(writes: readonly Write[], spare?: ArrayBuffer): ArrayBuffer {
  const headerBytes = lengthBytes * (1 + 2 * writes.length)
  let needed = headerBytes
  for (const { key, value } of writes) needed += key.length + (value?.length ?? 0)
  const packed = spare && spare.byteLength >= needed ? spare : new ArrayBuffer(roomFor(needed))
  const header = new Uint32Array(packed, 0, headerBytes / lengthBytes)
  const bytes = new Uint8Array(packed)
  header[0] = writes.length
  let at = headerBytes
  for (const [i, { key, value }] of writes.entries()) {
    header[1 + 2 * i] = key.length
    header[2 + 2 * i] = value?.length ?? deleted
    bytes.set(key, at)
    at += key.length
    if (value === undefined) continue
    bytes.set(value, at)
    at += value.length
  }
  return packed
}

/** Visits each write, in order, with views into `packed`. */
export function unpackWrites(
  packed: ArrayBuffer,
  visit: (key: Bytes, value: Bytes | undefined) => void,
): void {
  const count = new Uint32Array(packed, 0, 1)[0]!
  const header = new Uint32Array(packed, 0, 1 + 2 * count)
  let at = header.byteLength
  const take = (length: number) => {
    at += length
    return new Uint8Array(packed, at - length, length)
  }
  for (let i = 1; i <= 2 * count; i += 2) {
    const key = take(header[i]!)
    visit(key, header[i + 1] === deleted ? undefined : take(header[i + 1]!))
  }
}

/** A power of two, so that a buffer fits most batches after it. */
function roomFor(needed: number): number {
  return Math.max(64 * 1024, 2 ** Math.ceil(Math.log2(needed)))
}
