/**
 * How an edge learns that a write is everywhere: it asks the owners whether all of them cover its dot.
 *
 * Most writes are everywhere a moment after a quorum has them; one whose owner is away may not be for days. So the
 * question comes soon at first and then ever more rarely, each write's apart: a slow answer to one holds up no other,
 * and no delivery.
 */
import { type Key, showKey } from '../data/key.ts'
import type { Dot } from '../data/vector.ts'
import { changeWrite, type OwnWrite } from '../protocol/copy.ts'
import { placementOf } from '../protocol/placement.ts'
import { isForgotten } from '../protocol/reconcile.ts'
import { isFailure } from './failure.ts'
import { type Copies, nameOf } from './copies.ts'
import type { EdgeMembers } from './edge-members.ts'
import { Lanes } from './lanes.ts'
import { durableAcks } from './durable-acks.ts'
import { closedError, type LiveReceipt, tooManyAwaited } from './receipt.ts'
import { copyName } from './troubles.ts'
import type { RingWorld } from './world.ts'

/** Pauses before the owners are asked again. */
const pausesMs = [100, 500, 1000, 2000, 5000]

interface Question {
  readonly key: Key
  readonly dot: Dot
  readonly acks: () => readonly string[]
  readonly settle: () => Promise<void> | void
}

export class Confirmations {
  readonly #world: RingWorld
  readonly #copies: Copies
  readonly #members: EdgeMembers
  /** Asks the owners for a key anew. */
  readonly #refresh: (key: Key) => Promise<void>
  readonly #asked = new Map<string, { readonly due: number; readonly times: number }>()
  /** Forwarded writes whose writer waits for every owner. */
  readonly #awaited = new Map<LiveReceipt, { readonly key: Key; readonly dot: Dot }>()
  readonly #lanes: Lanes
  #state: 'awake' | 'asleep' | 'closed' = 'awake'

  constructor(
    world: RingWorld,
    copies: Copies,
    members: EdgeMembers,
    refresh: (key: Key) => Promise<void>,
  ) {
    this.#world = world
    this.#copies = copies
    this.#members = members
    this.#refresh = refresh
    const { tasks, limits } = world
    this.#lanes = new Lanes(tasks, 'confirm', limits.deliveriesInFlight, () => this.tick())
  }

  /** Asks what is due to be asked. */
  tick(): void {
    if (this.#state !== 'awake') return
    const now = this.#world.clock.elapsed()
    const questions = this.#questions()
    for (const [name, question] of questions) {
      if (this.#lanes.isFull) return
      if ((this.#asked.get(name)?.due ?? 0) <= now) {
        this.#lanes.run(name, () => this.#ask(name, question))
      }
    }
    for (const name of this.#asked.keys()) if (!questions.has(name)) this.#asked.delete(name)
  }

  /** Tells this receipt of a forwarded write when all owners have it. */
  await(key: Key, dot: Dot, receipt: LiveReceipt): void {
    if (this.#state === 'closed') return receipt.fail(closedError())
    this.#awaited.set(receipt, { key, dot })
    const [oldest] = this.#awaited.keys()
    if (this.#awaited.size > this.#world.limits.requestsInFlight) {
      this.#awaited.delete(oldest!)
      oldest!.giveUp(tooManyAwaited(this.#awaited.size))
    }
    this.tick()
  }

  /** What is under way ends; nothing else is asked until `wake`. */
  sleep(): void {
    if (this.#state === 'awake') this.#state = 'asleep'
  }

  /** Asks everything anew: what was long on its way may have arrived meanwhile. */
  wake(): void {
    if (this.#state === 'asleep') this.#state = 'awake'
    this.#asked.clear()
    this.tick()
  }

  close(): void {
    this.#state = 'closed'
    for (const receipt of this.#awaited.keys()) receipt.fail(closedError())
    this.#awaited.clear()
  }

  #questions(): Map<string, Question> {
    const questions = new Map<string, Question>()
    for (const key of this.#copies.unsettled()) {
      for (const own of this.#copies.of(key).writes) {
        const settle = (): Promise<void> => this.#settle(key, own)
        const { dot, acks } = own
        if (own.stage === 'quorum')
          questions.set(nameOf(dot), { key, dot, acks: () => acks, settle })
      }
    }
    for (const [receipt, { key, dot }] of this.#awaited) {
      const settle = (): void => {
        this.#awaited.delete(receipt)
        receipt.advance({ stage: 'everywhere' })
      }
      questions.set(nameOf(dot), { key, dot, acks: () => durableAcks(receipt), settle })
    }
    return questions
  }

  async #ask(name: string, { key, dot, acks, settle }: Question): Promise<void> {
    const times = this.#asked.get(name)?.times ?? 0
    const pause = pausesMs[Math.min(times, pausesMs.length - 1)]!
    this.#asked.set(name, { due: this.#world.clock.elapsed() + pause, times: times + 1 })
    const question = { type: 'covers', key, dot, direct: false } as const
    const answer = await this.#members.ask(key, question, 'covered')
    if (isFailure(answer) || answer.owners === 0) return
    const present = placementOf(this.#world.view().ring, key.position).owners
    const { rules } = this.#world
    if (!rules.isEverywhere(answer, present) && !isForgotten(answer, acks(), present)) return
    await settle()
    this.#asked.delete(name)
  }

  async #settle(key: Key, own: OwnWrite): Promise<void> {
    const note = (): Promise<unknown> =>
      this.#copies.change(key, (held) =>
        changeWrite(held, own.dot, (each) => ({ ...each, stage: 'everywhere' })),
      )
    await this.#world.troubles.watch(copyName(key), note)
    this.#copies.settled(key)
    this.#world.say({ type: 'everywhere', key: showKey(key), dot: nameOf(own.dot) })
    this.#copies.receipts.advance({ ...own, stage: 'everywhere' })
    // Once the copy has it, it need not stand on top any more.
    if (this.#copies.of(key).followed) await this.#refresh(key)
  }
}
