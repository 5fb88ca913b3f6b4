/**
 * The outbox of an edge: own writes on their way to the ring.
 *
 * A write is delivered as what it is, a dot with its context and value, so that order and repeats do not matter. It
 * is delivered until a quorum has confirmed it; after that the owners are only asked whether they all cover it. A
 * refusal is final only if no earlier attempt can have reached anybody.
 */
import type { Key } from '../data/key.ts'
import type { Dot } from '../data/vector.ts'
import { changeWrite, mintedAgain, type OwnWrite } from '../protocol/copy.ts'
import { isRefusedOnItsMerits } from '../protocol/errors.ts'
import type { Reply, ReplyOf, Request } from '../protocol/message.ts'
import { errorOfRefusal, type Failure } from './ask.ts'
import type { Copies } from './copies.ts'
import type { LiveReceipt } from './receipt.ts'
import { single } from './tasks.ts'
import type { World } from './world.ts'

export interface OutboxOptions {
  readonly w: number
  readonly seed: Uint8Array
  askMember<T extends Reply['type']>(
    key: Key,
    request: Request,
    expected: T,
  ): Promise<ReplyOf<T> | Failure>
  /** Asks the owners for the key anew. */
  refresh(key: Key): Promise<void>
}

/** Pauses before the owners are asked again: soon at first, for most writes are everywhere at once. */
const pausesMs = [100, 500, 1000, 2000, 5000]

export class Outbox {
  readonly #world: World
  readonly #copies: Copies
  readonly #options: OutboxOptions
  /** Dots whose delivery was tried in this session: their fate may be unknown. */
  readonly #attempted = new Set<string>()
  /** Dots that are asked about, and when and how often. */
  readonly #asking = new Map<string, { due: number; times: number }>()
  /** What an earlier session left may have been sent by it. */
  readonly #inherited: ReadonlySet<string>
  /** Forwarded writes whose writer waits for every owner. */
  readonly #awaited = new Map<LiveReceipt, { readonly key: Key; readonly dot: Dot }>()
  readonly #round: () => void
  #again = false
  #closed = false

  constructor(world: World, copies: Copies, options: OutboxOptions) {
    this.#world = world
    this.#copies = copies
    this.#options = options
    const left = copies.unsettled().flatMap((key) => copies.of(key).writes)
    this.#inherited = new Set(left.map(({ dot }) => nameOf(dot)))
    this.#round = single(world.tasks, 'outbox', () => this.#deliverAll())
  }

  /** Whether some member may have seen this write. */
  attempted(own: OwnWrite): boolean {
    const name = nameOf(own.dot)
    return this.#attempted.has(name) || this.#inherited.has(name)
  }

