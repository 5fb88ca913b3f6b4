/**
 * A member as something that buckets stand on: an application that runs inside a durable peer.
 *
 * Its reads and writes are coordinated right here. It keeps no copies apart from what it owns, so what it does not own
 * it asks for, and a watch of such a key looks once a second.
 */
import type { Key } from '../data/key.ts'
import { contextToText } from '../protocol/context.ts'
import { toBase64Url } from '../data/bytes.ts'
import type { Dot } from '../data/vector.ts'
import { RingletError } from '../protocol/errors.ts'
import type { PageAsked } from '../protocol/listing.ts'
import { placementOf } from '../protocol/placement.ts'
import type { WriteId } from '../values/type.ts'
import type { Receipt } from './api.ts'
import type { Keyed, KeyedPage, KeyedRead, Watcher, WriteOrder } from './keyed.ts'
import type { Member } from './member.ts'
import { closedError, LiveReceipt, reachedWithin, tooManyAwaited } from './receipt.ts'

const lookAgainMs = 1000
/** The counts of so many keys are remembered. */
const countedKeys = 10_000
/** Pauses before the owners are asked again whether they all have a write that somebody waits for. */
const pausesMs = [100, 500, 1000, 2000, 5000]
/** So many writes are asked about at one time. */
const awaitedWrites = 1000

export class MemberKeyed implements Keyed {
  readonly #member: Member
  readonly #r: number
  readonly #w: number
  /** Drawn anew at each start, and whenever the counts are forgotten: no count of one name is used twice. */
  #by = ''
  readonly #counts = new Map<string, number>()
  /** Writes that somebody waits for, and how to stop looking for each. */
  readonly #awaited = new Map<LiveReceipt, () => void>()
  readonly #watchers = new Set<Watcher>()
  #closed = false

  constructor(member: Member, r: number, w: number) {
    this.#member = member
    this.#r = r
    this.#w = w
    this.#forgetCounts()
  }

  now(): number {
    return this.#member.world.clock.now()
  }

  holds(): boolean {
    return false
  }

  async read(key: Key, consistency: 'quorum' | 'local'): Promise<KeyedRead> {
    if (consistency === 'local' && this.#owns(key)) {
      const { state } = await this.#member.records.read(key)
      return { state, source: 'local', pending: 0, stage: undefined, missing: this.#r }
    }
    const { state, missing } = await this.#member.get(key, this.#r)
    return { state, source: 'quorum', pending: 0, stage: undefined, missing }
  }

  async list(asked: PageAsked, consistency: 'quorum' | 'local'): Promise<KeyedPage> {
    const isLocal = consistency === 'local' && this.#owns(asked.prefix)
    const { items, upTo, missing } = await this.#member.list(asked, isLocal ? 'local' : this.#r)
    const reads = items.map(({ key, state }) => ({
      key,
      state,
      source: isLocal ? ('local' as const) : ('quorum' as const),
      pending: 0,
      stage: undefined,
      missing: isLocal ? this.#r : missing,
    }))
    return { reads, upTo }
  }

  async write({ key, context, value, ack }: WriteOrder): Promise<Receipt> {
    const { random, self, clock, limits } = this.#member.world
    const written = await this.#member.write({
      kind: 'mint',
      key,
      context,
      value,
      w: this.#w,
      origin: self,
      request: random.bytes(16),
    })
    const { dot } = written
    const returned = contextToText(key, written.context)
    const receipt: LiveReceipt = new LiveReceipt(
      `${dot.actor}:${dot.counter}`,
      returned,
      'quorum',
      () => this.#await(key, dot, receipt),
    )
    receipt.advance({ stage: 'quorum', acks: written.acks, hints: written.hints })
    if (ack === 'everywhere') await reachedWithin(clock, limits.requestMs, receipt, ack)
    return receipt
  }

  async nextWrite(key: Key): Promise<WriteId> {
    if (this.#counts.size >= countedKeys) this.#forgetCounts()
    const count = (this.#counts.get(key.text) ?? 0) + 1
    this.#counts.set(key.text, count)
    return { id: `${this.#by}:${count}`, by: this.#by, count }
  }

  async follow(): Promise<void> {}

  async unfollow(): Promise<void> {}

  async watch(key: Key, watcher: Watcher): Promise<() => void> {
    const { changed, ended } = watcher
    const { clock } = this.#member.world
    const stopListening = this.#member.records.onChange(({ text }) => {
      if (text === key.text) changed()
    })
    let stopLooking = (): void => {}
    const look = (): void => {
      stopLooking = clock.after(lookAgainMs, () => {
        if (!this.#owns(key)) changed()
        if (!this.#closed) look()
      })
    }
    look()
    this.#watchers.add(watcher)
    if (this.#closed) ended()
    return () => {
      this.#watchers.delete(watcher)
      stopListening()
      stopLooking()
    }
  }

  /** Ends what is waited for and watched. */
  close(): void {
    this.#closed = true
    for (const { ended } of this.#watchers) ended()
    for (const [receipt, stop] of this.#awaited) {
      stop()
      receipt.fail(closedError())
    }
    this.#awaited.clear()
  }

  #forgetCounts(): void {
    this.#by = toBase64Url(this.#member.world.random.bytes(12))
    this.#counts.clear()
  }

  #owns(key: Key): boolean {
    const { owners } = placementOf(this.#member.view.ring, key.position)
    return owners.includes(this.#member.id)
  }

  /** Looks for all owners to have it, once and again, for as long as somebody waits and the peer is open. */
  #await(key: Key, dot: Dot, receipt: LiveReceipt): void {
    if (this.#closed) return receipt.fail(closedError())
    if (this.#awaited.has(receipt)) return
    const [oldest] = this.#awaited
    if (oldest !== undefined && this.#awaited.size >= awaitedWrites) {
      oldest[1]()
      oldest[0].fail(tooManyAwaited(this.#awaited.size))
      this.#awaited.delete(oldest[0])
    }
    this.#lookAfter(key, dot, receipt, 0)
  }

  #lookAfter(key: Key, dot: Dot, receipt: LiveReceipt, times: number): void {
    const { clock, tasks } = this.#member.world
    const pause = times === 0 ? 0 : pausesMs[Math.min(times, pausesMs.length) - 1]!
    const look = async (): Promise<void> => {
      const isEverywhere = await this.#isEverywhere(key, dot)
      if (!this.#awaited.has(receipt)) return
      if (!isEverywhere) return this.#lookAfter(key, dot, receipt, times + 1)
      this.#awaited.delete(receipt)
      receipt.advance({ stage: 'everywhere' })
    }
    // A timer, not a task: closing need not wait for a pause.
    this.#awaited.set(
      receipt,
      clock.after(pause, () => tasks.run('everywhere', look())),
    )
  }

  async #isEverywhere(key: Key, dot: Dot): Promise<boolean> {
    try {
      const { by, owners } = await this.#member.coveredBy(key, dot)
      return by.length === owners
    } catch (error) {
      // A disk that cannot be read just now may be readable the next time.
      if (error instanceof RingletError) return false
      throw error
    }
  }
}
