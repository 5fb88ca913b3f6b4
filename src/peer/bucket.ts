/**
 * Buckets as applications hold them: values in, values out, contexts remembered, siblings merged or shown.
 *
 * The store beneath knows bytes and causality; here they become an application's data (paper §4.4: the application
 * reconciles). A handle remembers, per key, what it last read or wrote, so that an ordinary put supersedes what its
 * user has seen and nothing else. Updates of one key are queued, so that no two read the same state.
 */
import { type Key, type KeyPath, showKey } from '../data/key.ts'
import { liveSiblings, makeValue, type ObjectState } from '../data/siblings.ts'
import { decodeStructured, encodeStructured, NotEncodableError } from '../data/structured.ts'
import { nothingSeen, type Seen } from '../data/vector.ts'
import { equalBytes } from '../data/bytes.ts'
import { checkBucketName, checkValueSize, makeCheckedKey } from '../protocol/arguments.ts'
import { contextFromText, contextToText } from '../protocol/context.ts'
import { RingletError } from '../protocol/errors.ts'
import type { MergeableType, WriteId } from '../values/type.ts'
import type {
  Bucket,
  BucketOptions,
  PlainBucket,
  PlainRead,
  ReadOptions,
  Receipt,
  Stage,
  TypedBucket,
  TypedRead,
  WriteOptions,
} from './api.ts'
import type { Keyed, KeyedRead } from './keyed.ts'

/** How an application's values relate to the siblings beneath. */
interface Shape<V, R, C> {
  readonly ack: Stage
  /** What a read shows. */
  present(read: Presented): R
  /** What an update starts from; throws where the siblings give it nothing to start from. */
  start(siblings: readonly unknown[], key: Key): C
  /** Whether an update may start from nothing when nobody can be asked. */
  readonly startsBlind: boolean
  check(value: V): unknown
}

interface Presented extends Omit<KeyedRead, 'state'> {
  readonly siblings: readonly unknown[]
  readonly found: boolean
  readonly context: string
}

/** The last update of each key on its way, per peer: two handles of one bucket stand in one queue. */
const updatesOf = new WeakMap<Keyed, Map<string, Promise<unknown>>>()

/** Handles remember so many keys; the longest unused is forgotten, and its next put is blind. */
const rememberedKeys = 10_000

export function typedBucket<V>(
  keyed: Keyed,
  name: string,
  type: MergeableType<V>,
  options: BucketOptions,
): TypedBucket<V> {
  const valid = (value: unknown): value is V => type.validate?.(value) ?? true
  return new BucketHandle<V, TypedRead<V>, V>(keyed, name, {
    ack: options.ack ?? type.ack ?? 'quorum',
    startsBlind: true,
    present: ({ siblings, ...read }) => ({
      ...read,
      value: siblings.filter(valid).reduce<V>((a, b) => type.merge(a, b), type.empty),
      invalid: siblings.filter((value) => !valid(value)),
    }),
    start: (siblings, key) => {
      // To write over what is no value of this type would lose it silently.
      if (siblings.some((value) => !valid(value))) {
        throw new RingletError(
          'not-mergeable',
          `${showKey(key)} holds a value that is no ${type.name}`,
          {
            remedy: `Read it with a bucket of no type, and put a ${type.name} in its place.`,
          },
        )
      }
      return siblings.filter(valid).reduce<V>((a, b) => type.merge(a, b), type.empty)
    },
    check: (value) => {
      if (valid(value)) return value
      throw new RingletError('bad-argument', `this is no ${type.name}`)
    },
  })
}

export function plainBucket(keyed: Keyed, name: string, options: BucketOptions): PlainBucket {
  return new BucketHandle<unknown, PlainRead, readonly unknown[]>(keyed, name, {
    ack: options.ack ?? 'quorum',
    startsBlind: false,
    present: (read) => ({
      ...read,
      value: read.siblings.length === 1 ? read.siblings[0] : undefined,
    }),
    start: (siblings) => siblings,
    check: (value) => value,
  })
}

class BucketHandle<V, R, C> implements Bucket<V, R> {
  readonly name: string
  readonly #keyed: Keyed
  readonly #shape: Shape<V, R, C>
  readonly #contexts = new Map<string, Seen>()

  constructor(keyed: Keyed, name: string, shape: Shape<V, R, C>) {
    checkBucketName(name)
    this.#keyed = keyed
    this.name = name
    this.#shape = shape
  }

  async get(path: KeyPath, { consistency = 'quorum' }: ReadOptions = {}): Promise<R> {
    const key = this.#key(path)
    return this.#present(key, await this.#keyed.read(key, consistency))
  }

