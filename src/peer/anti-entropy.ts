/**
 * Anti-entropy: two owners find what they do not hold alike, and end alike (paper §4.7).
 *
 * Hints are lost with the disks that hold them, and repair sees only what is read. So each peer now and then walks
 * down with a neighbour from the folds of all common partitions to the few keys that differ, and they exchange those
 * states both ways. The bytes grow with the differences, not with the keys. Every so often a fresh salt is mixed in,
 * so that neither a drifted fold nor a crafted collision hides a difference for good.
 */
import { type Bytes, emptyBytes, equalBytes } from '../data/bytes.ts'
import type { Digest } from '../data/hash.ts'
import type { Key } from '../data/key.ts'
import { type ObjectState, sameState, weightOf } from '../data/siblings.ts'
import type { Item } from '../protocol/listing.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { ReplyOf, Request } from '../protocol/message.ts'
import { absorb } from './absorb.ts'
import { ask } from './ask.ts'
import type { Failure } from './failure.ts'
import {
  differing,
  foldsOf,
  type Listed,
  listPartition,
  slotCount,
  slotFolds,
  slotOf,
  statesOf,
} from './comparison.ts'
import type { Records } from './records.ts'
import { single } from './tasks.ts'
import type { MemberWorld } from './world.ts'

/** Every how many exchanges one is salted. */
const saltEvery = 5
/** A salted exchange reads every record that it compares: of a large store it takes a part at a time. */
const saltedRecords = 10_000
/** If more of a partition's slots differ than this, one list of all its keys is the shorter way. */
const manySlots = 8

/** One comparison. `whole`: nothing may be left over for the next one. */
interface Walk {
  readonly peer: PeerId
  readonly salt: Bytes
  readonly whole: boolean
}

/** The other side stopped answering: the rest waits for the next exchange. */
class Interrupted extends Error {}

export class AntiEntropy {
  readonly #world: MemberWorld
  readonly #records: Records
  /** Awake time of the next exchange with each neighbour. */
  readonly #due = new Map<PeerId, number>()
  #count = 0
  /** Starts the exchanges that are due, unless some still run. */
  readonly tick: () => void

  constructor(world: MemberWorld, records: Records) {
    this.#world = world
    this.#records = records
    this.tick = single(world.tasks, 'anti-entropy', () => this.#exchangeDue())
  }

  /** A neighbour came back, or the view changed: compare with it at the next tick. */
  soon(peer: PeerId): void {
    this.#due.set(peer, this.#world.clock.elapsed())
  }

  async #exchangeDue(): Promise<void> {
    const { self, links, clock, limits, random, rules } = this.#world
    for (const { record } of this.#world.view().members) {
      const { peer } = record
      if (peer === self || links.isSuspect(peer)) continue
      const now = clock.elapsed()
      const due = this.#due.get(peer) ?? now
      if (due > now) continue
      this.#due.set(peer, now + limits.antiEntropyMs * (0.5 + random.fraction()))
      if (rules.isSalted(++this.#count, saltEvery))
        await this.#exchangeSalted(peer, random.bytes(8))
      else await this.exchangeWith(peer)
    }
  }

  /** Part after part of the ring, from one salted exchange to the next. */
  #exchangeSalted(peer: PeerId, salt: Bytes): Promise<number> {
    const { q } = this.#world.view().identity
    const records = this.#records.digests.count ?? 0
    const parts = Math.min(q, 2 ** Math.ceil(Math.log2(Math.max(1, records / saltedRecords))))
    const width = q / parts
    const from = ((this.#count / saltEvery) * width) % q
    return this.exchangeWith(peer, { from, to: from + width, salt })
  }

  /** One comparison with a neighbour, of the whole ring by default; resolves with how many keys differed. */
  async exchangeWith(
    peer: PeerId,
    { from, to, salt } = { from: 0, to: this.#world.view().identity.q, salt: emptyBytes },
  ): Promise<number> {
    try {
      const differed = await this.#descend({ peer, salt, whole: false }, from, to)
      if (differed > 0) {
        this.#world.say({ type: 'exchange', to: peer, detail: `${differed} keys` })
      }
      return differed
    } catch (error) {
      if (error instanceof Interrupted) return 0
      throw error
    }
  }

  /**
   * Takes all that the other side holds of the partitions that both own, read and verified; resolves with whether it
   * came to the end.
   */
  async takeAll(peer: PeerId, from: number, to: number): Promise<boolean> {
    const { random, rules } = this.#world
    const salt = rules.verifiesRefill() ? random.bytes(8) : emptyBytes
    return this.#toTheEnd(peer, async () => {
      return this.#descend({ peer, salt, whole: true }, from, to)
    })
  }

  /** Takes all that the other side holds of this key; resolves with whether it answered. */
  async takeKey(peer: PeerId, key: Key): Promise<boolean> {
    return this.#toTheEnd(peer, async () => {
      const walk = { peer, salt: emptyBytes, whole: false }
      await this.#exchangeEach(walk, await statesOf(this.#records, [key]))
      return 1
    })
  }

