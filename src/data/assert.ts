/**
 * Assertions: a broken invariant stops the peer here, with a sentence, instead of spreading.
 * They state what must hold and what must not; they never validate input (decoders do that).
 */

/** Throws when `condition` is false: the message says which invariant is broken. */
export function assert(condition: boolean, invariant: string): asserts condition {
  if (!condition) throw new Error(`invariant broken: ${invariant}`)
}

/** The last arm of an exhaustive `switch`: the compiler proves it unreachable. */
export function unreachable(value: never): never {
  throw new Error(`unreachable: ${String(value)}`)
}
