/**
 * A member as something that buckets stand on: an application that runs inside a durable peer.
 *
 * Its reads and writes are coordinated right here. It keeps no copies apart from what it owns, so what it does not own
 * it asks for, and a watch of such a key looks once a second.
 */
import type { Key } from '../data/key.ts'
import { toBase64Url } from '../data/bytes.ts'
import type { ObjectState } from '../data/siblings.ts'
import { type Numbers, readDemands, writeDemands } from '../protocol/demands.ts'
import type { PageAsked } from '../protocol/listing.ts'
import { placementOf } from '../protocol/placement.ts'
import type { WriteId } from '../values/type.ts'
import type { Clock } from '../ports.ts'
import type { Receipt } from './api.ts'
import type { Consistency, Keyed, KeyedPage, KeyedRead, Watcher, WriteOrder } from './keyed.ts'
import type { Member } from './member.ts'
import { MemberReceipts, type Target } from './member-receipts.ts'
import type { MintRequest, Named } from './minting.ts'
import { reachedWithin } from './receipt.ts'

const lookAgainMs = 1000
/** The counts of so many keys are remembered. */
const countedKeys = 10_000

export class MemberKeyed implements Keyed {
  readonly receipts: MemberReceipts
  readonly #member: Member
  readonly #r: number
  readonly #w: number
  /** Drawn anew at each start, and whenever the counts are forgotten: no count of one name is used twice. */
  #by = ''
  readonly #counts = new Map<string, number>()
  readonly #watchers = new Set<Watcher>()
  #closed = false

  constructor(member: Member, r: number, w: number) {
    this.#member = member
    this.receipts = new MemberReceipts(member, w)
    this.#r = r
    this.#w = w
    this.#forgetCounts()
  }

  now(): number {
    return this.#member.world.clock.now()
  }

  get clock(): Clock {
    return this.#member.world.clock
  }

  /** What an owner has is a copy to start from once no other owner answers; until then all of them are asked. */
  holds(key: Key): boolean {
    const { id, view, world } = this.#member
    const { owners } = placementOf(view.ring, key.position)
    return owners.includes(id) && owners.every((peer) => peer === id || world.links.isSuspect(peer))
  }

  async read(
    key: Key,
    consistency: Consistency,
    numbers: Pick<Numbers, 'r' | 'pr'> = {},
  ): Promise<KeyedRead> {
    if (consistency === 'local' && this.#owns(key)) {
      const state = this.#shown((await this.#member.records.read(key)).state)
      return { state, source: 'local', pending: 0, stage: undefined, missing: this.#r }
    }
    const demands = readDemands(this.#member.world, this.#r, consistency, numbers)
    const { state, missing } = await this.#member.get(key, demands)
    const shown = this.#shown(state)
    return { state: shown, source: 'quorum', pending: 0, stage: undefined, missing }
  }

  async list(asked: PageAsked, consistency: Consistency): Promise<KeyedPage> {
    const isLocal = consistency === 'local' && this.#owns(asked.prefix)
    const demands = readDemands(this.#member.world, this.#r, consistency, {})
    const { items, upTo, missing } = await this.#member.list(asked, isLocal ? 'local' : demands)
    const reads = items.map(({ key, state }) => ({
      key,
      state: this.#shown(state),
      source: isLocal ? ('local' as const) : ('quorum' as const),
      pending: 0,
      stage: undefined,
      missing: isLocal ? this.#r : missing,
    }))
    return { reads, upTo }
  }

  async write({ key, context, value, ack, demands: asked }: WriteOrder): Promise<Receipt> {
    const { random, self, clock, limits } = this.#member.world
    const request = random.bytes(16)
    const demands = writeDemands(this.#member.world, this.#w, asked)
    const order = { kind: 'mint', key, context, value, ...demands, origin: self, request } as const
    if (ack === 'device') return this.#writeHere(order)
    const receipt = this.receipts.written(key, await this.#member.write(order))
    if (ack === 'everywhere') await reachedWithin(clock, limits.requestMs, receipt, ack)
    return receipt
  }

  /** Resolves with the first durable acknowledgement: this peer's own, or that of the owner that it was passed to. */
  async #writeHere(order: MintRequest): Promise<Receipt> {
    const { key } = order
    let target: Target | undefined
    const { promise: kept, resolve } = Promise.withResolvers<Named>()
    const stored = (named: Named): void => {
      if (target !== undefined) target.dot = named.dot
      target ??= { key, dot: named.dot }
      resolve(named)
    }
    const writing = this.#member.write({ ...order, stored })
    const first = await Promise.race([kept, writing])
    if ('acks' in first) return this.receipts.written(key, first)
    const isBuffered = this.#member.world.buffering.durabilityOf(order) === 'buffered'
    return this.receipts.stored(target!, first.context, writing, isBuffered)
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
    this.receipts.close()
  }

  #forgetCounts(): void {
    this.#by = toBase64Url(this.#member.world.random.bytes(12))
    this.#counts.clear()
  }

  #shown(state: ObjectState): ObjectState {
    return this.#member.world.rules.shownAt(state, this.now())
  }

  #owns(key: Key): boolean {
    const { owners } = placementOf(this.#member.view.ring, key.position)
    return owners.includes(this.#member.id)
  }
}