  async #toTheEnd(peer: PeerId, work: () => Promise<number>): Promise<boolean> {
    try {
      const differed = await work()
      if (differed > 0) this.#world.say({ type: 'refill', to: peer, detail: `${differed} keys` })
      return true
    } catch (error) {
      if (error instanceof Interrupted) return false
      throw error
    }
  }

  async #descend(walk: Walk, from: number, to: number): Promise<number> {
    const { peer, salt, whole } = walk
    // Who takes all need not look where the differences are.
    if (whole && to - from > slotCount) {
      let differed = 0
      for (let at = from; at < to; at += slotCount) {
        differed += await this.#descend(walk, at, Math.min(to, at + slotCount))
      }
      return differed
    }
    const parts = Math.min(slotCount, to - from)
    const width = (to - from) / parts
    const mine = await this.#world.pace.background(() => {
      return foldsOf(this.#world, this.#records, peer, { from, to, parts, salt })
    })
    const { digests: theirs } = await this.#ask(
      walk,
      { type: 'folds', from, to, parts, salt },
      'folds',
    )
    const starts = differingAt(mine, theirs).map((part) => from + part * width)
    if (width === 1 && walk.whole) return this.#compareAll(walk, starts)
    let differed = 0
    for (const start of starts) {
      differed +=
        width > 1
          ? await this.#descend(walk, start, start + width)
          : await this.#comparePartition(walk, start)
    }
    return differed
  }

  /** By its slots, so that a few differences cost little; as one list, if they are many. */
  async #comparePartition(walk: Walk, partition: number): Promise<number> {
    const { salt } = walk
    const mine = await listPartition(this.#world, this.#records, partition, salt)
    const most = this.#world.limits.fewKeys
    const few = await this.#ask(
      walk,
      { type: 'keys', partition, slot: undefined, salt, most },
      'keys',
    )
    if (few.slots.length === 0) return this.#reconcile(walk, mine, few.keys)
    return this.#compareSlots(walk, partition, mine, few.slots)
  }

  /**
   * Of a store that has next to nothing each partition differs, and most are small: asked for one by one they would take two
   * round trips each. So the lists of many come with one answer, and their keys go together.
   */
  async #compareAll(walk: Walk, partitions: readonly number[]): Promise<number> {
    const { salt } = walk
    const most = this.#world.limits.fewKeys
    let differed = 0
    for (let at = 0; at < partitions.length;) {
      const [partition, ...also] = partitions.slice(at) as [number, ...number[]]
      const question = { type: 'keys', partition, slot: undefined, salt, most, also } as const
      const theirs = await this.#ask(walk, question, 'keys')
      const listed = partitions.slice(at, at + 1 + (theirs.also ?? 0))
      const mine: Listed[] = []
      for (const each of listed) {
        mine.push(...(await listPartition(this.#world, this.#records, each, salt)))
      }
      differed +=
        theirs.slots.length === 0
          ? await this.#reconcile(walk, mine, theirs.keys)
          : await this.#compareSlots(walk, partition, mine, theirs.slots)
      at += listed.length
    }
    return differed
  }

  async #compareSlots(
    walk: Walk,
    partition: number,
    mine: readonly Listed[],
    folds: readonly Digest[],
  ): Promise<number> {
    const { salt } = walk
    const { listedKeys } = this.#world.limits
    const question = { type: 'keys', partition, slot: undefined, salt } as const
    const slots = differingAt(slotFolds(mine), folds)
    if (slots.length > manySlots) {
      const all = await this.#ask(walk, { ...question, most: listedKeys }, 'keys')
      if (all.slots.length === 0) return this.#reconcile(walk, mine, all.keys)
    }
    let differed = 0
    for (const slot of slots) {
      const theirs = await this.#ask(walk, { ...question, slot, most: listedKeys }, 'keys')
      const ours = mine.filter(({ key }) => slotOf(key) === slot)
      differed += await this.#reconcile(walk, ours, theirs.keys)
    }
    return differed
  }

  /** Exchanges the states of all keys that two lists do not hold alike. */
  async #reconcile(
    walk: Walk,
    mine: readonly Listed[],
    theirs: readonly Listed[],
  ): Promise<number> {
    const keys = differing(mine, theirs)
    for await (const items of this.#batches(keys)) {
      const isAll = await this.#exchange(walk, items)
      if (walk.whole && !isAll) await this.#exchangeEach(walk, items)
    }
    return keys.length
  }

  /** One by one, until the other side has no more to tell of each. */
  async #exchangeEach(walk: Walk, items: readonly Item[]): Promise<void> {
    for (const { key } of items) {
      for (let before: ObjectState | undefined; ;) {
        const [item] = await statesOf(this.#records, [key])
        if (await this.#exchange(walk, [item!])) break
        // Who tells nothing new, and has not told all, is to be asked another time.
        if (before !== undefined && sameState(before, item!.state)) throw new Interrupted('in part')
        before = item!.state
      }
    }
  }

  /** Tells these states and takes what the other side knows more; resolves with whether that was all. */
  async #exchange(walk: Walk, items: readonly Item[]): Promise<boolean> {
    const reply = await this.#ask(walk, { type: 'exchange', items }, 'exchanged')
    const take = (): Promise<unknown> =>
      Promise.all(
        reply.items.map(({ key, state }) =>
          absorb(this.#world, this.#records, key, state, 'as owner'),
        ),
      )
    await (walk.whole ? this.#world.pace.background(take) : take())
    // What the other side does not own in its own view it has not told.
    return reply.cut !== true && !reply.taken.includes(false)
  }

  /** The states of these keys, no more at once than a batch may weigh. */
  async *#batches(keys: readonly Key[]): AsyncGenerator<Item[]> {
    const { batchBytes, batchItems } = this.#world.limits
    let batch: Item[] = []
    let weight = 0
    for (const key of keys) {
      const [item] = await statesOf(this.#records, [key])
      // What is large goes alone.
      if (batch.length > 0 && weightOf(item!.state) > batchBytes) {
        yield batch
        batch = []
        weight = 0
      }
      batch.push(item!)
      weight += weightOf(item!.state)
      if (batch.length < batchItems && weight < batchBytes) continue
      yield batch
      batch = []
      weight = 0
    }
    if (batch.length > 0) yield batch
  }

  /**
   * Who takes all is told thousands of times, each time by somebody who rests before it answers: the own rest goes by what is
   * done here with the answer, and not by how long that took to come.
   */
  async #ask<T extends 'folds' | 'keys' | 'exchanged'>(
    { peer, whole }: Walk,
    request: Request,
    expected: T,
  ): Promise<ReplyOf<T>> {
    const { pace, limits } = this.#world
    const options = { lane: 'background', deadlineMs: limits.requestMs } as const
    const question = (): Promise<ReplyOf<T> | Failure> =>
      ask(this.#world, peer, request, expected, options)
    const reply = await (whole ? question() : pace.background(question))
    if ('failed' in reply) throw new Interrupted(reply.why)
    return reply as ReplyOf<T>
  }
}

function differingAt(mine: readonly Digest[], theirs: readonly Digest[]): number[] {
  return mine.flatMap((digest, i) => {
    const other = theirs[i]
    return other !== undefined && equalBytes(digest, other) ? [] : [i]
  })
}
