/**
 * What the clients did, and the true causal history of every write.
 *
 * The checker must not believe the vectors that it is there to check. So each write carries a name of its own, and the
 * history notes by name what its writer had seen: the writes that its reads returned, and what those had seen in turn.
 * That is causality by definition, and no replica had a hand in it.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Value } from '../data/siblings.ts'
import type { Stage } from '../protocol/copy.ts'

export type Outcome = 'pending' | 'done' | 'refused' | 'unknown'

export interface Operation {
  readonly id: number
  readonly client: string
  /** The short name of the peer that ran it. */
  readonly via: string
  readonly kind: 'get' | 'put' | 'delete'
  /** `bucket/path`. */
  readonly key: string
  /** What its writer had seen, by id: closed under what those had seen. */
  readonly seen: ReadonlySet<number>
  /** The stage at which a write counts as done. */
  readonly ack: Stage
  readonly startMs: number
  endMs: number
  outcome: Outcome
  /** Why it was not done. */
  failure: string
  /** The id of its receipt, once its writer has one. */
  receipt: string | undefined
  /** Of a get: the writes that it returned, and those of them that were durable nowhere yet. */
  returned: readonly number[]
  premature: readonly number[]
}

export class History {
  readonly operations: Operation[] = []
  /** A tombstone has no bytes to carry a name; its wall time is its name. */
  readonly #tombstones = new Map<number, number>()

  begin(
    start: Pick<Operation, 'client' | 'via' | 'kind' | 'key' | 'seen' | 'ack' | 'startMs'>,
  ): Operation {
    const id = this.operations.length
    const operation: Operation = {
      ...start,
      id,
      endMs: Infinity,
      outcome: 'pending',
      failure: '',
      receipt: undefined,
      returned: [],
      premature: [],
    }
    this.operations.push(operation)
    return operation
  }

  get(id: number): Operation {
    const operation = this.operations[id]
    if (operation === undefined) throw new RangeError(`no operation ${id}`)
    return operation
  }

  nameTombstone(writtenAt: number, id: number): void {
    this.#tombstones.set(writtenAt, id)
  }

  /** Which write this is the value of; undefined for one that no client ever wrote. */
  writeOf(value: Value): number | undefined {
    if (value.bytes === undefined) return this.#tombstones.get(value.writtenAt)
    const id = idOfBytes(value.bytes)
    return id === undefined || this.operations[id]?.kind !== 'put' ? undefined : id
  }

  /** What somebody has seen who has seen these writes. */
  closure(writes: Iterable<number>): Set<number> {
    const seen = new Set<number>()
    for (const id of writes) {
      seen.add(id)
      for (const earlier of this.get(id).seen) seen.add(earlier)
    }
    return seen
  }
}

export function bytesOfId(id: number): Bytes {
  return new TextEncoder().encode(`w${id}`)
}

function idOfBytes(bytes: Bytes): number | undefined {
  const match = /^w(\d+)$/.exec(new TextDecoder().decode(bytes))
  return match === null ? undefined : Number(match[1])
}