  async put(path: KeyPath, value: V, options: WriteOptions = {}): Promise<Receipt> {
    const key = this.#key(path)
    const bytes = encodeValue(this.#shape.check(value))
    return this.#write(key, this.#contextOf(key, options), bytes, options)
  }

  async delete(path: KeyPath, options: WriteOptions = {}): Promise<Receipt> {
    const key = this.#key(path)
    let context = this.#contextOf(key, options)
    // A delete of what was never read would cover nothing: it covers what there is to see now.
    if (options.context === undefined && context.size === 0) {
      context = (await this.#keyed.read(key, 'quorum')).state.seen
    }
    return this.#write(key, context, undefined, options)
  }

  update(
    path: KeyPath,
    change: (current: C, write: WriteId) => unknown,
    options: WriteOptions = {},
  ): Promise<Receipt> {
    const key = this.#key(path)
    const updates = updatesOf.get(this.#keyed) ?? new Map<string, Promise<unknown>>()
    updatesOf.set(this.#keyed, updates)
    const earlier = updates.get(key.text) ?? Promise.resolve()
    const turn = earlier.then(() => this.#updateNow(key, change, options))
    const settled = turn.catch(() => undefined)
    updates.set(key.text, settled)
    void settled.then(() => {
      if (updates.get(key.text) === settled) updates.delete(key.text)
    })
    return turn
  }

  follow(path: KeyPath): Promise<void> {
    return this.#keyed.follow(this.#key(path))
  }

  unfollow(path: KeyPath): Promise<void> {
    return this.#keyed.unfollow(this.#key(path))
  }

  async *watch(
    path: KeyPath,
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<R> {
    const key = this.#key(path)
    let news = true
    let wake = (): void => {}
    const changed = (): void => {
      news = true
      wake()
    }
    const stop = this.#keyed.subscribe(key, changed)
    signal?.addEventListener('abort', changed, { once: true })
    try {
      await this.#keyed.follow(key)
      while (signal?.aborted !== true) {
        if (!news) {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
          continue
        }
        news = false
        yield this.#present(key, await this.#keyed.read(key, 'local'))
      }
    } finally {
      stop()
      signal?.removeEventListener('abort', changed)
    }
  }

  async #updateNow(
    key: Key,
    change: (current: C, write: WriteId) => unknown,
    options: WriteOptions,
  ): Promise<Receipt> {
    const state = await this.#stateToUpdate(key)
    const current = this.#shape.start(siblingsOf(state), key)
    const write = await this.#keyed.nextWrite(key)
    const next = change(current, write)
    const bytes = encodeValue(this.#shape.check(next as V))
    return this.#write(key, state.seen, bytes, options, write)
  }

  /** This device's copy if it holds one, else what the owners say. */
  async #stateToUpdate(key: Key): Promise<ObjectState> {
    const consistency = this.#keyed.holds(key) ? 'local' : 'quorum'
    try {
      return (await this.#keyed.read(key, consistency)).state
    } catch (error) {
      if (!this.#shape.startsBlind || !(error instanceof RingletError)) throw error
      return { seen: nothingSeen, siblings: [] }
    }
  }

  async #write(
    key: Key,
    context: Seen,
    bytes: Uint8Array | undefined,
    { ack = this.#shape.ack }: WriteOptions,
    write?: WriteId,
  ): Promise<Receipt> {
    const value = makeValue(bytes, Math.max(0, Math.floor(this.#keyed.now())))
    const receipt = await this.#keyed.write({
      key,
      context,
      value,
      ack,
      ...(write !== undefined && { write }),
    })
    this.#remember(key, contextFromText(key, receipt.context))
    return receipt
  }

  #present(key: Key, { state, ...read }: KeyedRead): R {
    this.#remember(key, state.seen)
    const live = liveSiblings(state)
    const context = contextToText(key, state.seen)
    return this.#shape.present({
      ...read,
      siblings: siblingsOf(state),
      found: live.length > 0,
      context,
    })
  }

  #contextOf(key: Key, { context }: WriteOptions): Seen {
    if (context !== undefined) return contextFromText(key, context)
    return this.#contexts.get(key.text) ?? nothingSeen
  }

  #remember(key: Key, context: Seen): void {
    this.#contexts.delete(key.text)
    this.#contexts.set(key.text, context)
    if (this.#contexts.size <= rememberedKeys) return
    const [oldest] = this.#contexts.keys()
    this.#contexts.delete(oldest!)
  }

  #key(path: KeyPath): Key {
    return makeCheckedKey(this.name, path)
  }
}

/**
 * The live values in the order of their writers' clocks, oldest first; equal ones collapse into the newest, as a put
 * whose fate was unknown may stand there twice.
 */
function siblingsOf(state: ObjectState): unknown[] {
  const newestFirst = liveSiblings(state).toSorted((a, b) => b.value.writtenAt - a.value.writtenAt)
  const distinct: Uint8Array[] = []
  for (const { value } of newestFirst) {
    const bytes = value.bytes!
    if (!distinct.some((other) => equalBytes(other, bytes))) distinct.push(bytes)
  }
  return distinct.reverse().map(decodeValue)
}

/** A stored value that is no structured data was written by something else: it is shown as its bytes. */
function decodeValue(bytes: Uint8Array): unknown {
  try {
    return decodeStructured(bytes)
  } catch {
    return bytes
  }
}

function encodeValue(value: unknown): Uint8Array {
  try {
    const bytes = encodeStructured(value)
    checkValueSize(bytes)
    return bytes
  } catch (cause) {
    if (!(cause instanceof NotEncodableError)) throw cause
    throw new RingletError('not-encodable', cause.message, {
      cause,
      remedy:
        'Values are plain data: null, booleans, numbers, texts, bytes, lists and objects of these.',
    })
  }
}
