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
import { partsOf, weightOf } from '../data/parts.ts'
import type { ObjectState } from '../data/siblings.ts'
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
import { partBytes } from './in-parts.ts'
import type { Records } from './records.ts'
import { single } from './tasks.ts'
import type { World } from './world.ts'

/** Every how many exchanges one is salted. */
const saltEvery = 5
/** A salted exchange reads every record that it compares: of a large store it takes a part at a time. */
const saltedRecords = 10_000
/** If more of a partition's slots differ than this, one list of all its keys is the shorter way. */
const manySlots = 8

/** The other side stopped answering: the rest waits for the next exchange. */
class Interrupted extends Error {}

export class AntiEntropy {
  readonly #world: World
  readonly #records: Records
  /** Awake time of the next exchange with each neighbour. */
  readonly #due = new Map<PeerId, number>()
  #count = 0
  /** Starts the exchanges that are due, unless some still run. */
  readonly tick: () => void

  constructor(world: World, records: Records) {
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
      const differed = await this.#descend(peer, from, to, salt)
      if (differed > 0) {
        this.#world.say({ type: 'exchange', to: peer, detail: `${differed} keys` })
      }
      return differed
    } catch (error) {
      if (error instanceof Interrupted) return 0
      throw error
    }
  }

  async #descend(peer: PeerId, from: number, to: number, salt: Bytes): Promise<number> {
    const parts = Math.min(slotCount, to - from)
    const width = (to - from) / parts
    const mine = await foldsOf(this.#world, this.#records, peer, { from, to, parts, salt })
    const { digests: theirs } = await this.#ask(
      peer,
      { type: 'folds', from, to, parts, salt },
      'folds',
    )
    let differed = 0
    for (const part of differingAt(mine, theirs)) {
      const start = from + part * width
      differed +=
        width > 1
          ? await this.#descend(peer, start, start + width, salt)
          : await this.#comparePartition(peer, start, salt)
    }
    return differed
  }

  /** By its slots, so that a few differences cost little; as one list, if they are many. */
  async #comparePartition(peer: PeerId, partition: number, salt: Bytes): Promise<number> {
    const { fewKeys, listedKeys } = this.#world.limits
    const question = { type: 'keys', partition, slot: undefined, salt } as const
    const mine = await listPartition(this.#world, partition, salt)
    const few = await this.#ask(peer, { ...question, most: fewKeys }, 'keys')
    if (few.slots.length === 0) return this.#reconcile(peer, mine, few.keys)
    const slots = differingAt(slotFolds(mine), few.slots)
    if (slots.length > manySlots) {
      const all = await this.#ask(peer, { ...question, most: listedKeys }, 'keys')
      if (all.slots.length === 0) return this.#reconcile(peer, mine, all.keys)
    }
    let differed = 0
    for (const slot of slots) {
      const theirs = await this.#ask(peer, { ...question, slot, most: listedKeys }, 'keys')
      const ours = mine.filter(({ key }) => slotOf(key) === slot)
      differed += await this.#reconcile(peer, ours, theirs.keys)
    }
    return differed
  }

  /** Exchanges the states of all keys that two lists do not hold alike. */
  async #reconcile(
    peer: PeerId,
    mine: readonly Listed[],
    theirs: readonly Listed[],
  ): Promise<number> {
    const keys = differing(mine, theirs)
    for await (const items of this.#batches(keys)) await this.#exchange(peer, items)
    return keys.length
  }

  async #exchange(peer: PeerId, items: { key: Key; state: ObjectState }[]): Promise<void> {
    const [only, ...others] = items
    const messages =
      only !== undefined && others.length === 0
        ? partsOf(only.state, partBytes(this.#world.limits)).map((state) => [{ ...only, state }])
        : [items]
    for (const message of messages) {
      const reply = await this.#ask(peer, { type: 'exchange', items: message }, 'exchanged')
      await Promise.all(
        reply.items.map(({ key, state }) =>
          absorb(this.#world, this.#records, key, state, 'as owner'),
        ),
      )
    }
  }

  /** The states of these keys, no more at once than a batch may weigh. */
  async *#batches(keys: readonly Key[]): AsyncGenerator<{ key: Key; state: ObjectState }[]> {
    const { limits } = this.#world
    const { batchBytes, batchItems } = limits
    let batch: { key: Key; state: ObjectState }[] = []
    let weight = 0
    for (const key of keys) {
      const [item] = await statesOf(this.#records, [key])
      // What is to go in parts goes alone.
      if (batch.length > 0 && weightOf(item!.state) > partBytes(limits)) {
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

  async #ask<T extends 'folds' | 'keys' | 'exchanged'>(
    peer: PeerId,
    request: Request,
    expected: T,
  ): Promise<ReplyOf<T>> {
    const options = { lane: 'background', deadlineMs: this.#world.limits.requestMs } as const
    const reply: ReplyOf<T> | Failure = await ask(this.#world, peer, request, expected, options)
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