  /** There is something to deliver, or somebody to deliver it to. */
  kick(): void {
    this.#again = true
    if (!this.#closed) this.#round()
  }

  tick(): void {
    if (!this.#closed && (this.#copies.unsettled().length > 0 || this.#awaited.size > 0))
      this.#round()
  }

  awaitEverywhere(key: Key, dot: Dot, receipt: LiveReceipt): void {
    this.#awaited.set(receipt, { key, dot })
    this.kick()
  }

  close(): void {
    this.#closed = true
  }

  async #deliverAll(): Promise<void> {
    do {
      this.#again = false
      const keys = this.#copies.unsettled()
      const lanes = Math.min(this.#world.limits.deliveriesInFlight, keys.length)
      await Promise.all(Array.from({ length: lanes }, () => this.#work(keys)))
      for (const [receipt, { key, dot }] of this.#awaited) {
        if (!(await this.#isEverywhere(key, dot))) continue
        this.#awaited.delete(receipt)
        receipt.advance({ stage: 'everywhere' })
      }
    } while (this.#again && !this.#closed)
  }

  /** One of several that take keys from the same list until it is empty. */
  async #work(keys: Key[]): Promise<void> {
    for (let key = keys.shift(); key !== undefined; key = keys.shift()) {
      for (const own of this.#copies.of(key).writes) {
        if (this.#closed) return
        if (own.stage === 'device') await this.#deliver(key, own)
        else if (own.stage === 'quorum') await this.#confirm(key, own)
        else await this.#options.refresh(key)
      }
    }
  }

  async #deliver(key: Key, own: OwnWrite): Promise<void> {
    const { dot, context, value } = own
    const { w, seed } = this.#options
    const uncertain = this.attempted(own)
    this.#attempted.add(nameOf(dot))
    const origin = this.#world.self
    const request: Request = {
      type: 'deliver',
      key,
      dot,
      context,
      value,
      origin,
      seed,
      w,
      direct: false,
    }
    const answer = await this.#options.askMember(key, request, 'written')
    this.#world.say({
      type: 'deliver',
      dot: nameOf(dot),
      result: 'failed' in answer ? answer.why : 'ok',
    })
    if (!('failed' in answer)) return this.#delivered(key, own, answer)
    if (!answer.sent && answer.refusal === undefined) this.#forget(own, uncertain)
    const isFinal = answer.refusal?.outcome === 'refused' && isRefusedOnItsMerits(answer.why)
    if (!isFinal || uncertain || answer.sent) return
    await this.#copies.change(key, (held) => ({
      ...changeWrite(held, dot, () => undefined),
      minter: undefined,
      minted: 0,
    }))
    this.#copies.refuse(own, errorOfRefusal(answer.refusal!))
  }

  async #delivered(key: Key, own: OwnWrite, answer: ReplyOf<'written'>): Promise<void> {
    const { dot } = own
    const { minter, minted } = this.#copies.of(key)
    if (minter === dot.actor && answer.highest > minted) {
      // Somebody has seen more of our epoch than we ever minted: an older copy of this store. Mint again.
      this.#world.say({ type: 'epoch-abandoned', dot: nameOf(dot) })
      await this.#copies.mint(key, (held, takeEpoch) => mintedAgain(held, dot, takeEpoch()))
      this.#again = true
      return
    }
    const { acks, hints } = answer
    await this.#copies.change(key, (held) =>
      changeWrite(held, dot, (each) => ({ ...each, stage: 'quorum', acks, hints })),
    )
    this.#copies.advance({ ...own, stage: 'quorum', acks, hints })
    this.#again = true
  }

  async #confirm(key: Key, own: OwnWrite): Promise<void> {
    const name = nameOf(own.dot)
    if (!(await this.#isEverywhere(key, own.dot))) return
    this.#asking.delete(name)
    this.#attempted.delete(name)
    await this.#copies.change(key, (held) =>
      changeWrite(held, own.dot, (each) =>
        held.followed ? { ...each, stage: 'everywhere' } : undefined,
      ),
    )
    this.#copies.advance({ ...own, stage: 'everywhere' })
    if (this.#copies.of(key).followed) await this.#options.refresh(key)
  }

  async #isEverywhere(key: Key, dot: Dot): Promise<boolean> {
    const name = nameOf(dot)
    const now = this.#world.clock.elapsed()
    const asking = this.#asking.get(name) ?? { due: now, times: 0 }
    if (asking.due > now) return false
    const pause = pausesMs[Math.min(asking.times, pausesMs.length - 1)]!
    this.#asking.set(name, { due: now + pause, times: asking.times + 1 })
    const answer = await this.#options.askMember(
      key,
      { type: 'covers', key, dot, direct: false },
      'covered',
    )
    return !('failed' in answer) && answer.owners > 0 && answer.by.length === answer.owners
  }

  /** Provably nobody saw this attempt, and none before it. */
  #forget(own: OwnWrite, uncertain: boolean): void {
    if (!uncertain) this.#attempted.delete(nameOf(own.dot))
  }
}

function nameOf(dot: Dot): string {
  return `${dot.actor} ${dot.counter}`
}
