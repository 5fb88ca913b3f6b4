/**
 * The outbox of an edge: own writes on their way to the ring.
 *
 * A write is delivered as what it is, a dot with its context and value, so that order and repeats do not matter. It
 * is delivered until a quorum has confirmed it; from then on `confirmations.ts` asks how far it got. A refusal is
 * final only if no earlier attempt can have reached anybody.
 */
import { type Key, showKey } from '../data/key.ts'
import { type Dot, withDot } from '../data/vector.ts'
import { contextToText } from '../protocol/context.ts'
import {
  type EdgeCopy,
  lastingName,
  mintedAgain,
  type OwnWrite,
  withoutRefused,
  withQuorum,
} from '../protocol/copy.ts'
import { isRefusedOnItsMerits, type RingletError } from '../protocol/errors.ts'
import type { ReplyOf, Request } from '../protocol/message.ts'
import { eachId, forgetsSome } from '../protocol/receipt-id.ts'
import { errorOfRefusal, isFailure } from './failure.ts'
import { type Copies, nameOf } from './copies.ts'
import type { EdgeMembers } from './edge-members.ts'
import { Lanes } from './lanes.ts'
import { durableAcks } from './durable-acks.ts'
import { copyName, sayError } from './troubles.ts'
import type { RingWorld } from './world.ts'

export interface OutboxOptions {
  readonly w: number
  readonly seed: Uint8Array
  /** Writes that some member may have seen, by their lasting names: tried in this session, or left by an earlier one. */
  readonly attempted: Set<string>
  /** A quorum has another write. */
  confirmed(): void
  /** The ring has refused a write for good. */
  refused(key: Key, own: OwnWrite, error: RingletError): void
}

/** A key whose delivery failed rests this long, then twice as long each time, up to the longest. */
const shortestRestMs = 250
const longestRestMs = 5000

export class Outbox {
  readonly #world: RingWorld
  readonly #copies: Copies
  readonly #members: EdgeMembers
  readonly #options: OutboxOptions
  readonly #attempted: Set<string>
  /** The keys whose delivery was last turned away by members that had too much to do. */
  readonly #turnedAway = new Set<string>()
  readonly #resting = new Map<string, { readonly until: number; readonly pauseMs: number }>()
  readonly #lanes: Lanes
  #state: 'awake' | 'asleep' | 'closed' = 'awake'

  constructor(world: RingWorld, copies: Copies, members: EdgeMembers, options: OutboxOptions) {
    this.#world = world
    this.#copies = copies
    this.#members = members
    this.#options = options
    this.#attempted = options.attempted
    const { tasks, limits } = world
    this.#lanes = new Lanes(tasks, 'deliver', limits.deliveriesInFlight, () => this.tick())
  }

  /** There is a new write of this key, or (without a key) somebody new to deliver to. */
  kick(key?: Key): void {
    if (key === undefined) this.#resting.clear()
    else this.#resting.delete(key.text)
    this.tick()
  }

