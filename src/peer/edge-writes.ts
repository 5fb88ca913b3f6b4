/**
 * How an edge writes: here first, where it follows the key or must keep it; else through a member.
 *
 * A write that is minted here is safe from the network, and costs this device an actor of the key for good. A put of a
 * key that somebody wrote once in passing is better minted by an owner; only when nobody can be asked is it kept here.
 */
import { type Key, showKey } from '../data/key.ts'
import type { Dot } from '../data/vector.ts'
import { contextToText } from '../protocol/context.ts'
import { lastingName, withWrite } from '../protocol/copy.ts'
import { outcomeUnknown, StorageError } from '../protocol/errors.ts'
import { type WriteDemands, writeDemands } from '../protocol/demands.ts'
import { ringHash } from '../protocol/view.ts'
import type { ReplyOf } from '../protocol/message.ts'
import { type FarWrite, farWriteOfId, idOfFarWrite } from '../protocol/receipt-id.ts'
import type { Receipt } from './api.ts'
import { type Copies, nameOf } from './copies.ts'
import { errorOfFailure, type Failure, isFailure } from './failure.ts'
import type { WriteOrder } from './keyed.ts'
import { LiveReceipt, reachedWithin } from './receipt.ts'
import type { RingSide } from './ring-side.ts'
import type { World } from './world.ts'

export interface EdgeWritesOptions {
  readonly world: World
  readonly copies: Copies
  readonly w: number
  /** The lasting names of writes that somebody may have seen. */
  readonly attempted: Set<string>
  /** The side that faces the ring, once it is there. */
  side(): RingSide | undefined
  /** Asks a member to coordinate a put. */
  forward(order: WriteOrder, demands: WriteDemands): Promise<ReplyOf<'written'> | Failure>
  /** Looks for the moment at which all owners have a write that a member minted. */
  confirm(key: Key, dot: Dot, receipt: LiveReceipt): void
}

export class EdgeWrites {
  readonly #options: EdgeWritesOptions

  constructor(options: EdgeWritesOptions) {
    this.#options = options
  }

  async write(order: WriteOrder): Promise<Receipt> {
    const { key, write } = order
    // What means nothing is refused here, before it is kept and can never be delivered.
    if (order.demands !== undefined) this.#demandsOf(order)
    const mustKeep = order.ack === 'device' || this.keeps(key)
    if (mustKeep) {
      const elsewhere = await this.#options.side()?.elsewhere(order, () => this.#forward(order))
      if (typeof elsewhere === 'object') return elsewhere
      const isUncertain = elsewhere === 'uncertain'
      return this.#keep(order, mustKeep, isUncertain).catch((error: unknown) => {
        throw isUncertain ? outcomeUnknown(error) : error
      })
    }
    // Durable before it leaves: after a crash, the value may already hold what this count added.
    if (write !== undefined) await this.#options.copies.countTo(key, write.count)
    return (await this.#forward(order)) ?? this.#keep(order, mustKeep)
  }

  async #keep(order: WriteOrder, mustKeep: boolean, isUncertain = false): Promise<Receipt> {
    const { key, ack, write } = order
    let receipt: LiveReceipt
    try {
      receipt = await this.#mint(order, isUncertain)
    } catch (error) {
      // This device cannot keep it: the ring may, if that is what the writer asked for and nothing must be counted.
      const mayForward = mustKeep && ack !== 'device' && write === undefined
      if (!(error instanceof StorageError) || !mayForward) throw error
      const forwarded = await this.#forward(order)
      if (forwarded === undefined) throw error
      return forwarded
    }
    this.#options.side()?.kick(key)
    if (ack !== 'device') await this.#within(receipt, ack)
    return receipt
  }

  /** Whether a write of this key is kept here first: it is followed, or earlier ones are still on their way. */
  keeps(key: Key): boolean {
    const { followed, writes } = this.#options.copies.of(key)
    return followed || writes.length > 0
  }

  /**
   * Durable on this device when it resolves; from here on the network can only delay it. What a member may have written
   * already may stand twice, and is never said to be nowhere.
   */
  async #mint(order: WriteOrder, mayStand: boolean): Promise<LiveReceipt> {
    const { key, context, value } = order
    const demands = order.demands && this.#demandsOf(order)
    const { attempted } = this.#options
    const held = await this.#options.copies.mint(key, (before, takeEpoch, generation) => {
      const after = withWrite(before, {
        context,
        value,
        demands,
        w: this.#options.w,
        generation,
        takeEpoch,
        unsent: (own) => !attempted.has(lastingName(own)),
      })
      if (mayStand) attempted.add(lastingName(after.writes.at(-1)!))
      return after
    })
    const own = held.writes.at(-1)!
    this.#options.world.say({ type: 'mint', key: showKey(key), dot: nameOf(own.dot) })
    const seen = this.#options.world.rules.contextAfterPut(context, own.dot, held.copy)
    return this.#options.copies.receipts.open(own.ids[0]!, contextToText(key, seen))
  }

  /** A put that is not kept here; undefined when it provably reached nobody. */
  async #forward(order: WriteOrder): Promise<Receipt | undefined> {
    const { key, context, ack } = order
    const answer = await this.#options.forward(order, this.#demandsOf(order))
    if (isFailure(answer)) {
      if (answer.refusal === undefined && !answer.sent) return undefined
      throw errorOfFailure(answer)
    }
    const { dot, acks, buffered, hints } = answer
    const { rules } = this.#options.world
    const seen = rules.contextAfterPut(context, dot, this.#options.copies.of(key).copy)
    const write: FarWrite = { key, dot, context: seen, stage: 'quorum' }
    const receipt = this.#farReceipt(idOfFarWrite(this.#ring(), write), write)
    receipt.advance({ stage: 'quorum', acks, buffered, hints })
    if (ack === 'everywhere') await this.#within(receipt, ack)
    return receipt
  }

  /** The receipt of a write that a member minted, made again from its id; nothing else of it is kept here. */
  receipt(id: string): Receipt | undefined {
    const write = farWriteOfId(this.#ring(), id)
    return write && this.#farReceipt(id, write)
  }

  #farReceipt(id: string, { key, dot, context, stage }: FarWrite): LiveReceipt {
    const wanted = (): void => this.#options.confirm(key, dot, receipt)
    const receipt: LiveReceipt = new LiveReceipt(id, contextToText(key, context), stage, wanted)
    this.#options.copies.receipts.keep(receipt)
    return receipt
  }

  #demandsOf({ demands }: WriteOrder): WriteDemands {
    const { world, w } = this.#options
    return writeDemands(world, w, demands)
  }

  #ring(): string {
    return ringHash(this.#options.world.view().identity)
  }

  #within(receipt: LiveReceipt, stage: 'quorum' | 'everywhere'): Promise<void> {
    const { clock, limits } = this.#options.world
    return reachedWithin(clock, limits.requestMs, receipt, stage)
  }
}
