/**
 * What this peer has heard of the ring's changes: durable first, shown after, like the table of members.
 *
 * What it says itself goes the same way: a vote that a crash took back could be cast the other way.
 */
import { assert } from '../data/assert.ts'
import { type Bytes, utf8 } from '../data/bytes.ts'
import type { Identity } from '../data/identity.ts'
import { believed } from '../protocol/believed.ts'
import { allOf, namedStatements } from '../protocol/changing-message.ts'
import type { ChangingRules } from '../protocol/changing-rules.ts'
import { decode, encode } from '../protocol/codec.ts'
import type { Say } from '../protocol/event.ts'
import {
  type Facts,
  heard,
  noFacts,
  type Statements,
  statementsCodec,
  statementsOf,
} from '../protocol/facts.ts'
import { laidOut } from '../protocol/laid-out.ts'
import { limits } from '../protocol/limits.ts'
import type { PeerId, RingIdentity, View } from '../protocol/membership.ts'
import type { Situation } from '../protocol/situation.ts'
import {
  type Change,
  changeKind,
  type Course,
  courseKind,
  type Departure,
  isSignedBy,
  type Kind,
  orderKind,
  removalKind,
  sign,
  type Signed,
  type Step,
  stepKind,
} from '../protocol/statement.ts'
import type { Storage } from '../ports.ts'
import type { Troubles } from './troubles.ts'

/** Where the store keeps it. */
export const factsKey = utf8('m:changes')

export interface FactsOptions {
  readonly ring: RingIdentity
  readonly identity: Identity
  readonly storage: Storage
  readonly say: Say
  readonly troubles: Troubles
  readonly rules: ChangingRules
  /** Who alone may order that a member goes; without one any durable member may. */
  readonly operator?: PeerId | undefined
}

export class FactsTable {
  readonly rules: ChangingRules
  readonly #options: FactsOptions
  #facts: Facts
  #raw: View | undefined
  #situation: Situation | undefined
  #saving: Promise<void> = Promise.resolve()
  /** Called once something new is durable: the view is to be laid out anew. */
  onChange = (): void => {}

  /** `stored` is what the store remembers; what cannot be read of it the others tell again. */
  constructor(options: FactsOptions, stored: Bytes | undefined) {
    this.#options = options
    this.#facts = remembered(stored, options.say)
    this.rules = options.rules
  }

  get facts(): Facts {
    return this.#facts
  }

  /** What follows from it, by the records that the view was last laid out from. */
  get situation(): Situation | undefined {
    return this.#situation
  }

  /** Whether nothing was ever heard of any change. */
  get isEmpty(): boolean {
    return this.#facts === noFacts
  }

  /** The view by the facts; the very same while there are none. */
  layOut(raw: View): View {
    this.#raw = raw
    if (this.isEmpty) return raw
    const { view, situation } = laidOut(this.rules, raw, this.#facts, this.#options.identity.peer)
    this.#situation = situation
    return view
  }

  /** Takes in what others say; resolves with whether any of it is news and believed, once it is durable and shown. */
  async hear(said: Statements): Promise<boolean> {
    const known = namedStatements(this.#facts)
    // What is overtaken already is no news either.
    const news = [...namedStatements(heard(this.#facts, said))].filter(([name]) => !known.has(name))
    // Each signature takes its time: more than a few wait for the next message.
    const genuine = news
      .slice(0, limits.recordsVerified)
      .filter(([, each]) => this.#isGenuine(each))
    if (genuine.length === 0) return false
    const before = this.#facts
    const all = allOf(genuine.map(([, each]) => each))
    await this.#adopt(believed(this.#situationNow(), all, this.#options.operator))
    return this.#facts !== before
  }

  course(said: Course): Promise<Statements> {
    return this.#say({ courses: [this.#sign(courseKind, said)] })
  }

  propose(said: Change): Promise<Statements> {
    return this.#say({ changes: [this.#sign(changeKind, said)] })
  }

  order(said: Departure): Promise<Statements> {
    return this.#say({ orders: [this.#sign(orderKind, said)] })
  }

  remove(said: readonly Departure[]): Promise<Statements> {
    return this.#say({ removals: said.map((each) => this.#sign(removalKind, each)) })
  }

  settle(said: Step, roster: NonNullable<Statements['settled']>['roster']): Promise<Statements> {
    return this.#say({ settled: { step: this.#sign(stepKind, said), roster } })
  }

  async #say(statements: Statements): Promise<Statements> {
    await this.#adopt(statements)
    return statements
  }

  #sign<T>(kind: Kind<T>, said: T): Signed<T> {
    return sign(this.#options.identity, this.#options.ring, kind, said)
  }

  /** Also before anything was heard: then the records say who is there. */
  #situationNow(): Situation {
    if (this.#situation !== undefined) return this.#situation
    assert(this.#raw !== undefined, 'a view is laid out before anybody is heard')
    return laidOut(this.rules, this.#raw, this.#facts, this.#options.identity.peer).situation
  }

  #isGenuine(said: Statements): boolean {
    const { ring, say } = this.#options
    const all = allOf([said])
    const isGenuine =
      all.courses.every((each) => isSignedBy(ring, courseKind, each)) &&
      all.changes.every((each) => isSignedBy(ring, changeKind, each)) &&
      all.orders.every((each) => isSignedBy(ring, orderKind, each)) &&
      all.removals.every((each) => isSignedBy(ring, removalKind, each)) &&
      all.steps.every((each) => isSignedBy(ring, stepKind, each)) &&
      (all.settled === undefined || isSignedBy(ring, stepKind, all.settled.step))
    if (!isGenuine) say({ type: 'refused-input', detail: 'a statement with a false signature' })
    return isGenuine
  }

  /** One after another, each durable before it is shown. */
  #adopt(said: Statements): Promise<void> {
    const turn = this.#afterOthers(said, this.#saving)
    this.#saving = turn.catch(() => undefined)
    return turn
  }

  async #afterOthers(said: Statements, others: Promise<void>): Promise<void> {
    await others
    const next = heard(this.#facts, said)
    if (next === this.#facts) return
    const write = { key: factsKey, value: encode(statementsCodec, statementsOf(next)) }
    const { storage, troubles } = this.#options
    if (!this.rules.isDurableFirst()) this.#show(next)
    await troubles.watch('table', () =>
      storage.update([], () => ({ writes: [write], result: undefined })),
    )
    if (this.#facts !== next) this.#show(next)
  }

  #show(facts: Facts): void {
    this.#facts = facts
    this.onChange()
  }
}

function remembered(stored: Bytes | undefined, say: Say): Facts {
  try {
    return stored === undefined ? noFacts : heard(noFacts, decode(statementsCodec, stored))
  } catch (error) {
    say({ type: 'quarantined', detail: `what is known of changes: ${(error as Error).message}` })
    return noFacts
  }
}
