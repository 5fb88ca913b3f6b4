/**
 * The receipts of an application that runs inside a member.
 *
 * Its writes are minted by an owner and kept by the owners, so nothing of a receipt is stored: its id says what it was
 * given out for, and the owners say how far the write has got. They are asked only while somebody waits, or while a
 * write has not reached its quorum; soon at first, and then ever more rarely.
 */
import type { Key } from '../data/key.ts'
import type { Dot, Seen } from '../data/vector.ts'
import { contextToText } from '../protocol/context.ts'
import { type Stage, stages } from '../protocol/copy.ts'
import { RingletError } from '../protocol/errors.ts'
import { ringHash } from '../protocol/view.ts'
import { placementOf } from '../protocol/placement.ts'
import { isForgotten } from '../protocol/reconcile.ts'
import { hostsOf } from '../protocol/quorum.ts'
import { farWriteOfId, idOfFarWrite } from '../protocol/receipt-id.ts'
import type { Written } from './coordinator.ts'
import type { Member } from './member.ts'
import { durableAcks } from './durable-acks.ts'
import { closedError, LiveReceipt, tooManyAwaited } from './receipt.ts'
import { Receipts } from './receipts.ts'

/** Pauses before the owners are asked again whether they have a write that somebody waits for. */
const pausesMs = [100, 500, 1000, 2000, 5000]
/** So many writes are asked about at one time. */
const awaitedWrites = 1000

/** A write whose receipt is out. */
export interface Target {
  readonly key: Key
  /** Another, once the write had to be minted again. */
  dot: Dot
}

interface Awaited {
  readonly target: Target
  /** How far somebody wants to see it. */
  stage: Stage
  stop(): void
}

export class MemberReceipts {
  readonly #member: Member
  readonly #w: number
  readonly #receipts = new Receipts()
  readonly #awaited = new Map<LiveReceipt, Awaited>()
  readonly #listeners = new Set<() => void>()
  #closed = false

  constructor(member: Member, w: number) {
    this.#member = member
    this.#w = w
  }

  /** How many writes no quorum is known to have. */
  get pending(): number {
    let pending = 0
    for (const { stage } of this.#awaited.keys()) if (stage === 'device') pending++
    return pending
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  /** A write that W hosts have. */
  written(key: Key, { dot, context, acks, buffered, hints }: Written): LiveReceipt {
    const receipt = this.#make({ key, dot }, context, 'quorum')
    receipt.advance({ stage: 'quorum', acks, buffered, hints })
    return receipt
  }

  /** A write that this member alone is known to have, while `writing` goes on. */
  stored(
    target: Target,
    context: Seen,
    writing: Promise<Written>,
    isBuffered: boolean,
  ): LiveReceipt {
    const receipt = this.#make(target, context, 'device')
    const acks = [this.#member.id]
    receipt.advance({ stage: 'device', acks, buffered: isBuffered ? acks : [] })
    this.#await(receipt, target, 'quorum', writing)
    return receipt
  }

  /** Made again from its id; undefined for what is none. */
  find(id: string): LiveReceipt | undefined {
    const live = this.#receipts.get(id)
    if (live !== undefined) return live
    const write = farWriteOfId(this.#ring(), id)
    return write && this.#make(write, write.context, write.stage, id)
  }

  close(): void {
    this.#closed = true
    for (const [receipt, { stop }] of this.#awaited) {
      stop()
      receipt.fail(closedError())
    }
    this.#awaited.clear()
  }

  #make(target: Target, context: Seen, stage: 'device' | 'quorum', known?: string): LiveReceipt {
    const { key, dot } = target
    const id = known ?? idOfFarWrite(this.#ring(), { key, dot, context, stage })
    const wanted = (far: Stage): void => this.#await(receipt, target, far)
    const receipt: LiveReceipt = new LiveReceipt(id, contextToText(key, context), stage, wanted)
    this.#receipts.keep(receipt)
    return receipt
  }

  /** Sees to it that this receipt hears when its write gets so far. */
  #await(receipt: LiveReceipt, target: Target, stage: Stage, writing?: Promise<Written>): void {
    if (this.#closed) return receipt.fail(closedError())
    const awaited = this.#awaited.get(receipt)
    if (awaited !== undefined) {
      if (rank(stage) > rank(awaited.stage)) awaited.stage = stage
      return
    }
    this.#shedOldest()
    this.#awaited.set(receipt, { target, stage, stop: () => {} })
    this.#changed()
    if (writing === undefined) this.#goOn(receipt, 0)
    else this.#member.world.tasks.run('write', this.#settle(receipt, writing))
  }

  #shedOldest(): void {
    const [oldest] = this.#awaited
    if (oldest === undefined || this.#awaited.size < awaitedWrites) return
    const [receipt, { stop }] = oldest
    stop()
    receipt.giveUp(tooManyAwaited(this.#awaited.size))
    this.#awaited.delete(receipt)
  }

  async #settle(receipt: LiveReceipt, writing: Promise<Written>): Promise<void> {
    try {
      const { acks, buffered, hints } = await writing
      receipt.advance({ stage: 'quorum', acks, buffered, hints })
    } catch {
      // It is durable here and goes on from here to the other owners: they are asked when they have it.
    }
    this.#goOn(receipt, 0)
  }

  /** Asks the owners after a pause, unless the receipt is as far as anybody wants. */
  #goOn(receipt: LiveReceipt, times: number): void {
    const awaited = this.#awaited.get(receipt)
    if (awaited === undefined) return
    if (rank(receipt.stage) >= rank(awaited.stage)) {
      this.#awaited.delete(receipt)
      return this.#changed()
    }
    const { clock, tasks } = this.#member.world
    const pause = times === 0 ? 0 : pausesMs[Math.min(times, pausesMs.length) - 1]!
    // A timer, not a task: closing need not wait for a pause.
    awaited.stop = clock.after(pause, () => tasks.run('receipt', this.#ask(receipt, times)))
  }

  async #ask(receipt: LiveReceipt, times: number): Promise<void> {
    const awaited = this.#awaited.get(receipt)
    if (awaited === undefined) return
    const { key, dot } = awaited.target
    try {
      const covered = await this.#member.coveredBy(key, dot)
      const { by } = covered
      const { hostOf, owners } = placementOf(this.#member.view.ring, key.position)
      const hosts = hostsOf(by.map((peer) => ({ peer, host: hostOf(peer) })))
      const wasAtQuorum = rank(receipt.stage) >= rank('quorum')
      if (wasAtQuorum && isForgotten(covered, durableAcks(receipt), owners))
        receipt.advance({ stage: 'everywhere' })
      else if (this.#member.world.rules.isEverywhere(covered, owners))
        receipt.advance({ stage: 'everywhere', acks: by })
      else if (hosts >= this.#w) receipt.advance({ stage: 'quorum', acks: by })
    } catch (error) {
      // A disk that cannot be read just now may be readable the next time; so may an owner have left the ring.
      if (!(error instanceof RingletError || error instanceof RangeError)) throw error
    }
    this.#goOn(receipt, times + 1)
  }

  #changed(): void {
    for (const changed of this.#listeners) changed()
  }

  #ring(): string {
    return ringHash(this.#member.view.identity)
  }
}

function rank(stage: Stage): number {
  return stages.indexOf(stage)
}