  /** Starts whatever is due and has a lane. */
  tick(): void {
    if (this.#state !== 'awake') return
    const now = this.#world.clock.elapsed()
    for (const key of this.#copies.unsettled()) {
      if (this.#lanes.isFull) return
      if ((this.#resting.get(key.text)?.until ?? 0) > now) continue
      if (this.#copies.standing(key).pending === 0) continue
      this.#lanes.run(key.text, () => this.#deliverAll(key))
    }
  }

  /** What is under way ends; nothing else is started until `wake`. */
  sleep(): void {
    if (this.#state === 'awake') this.#state = 'asleep'
  }

  wake(): void {
    if (this.#state === 'asleep') this.#state = 'awake'
    this.kick()
  }

  close(): void {
    this.#state = 'closed'
  }

  async #deliverAll(key: Key): Promise<void> {
    let settled = false
    try {
      settled = await this.#deliverEach(key)
    } finally {
      if (settled) this.#resting.delete(key.text)
      else this.#rest(key)
    }
  }

  /** Tries each write of the key once: whether all of them are settled. */
  async #deliverEach(key: Key): Promise<boolean> {
    const tried = new Set<string>()
    let settled = true
    while (this.#state === 'awake') {
      // Looked up anew each time: what is superseded or minted again meanwhile must not be sent as it was.
      const own = this.#copies.of(key).writes.find(({ stage, dot }) => {
        return stage === 'device' && !tried.has(nameOf(dot))
      })
      if (own === undefined) return settled
      tried.add(nameOf(own.dot))
      if (!(await this.#deliver(key, own))) settled = false
    }
    return false
  }

  #rest({ text }: Key): void {
    const before = this.#resting.get(text)?.pauseMs ?? shortestRestMs / 2
    const pauseMs = Math.min(2 * before, longestRestMs)
    // All tabs that were turned away together would else come back together.
    const part = this.#turnedAway.delete(text) ? 0.5 + this.#world.random.fraction() : 1
    const until = this.#world.clock.elapsed() + part * pauseMs
    this.#resting.set(text, { until, pauseMs })
  }

  /** Whether that settled it, one way or the other. */
  async #deliver(key: Key, own: OwnWrite): Promise<boolean> {
    const { dot, context, value } = own
    const { w, seed } = this.#options
    const demands = own.demands ?? { w }
    const name = lastingName(own)
    const uncertain = this.#attempted.has(name)
    this.#attempted.add(name)
    const { self: origin, random } = this.#world
    const request: Request = {
      type: 'deliver',
      key,
      dot,
      context,
      value,
      origin,
      seed,
      ...demands,
      direct: false,
      attempt: Math.floor(random.fraction() * 2 ** 32),
    }
    const answer = await this.#members.ask(key, request, 'written')
    const result = isFailure(answer) ? answer.why : 'ok'
    this.#world.say({ type: 'deliver', key: showKey(key), dot: nameOf(dot), result })
    if (!isFailure(answer)) return this.#delivered(key, own, answer)
    const { refusal, sent, why } = answer
    if (why === 'overloaded') this.#turnedAway.add(key.text)
    const isRefused = refusal !== undefined && isRefusedOnItsMerits(why)
    if (isRefused && this.#world.rules.isFinal(uncertain || sent)) {
      await this.#refused(key, own, errorOfRefusal(refusal))
      return true
    }
    if (isRefused)
      this.#world.troubles.note(deliveryName(key), sayStuck(key, errorOfRefusal(refusal)))
    // Provably nobody has it, now or before: the next write may still take its place.
    if (!uncertain && !sent) this.#attempted.delete(name)
    return false
  }

  /** Nobody has it, and nobody will: until that is noted it counts as sent, so that no other write takes its place. */
  async #refused(key: Key, own: OwnWrite, error: RingletError): Promise<void> {
    const { dot } = own
    const note = (): Promise<EdgeCopy> =>
      this.#copies.change(key, (held) => withoutRefused(held, dot, error))
    try {
      await this.#noting(key, note)
    } finally {
      this.#attempted.delete(lastingName(own))
    }
    this.#world.troubles.over(deliveryName(key))
    this.#copies.receipts.refuse(own, error)
    this.#options.refused(key, own, error)
  }

  async #delivered(key: Key, own: OwnWrite, answer: ReplyOf<'written'>): Promise<boolean> {
    const { dot } = own
    const { minter, minted } = this.#copies.of(key)
    if (minter === dot.actor && answer.highest > minted) {
      await this.#mintAgain(key, dot)
      return false
    }
    const { hints, buffered } = answer
    // Kept are those who will not have lost it by the time that all are asked.
    const acks = durableAcks({ acks: answer.acks, buffered: buffered ?? [] })
    let before: readonly OwnWrite[] = []
    const note = (): Promise<EdgeCopy> =>
      this.#copies.change(key, (held) => {
        before = held.writes
        return withQuorum(held, dot, { acks, hints })
      })
    const { writes } = await this.#noting(key, note)
    this.#attempted.delete(lastingName(own))
    this.#world.troubles.over(deliveryName(key))
    const { receipts } = this.#copies
    receipts.advance({ ...own, stage: 'quorum', acks: answer.acks, buffered, hints })
    if (writes.some(({ ids }) => forgetsSome(ids))) {
      const kept = new Set(eachId(writes.flatMap(({ ids }) => ids)))
      receipts.forget([...eachId(before.flatMap(({ ids }) => ids))].filter((id) => !kept.has(id)))
    }
    this.#options.confirmed()
    return true
  }

  /** What the ring has said of a write is to be noted: if the store refuses, that stands until it works. */
  #noting(key: Key, change: () => Promise<EdgeCopy>): Promise<EdgeCopy> {
    return this.#world.troubles.watch(copyName(key), change)
  }

  /** Somebody has seen more of our epoch than we ever minted: this is an older copy of our store. */
  async #mintAgain(key: Key, abandoned: Dot): Promise<void> {
    const again = (): Promise<EdgeCopy> =>
      this.#copies.mint(key, (held, takeEpoch) => {
        if (held.minter !== abandoned.actor) return held
        return mintedAgain(held, takeEpoch(), (each) => !this.#attempted.has(lastingName(each)))
      })
    const after = await this.#noting(key, again)
    this.#world.say({ type: 'epoch-abandoned', key: showKey(key), dot: nameOf(abandoned) })
    for (const own of after.writes) {
      this.#copies.receipts.renew(own, contextToText(key, withDot(own.context, own.dot)))
    }
  }
}

function deliveryName({ text }: Key): string {
  return `delivery ${text}`
}

/** It can be neither delivered nor given up. */
function sayStuck(key: Key, error: RingletError): string {
  return (
    `A write of ${showKey(key)} stays on this device: the ring refuses it, and an earlier attempt may have arrived. ` +
    sayError(error)
  )
}
