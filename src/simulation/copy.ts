/**
 * Copies of bytes that cross a border, and are not kept: what a process sends, hears or reads from its disk.
 *
 * There are a hundred thousand of them in a run, and a buffer of its own costs each more than what is copied. So they lie
 * side by side in a large one. No two overlap, and whoever writes on his own writes on nobody else's.
 */
import type { Bytes } from '../data/bytes.ts'

const slabBytes = 65_536
/** What is as large as this is worth a buffer. */
const largeBytes = 8192

let slab = new Uint8Array(slabBytes)
let at = 0

export function copyOf(bytes: Bytes): Bytes {
  const { length } = bytes
  if (length >= largeBytes) return bytes.slice()
  if (at + length > slabBytes) {
    slab = new Uint8Array(slabBytes)
    at = 0
  }
  const copy = slab.subarray(at, at + length)
  copy.set(bytes)
  at += length
  return copy
}
