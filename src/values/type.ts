/**
 * What makes a value mergeable: an empty value and a `merge` that is commutative, associative and idempotent, so
 * that siblings become one value in any order and any number of times.
 */

/**
 * The identity of one write, the same at each retry. `by` is unique to a device's store and `count` rises by one
 * with each of its writes of the key, so that a type can note many of them as one interval.
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
  merge(a: V, b: V): V
  /** Whether a stored value is one of this type: others may write anything under the key. */
  validate?(value: unknown): value is V
  /** The stage at which writes resolve unless told otherwise. */
  readonly ack?: 'device' | 'quorum' | 'everywhere'
}
