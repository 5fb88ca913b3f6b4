/**
 * Buckets as applications hold them: values in, values out, contexts remembered, siblings merged or shown.
 *
 * The store beneath knows bytes and causality; here they become an application's data (paper §4.4: the application
 * reconciles). A handle remembers, per key, what it last read or wrote, so that an ordinary put supersedes what its
 * user has seen and nothing else. Updates of one key are queued, so that no two read the same state.
 */
import { type Key, type KeyPath, showKey, splitKey } from '../data/key.ts'
import { firstExpiry, liveSiblings, makeValue, type ObjectState } from '../data/siblings.ts'
import { nothingSeen, type Seen } from '../data/vector.ts'
import { checkBucketName, expiryOf, makeCheckedKey } from '../protocol/arguments.ts'
import { checkBuffered } from '../protocol/demands.ts'
import { contextFromText, contextToText } from '../protocol/context.ts'
import { isOutOfReach, RingletError } from '../protocol/errors.ts'
import type { MergeableType, WriteId } from '../values/type.ts'
import type {
  Bucket,
  BucketOptions,
  Entry,
  ListOptions,
  PlainBucket,
  PlainRead,
  ReadOptions,
  Receipt,
  Stage,
  TypedBucket,
  TypedRead,
  WriteOptions,
} from './api.ts'
import { encodeValue, siblingsOf } from './bucket-values.ts'
import type { Keyed, KeyedRead } from './keyed.ts'

/** How an application's values relate to the siblings beneath. */
interface Shape<V, R, C> {
  readonly ack: Stage
  readonly strict: boolean
  readonly ttlMs: number | undefined
  readonly buffered: boolean
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

/** A wall clock may be set while something waits for it: it is looked at so often. */
const lookAtClockMs = 60_000

export function typedBucket<V>(
  keyed: Keyed,
  name: string,
  type: MergeableType<V>,
  options: BucketOptions,
): TypedBucket<V> {
  const valid = (value: unknown): value is V => type.validate?.(value) ?? true
  return new BucketHandle<V, TypedRead<V>, V>(keyed, name, {
    ack: options.ack ?? (isStrict(options) ? 'quorum' : (type.ack ?? 'device')),
    strict: isStrict(options),
    ttlMs: options.ttlMs,
    buffered: isBuffered(options),
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
    strict: isStrict(options),
    ttlMs: options.ttlMs,
    buffered: isBuffered(options),
    startsBlind: false,
    present: (read) => ({
      ...read,
      value: read.siblings.length === 1 ? read.siblings[0] : undefined,
    }),
    start: (siblings) => siblings,
    check: (value) => value,
  })
}

function isStrict({ consistency }: BucketOptions): boolean {
  return consistency === 'strict'
}

/** Throws `RingletError`, `bad-argument`. */
function isBuffered(options: BucketOptions): boolean {
  const { durability = 'synced' } = options
  if (durability !== 'synced') checkBuffered(durability, isStrict(options))
  return durability === 'buffered'
}

class BucketHandle<V, R, C> implements Bucket<V, R> {
  readonly name: string
  readonly #keyed: Keyed
  readonly #shape: Shape<V, R, C>
  /** What was last read or written: a receipt, whose context follows its write if that must take another name. */
  readonly #contexts = new Map<string, { readonly context: string }>()

  constructor(keyed: Keyed, name: string, shape: Shape<V, R, C>) {
    checkBucketName(name)
    this.#keyed = keyed
    this.name = name
    this.#shape = shape
  }

