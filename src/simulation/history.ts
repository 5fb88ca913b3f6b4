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
  /** Which of the machine's processes. */
  readonly life: number
  readonly kind: 'get' | 'put' | 'delete'
  /** `bucket/path`. */
  readonly key: string
  /** The write that it is an attempt at: its own id, or that of the operation that it tries again. */
  readonly write: number
  /** The writes that its writer had directly to do with: what its reads returned, what it had written. */
  readonly basis: readonly number[]
  /** What its writer had seen, by id: closed under what those had seen. */
  readonly seen: ReadonlySet<number>
  /** The stage at which a write counts as done. */
  readonly ack: Stage
  /** A get: answered by ready owners alone. A write: acknowledged by them. */
  readonly strict: boolean
  /** A write into a buffered bucket. */
  readonly buffered: boolean
  readonly startMs: number
  endMs: number
  /** When its quorum was acknowledged to its writer. */
  quorumMs: number
  outcome: Outcome
  /** Why it was not done. */
  failure: string
  /** The id of its receipt, once its writer has one. */
  receipt: string | undefined
  /** Of a get: the writes that it returned, and those of them that were durable nowhere yet. */
  returned: readonly number[]
  premature: readonly number[]
  /** Of a get from a tab's own copy: the tab's own writes, which it must show. */
  mustShow: readonly number[]
  /** It was acknowledged by one device alone, and the device was lost with it. */
  forfeited: boolean
}

/** What is known of an operation when it begins. */
export interface Beginning {
  readonly client: string
  readonly via: string
  readonly life: number
  readonly kind: Operation['kind']
  readonly key: string
  readonly basis: readonly number[]
  readonly ack: Stage
  readonly strict?: boolean
  readonly buffered?: boolean
  readonly startMs: number
  /** The write that this operation tries again. */
  readonly again?: number | undefined
}

export class History {
  readonly operations: Operation[] = []
  /** A tombstone has no bytes to carry a name; its wall time is its name. */
  readonly #tombstones = new Map<number, number>()
  readonly #retried = new Set<number>()
  readonly #bounded = new Set<number>()
  readonly #takenBack = new Set<number>()
  readonly #turned = new Map<string, number>()

  begin({ again, ...start }: Beginning): Operation {
    const id = this.operations.length
    const operation: Operation = {
      strict: false,
      buffered: false,
      ...start,
      id,
      write: again ?? id,
      seen: this.closure(start.basis),
      endMs: Infinity,
      quorumMs: Infinity,
      outcome: 'pending',
      failure: '',
      receipt: undefined,
      returned: [],
      premature: [],
      mustShow: [],
      forfeited: false,
    }
    if (again !== undefined) this.retried(again)
    this.operations.push(operation)
    return operation
  }

  get(id: number): Operation {
    const operation = this.operations[id]
    if (operation === undefined) throw new RangeError(`no operation ${id}`)
    return operation
  }

  /** A tab begins to follow a key, or no longer does: what it shows begins anew. */
  turned(via: string, key: string): void {
    this.#turned.set(`${via} ${key}`, this.operations.length)
  }

  /** The writes that the process behind this read has taken as its device's own since it follows the key. */
  ownOf({ id, via, life, key }: Operation): number[] {
    const since = this.#turned.get(`${via} ${key}`) ?? 0
    return this.operations
      .slice(since, id)
      .filter((each) => each.via === via && each.life === life && each.key === key)
      .filter(({ kind, ack, outcome }) => kind !== 'get' && ack === 'device' && outcome === 'done')
      .map(({ write }) => write)
  }

  /** A power cut has taken this write from a disk that had it in a buffer. */
  takeBack(write: number): void {
    this.#takenBack.add(write)
  }

  wasTakenBack(write: number): boolean {
    return this.#takenBack.has(write)
  }

  /** This write's context was at its limit, and may have been cut short: a false sibling is the price of that. */
  bound(write: number): void {
    this.#bounded.add(write)
  }

  /** Whether this write's context, or one that it was made from, was ever at its limit. */
  wasBound(write: number): boolean {
    if (this.#bounded.size === 0) return false
    return this.#bounded.has(write) || [...this.get(write).seen].some((id) => this.#bounded.has(id))
  }

  /** Its client, or a peer that it went through, may have tried this write more than once. */
  retried(write: number): void {
    this.#retried.add(write)
  }

  /** Whether that is so. */
  wasRetried(write: number): boolean {
    return this.#retried.has(write)
  }

  /** This write, and every attempt at it, was lost with the only device that had it. */
  forfeit(write: number): void {
    for (const operation of this.operations) {
      if (operation.write === write) operation.forfeited = true
    }
  }

  /** A tab's storage was cleared, and with it all that the tab could say of its writes. */
  forgetReceipts(via: string): void {
    for (const operation of this.operations) {
      if (operation.via === via) operation.receipt = undefined
    }
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
    const [newest, ...others] = [...writes].sort((a, b) => b - a)
    if (newest === undefined) return new Set()
    const seen = new Set(this.get(newest).seen).add(newest)
    for (const id of others) {
      // Whoever has seen a write has seen all that its writer had.
      if (seen.has(id)) continue
      seen.add(id)
      for (const earlier of this.get(id).seen) seen.add(earlier)
    }
    return seen
  }
}

/** A value is the name of its write, and as much behind it as it is to weigh. */
export function bytesOfId(id: number, weight = 0): Bytes {
  const name = new TextEncoder().encode(`w${id} `)
  const bytes = new Uint8Array(Math.max(name.length, weight))
  bytes.set(name)
  return bytes
}

function idOfBytes(bytes: Bytes): number | undefined {
  // What an application stores has a head of a few bytes that says how it is encoded.
  const match = /^[^]{0,4}?w(\d+) /.exec(new TextDecoder().decode(bytes.subarray(0, 20)))
  return match === null ? undefined : Number(match[1])
}
