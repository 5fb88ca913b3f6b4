/**
 * A member as something that buckets stand on: an application that runs inside a durable peer.
 *
 * Its reads and writes are coordinated right here. It keeps no copies apart from what it owns, so what it does not own
 * it asks for, and a watch of such a key looks once a second.
 */
import type { Key } from '../data/key.ts'
import { contextToText } from '../protocol/context.ts'
import { toBase64Url } from '../data/bytes.ts'
import { placementOf } from '../protocol/placement.ts'
import type { WriteId } from '../values/type.ts'
import type { Receipt } from './api.ts'
import type { Keyed, KeyedRead, WriteOrder } from './keyed.ts'
import type { Member } from './member.ts'
import { LiveReceipt } from './receipt.ts'

const lookAgainMs = 1000
/** The counts of so many keys are remembered. */
const countedKeys = 10_000
/** How often, and how many times, the owners are asked whether they all have a write that somebody waits for. */
const everywherePauseMs = 500
const everywhereTries = 120

export class MemberKeyed implements Keyed {
  readonly #member: Member
  readonly #r: number
  readonly #w: number
  /** Drawn anew at each start, and whenever the counts are forgotten: no count of one name is used twice. */
  #by = ''
  readonly #counts = new Map<string, number>()

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

  async write({ key, context, value, ack }: WriteOrder): Promise<Receipt> {
    const { random, self } = this.#member.world
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
      () => {
        this.#member.world.tasks.run('everywhere', this.#awaitEverywhere(key, written.dot, receipt))
      },
    )
    receipt.advance({ stage: 'quorum', acks: written.acks, hints: written.hints })
    if (ack === 'everywhere') await receipt.reached('everywhere')
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

  subscribe(key: Key, changed: () => void): () => void {
    const { clock } = this.#member.world
    const stopListening = this.#member.records.onChange(({ text }) => {
      if (text === key.text) changed()
    })
    let stopLooking = (): void => {}
    const look = (): void => {
      stopLooking = clock.after(lookAgainMs, () => {
        if (!this.#owns(key)) changed()
        look()
      })
    }
    look()
    return () => {
      stopListening()
      stopLooking()
    }
  }

  #forgetCounts(): void {
    this.#by = toBase64Url(this.#member.world.random.bytes(12))
    this.#counts.clear()
  }

  #owns(key: Key): boolean {
    const { owners } = placementOf(this.#member.view.ring, key.position)
    return owners.includes(this.#member.id)
  }

  async #awaitEverywhere(
    key: Key,
    dot: { actor: string; counter: number },
    receipt: LiveReceipt,
  ): Promise<void> {
    const { clock } = this.#member.world
    for (let tries = 0; tries < everywhereTries; tries++) {
      const { by, owners } = await this.#member.coveredBy(key, dot)
      if (by.length === owners) return receipt.advance({ stage: 'everywhere' })
      await new Promise<void>((resolve) => {
        clock.after(everywherePauseMs, resolve)
      })
    }
  }
}