  async get(path: KeyPath, options: ReadOptions = {}): Promise<R> {
    const { consistency = this.#usual, r, pr } = options
    const key = this.#key(path)
    return this.#present(key, await this.#keyed.read(key, consistency, { r, pr }))
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
      context = (await this.#keyed.read(key, options.consistency ?? this.#usual)).state.seen
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

  async *entries({ prefix, consistency = this.#usual }: ListOptions): AsyncGenerator<Entry<R>> {
    const begin = this.#key(prefix)
    let after: Key | undefined
    do {
      const page = await this.#keyed.list({ prefix: begin, after }, consistency)
      for (const { key, ...read } of page.reads) {
        if (liveSiblings(read.state).length === 0) continue
        yield { ...this.#present(key, read), key: splitKey(key).path }
      }
      after = page.upTo
    } while (after !== undefined)
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
    let open = true
    let wake = (): void => {}
    const changed = (): void => {
      news = true
      wake()
    }
    const ended = (): void => {
      open = false
      wake()
    }
    let stopAlarm = (): void => {}
    const stop = await this.#keyed.watch(key, { changed, ended })
    signal?.addEventListener('abort', ended, { once: true })
    try {
      while (open && signal?.aborted !== true) {
        if (news) {
          news = false
          const latest = await this.#latest(key)
          if (latest === undefined || !open) continue
          stopAlarm()
          const leftMs = firstExpiry(latest.state) - this.#keyed.now()
          const waitMs = Math.max(0, Math.min(leftMs, lookAtClockMs))
          if (leftMs < Infinity) stopAlarm = this.#keyed.clock.after(waitMs, changed)
          yield this.#present(key, latest)
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve
          })
        }
      }
    } finally {
      stop()
      stopAlarm()
      signal?.removeEventListener('abort', ended)
    }
  }

  /** What a watch shows; undefined while nobody can be asked: what it showed before stands until it knows better. */
  async #latest(key: Key): Promise<KeyedRead | undefined> {
    try {
      return await this.#keyed.read(key, 'local')
    } catch (error) {
      if (isOutOfReach(error)) return undefined
      throw error
    }
  }

  async #updateNow(
    key: Key,
    change: (current: C, write: WriteId) => unknown,
    options: WriteOptions,
  ): Promise<Receipt> {
    const state = await this.#stateToUpdate(key, options.consistency ?? this.#usual)
    const current = this.#shape.start(siblingsOf(state), key)
    const write = await this.#keyed.nextWrite(key)
    const next = change(current, write)
    const bytes = encodeValue(this.#shape.check(next as V))
    return this.#write(key, state.seen, bytes, options, write)
  }

  /** This device's copy if it holds one, else what the owners say; if they turn out to be silent, it may hold one now. */
  async #stateToUpdate(key: Key, usual: 'strict' | 'quorum'): Promise<ObjectState> {
    if (usual === 'strict') return (await this.#keyed.read(key, 'strict')).state
    try {
      return (await this.#keyed.read(key, this.#keyed.holds(key) ? 'local' : 'quorum')).state
    } catch (error) {
      if (!this.#shape.startsBlind || !isOutOfReach(error)) throw error
      if (this.#keyed.holds(key)) return (await this.#keyed.read(key, 'local')).state
      return { seen: nothingSeen, siblings: [] }
    }
  }

  async #write(
    key: Key,
    context: Seen,
    bytes: Uint8Array | undefined,
    {
      ack,
      consistency = this.#usual,
      w,
      pw,
      dw,
      ttlMs = this.#shape.ttlMs ?? 'none',
    }: WriteOptions,
    write?: WriteId,
  ): Promise<Receipt> {
    const strict = consistency === 'strict'
    const { buffered } = this.#shape
    const isUsual = !strict && !buffered && w === undefined && pw === undefined && dw === undefined
    const now = Math.max(0, Math.floor(this.#keyed.now()))
    const value = makeValue(bytes, now, ttlMs === 'none' ? undefined : expiryOf(ttlMs, now))
    const receipt = await this.#keyed.write({
      key,
      context,
      value,
      ack: ack ?? (strict && !this.#shape.strict ? 'quorum' : this.#shape.ack),
      ...(!isUsual && { demands: { ...(w !== undefined && { w }), pw, dw, strict, buffered } }),
      ...(write !== undefined && { write }),
    })
    this.#remember(key, receipt)
    return receipt
  }

  #present(key: Key, { state, ...read }: KeyedRead): R {
    const live = liveSiblings(state)
    const context = contextToText(key, state.seen)
    this.#remember(key, { context })
    return this.#shape.present({
      ...read,
      siblings: siblingsOf(state),
      found: live.length > 0,
      context,
    })
  }

  #contextOf(key: Key, { context }: WriteOptions): Seen {
    if (context !== undefined) return contextFromText(key, context)
    return contextFromText(key, this.#contexts.get(key.text)?.context ?? 'none')
  }

  #remember(key: Key, source: { readonly context: string }): void {
    this.#contexts.delete(key.text)
    this.#contexts.set(key.text, source)
    if (this.#contexts.size <= rememberedKeys) return
    const [oldest] = this.#contexts.keys()
    this.#contexts.delete(oldest!)
  }

  get #usual(): 'strict' | 'quorum' {
    return this.#shape.strict ? 'strict' : 'quorum'
  }

  #key(path: KeyPath): Key {
    return makeCheckedKey(this.name, path)
  }
}
