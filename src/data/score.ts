/**
 * How much a partition and a member like each other: weighted rendezvous hashing (Thaler and Ravishankar, 1998).
 *
 * Every peer works out the ring for itself, so every engine must get the same bits: the usual weighting by
 * logarithms is out, because engines round them differently. Instead a member of weight w has w virtual nodes,
 * each draws one 32-bit number for the partition, and the best draw is the member's score.
 */
import { utf8 } from './bytes.ts'
import { hash } from './hash.ts'

/** Scores are whole numbers below this. */
export const scoreRange = 2 ** 32

/** What stands for a member in its draws: 64 bits, so that no two members draw alike, and how many there are. */
export interface Drawer {
  readonly seed: number
  readonly salt: number
  readonly weight: number
}

export function drawerOf(id: string, weight: number): Drawer {
  const digest = hash(utf8(id))
  const word = (at: number) =>
    (digest[at]! << 24) | (digest[at + 1]! << 16) | (digest[at + 2]! << 8) | digest[at + 3]!
  return { seed: word(0), salt: word(4), weight }
}

/** The best of the member's draws for the partition: the higher, the more they prefer each other. */
export function scoreOf(drawer: Drawer, partition: number): number {
  let best = 0
  for (let node = 0; node < drawer.weight; node++) {
    const seed = drawer.seed + Math.imul(node, 0x9e3779b9)
    const draw = mix(mix(seed ^ partition) + drawer.salt)
    if (draw > best) best = draw
  }
  return best
}

/** MurmurHash3's finalizer: each bit in changes half of the bits out. Takes any whole number, modulo 2^32. */
function mix(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35)
  return (word ^ (word >>> 16)) >>> 0
}
