/**
 * What makes a value mergeable: an empty value and a `merge` that is commutative, associative and idempotent, so
 * that siblings become one value in any order and any number of times.
 *
 * The types of this folder are plain data, and changed by functions that take the write's identity: what a write
 * did can then be told from what it would do again, so that a retry changes nothing and a merge counts nothing twice.
 */

/**
 * The identity of one write, the same at each retry. `by` is unique to a device's store and `count` rises with each
 * of its writes of the key, mostly by one, so that a type can note many of them as one interval.
 */
export interface WriteId {
  /** `by:count`. */
  readonly id: string
  readonly by: string
  readonly count: number
}

export interface MergeableType<V> {
  readonly name: string
  readonly empty: V
  /** Siblings come in the order of their writers' clocks, the oldest first; only a type that loses some may tell. */
  merge(a: V, b: V): V
  /** Whether a stored value is one of this type: others may write anything under the key. */
  validate?(value: unknown): value is V
  /** The stage at which writes resolve unless told otherwise. */
  readonly ack?: 'device' | 'quorum' | 'everywhere'
}

/** An argument that no value of the type can hold; the message says what can. */
export class BadArgumentError extends Error {
  readonly code = 'bad-argument'

  constructor(message: string) {
    super(message)
    this.name = 'BadArgumentError'
  }
}

/** Names of products, elements and keys: any text but half a surrogate pair, which has no encoding. */
export function checkName(name: string): void {
  if (typeof name === 'string' && name.isWellFormed()) return
  throw new BadArgumentError('a name is well-formed text')
}
