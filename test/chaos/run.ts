/**
 * One run: a ring that settles, some minutes in which things break, and then a calm in which nothing does.
 *
 * While faults strike, no acknowledged write may be lost and no causality be bent; when all is healed and every peer
 * serves, the owners of every key must hold equal bytes within half a minute.
 */
import { Custody } from '../../src/simulation/custody.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import type { Violation } from '../../src/simulation/violation.ts'
import { Clients, keyNames } from './clients.ts'
import { Faults } from './faults.ts'
import { Field } from './field.ts'
import { Operator } from './operator.ts'
import { pause } from './pause.ts'
import type { Story } from './story.ts'
import { type Asked, type Summary, summarize } from './summary.ts'
import { Trusting } from './trusting.ts'
import { askPeers, gaps, judge } from './verdict.ts'

/** How long the peers may take to find each other. */
const settleMs = 90_000
const convergenceMs = 30_000
/** What takes so long is told. */
const patienceMs = 5000
/** What has converged stays so for so long. */
const stillMs = 3000

export class Run {
  readonly violations: Violation[] = []
  readonly field: Field
  readonly #asked: Asked
  readonly #story: Story
  readonly #clients: Clients
  readonly #operator: Operator
  readonly #faults: Faults
  readonly #trusting: Trusting
  readonly #keys: readonly string[]
  #convergedAfterMs: number | undefined

  constructor(asked: Asked, story: Story) {
    const random = seededRandom(asked.seed)
    this.#asked = asked
    this.#story = story
    this.#keys = keyNames(asked.minutes * 60_000)
    this.field = new Field(story, random.fork('follows'), this.#keys)
    const custody = new Custody(this.field)
    this.#operator = new Operator(this.field, custody)
    this.#clients = new Clients(this.field, random.fork('clients'), this.#keys)
    this.#trusting = new Trusting(this.field)
    this.#faults = new Faults(this.field, random.fork('faults'), custody, this.#operator)
  }

  async go(): Promise<Summary> {
    await this.#settle()
    this.#clients.start()
    this.#trusting.start()
    await this.#faults.strikeFor(this.#asked.minutes * 60_000)
    await this.#heal()
    await this.#converge()
    this.#operator.look()
    this.violations.push(...judge(this.field, this.#clients, this.#operator, this.#trusting))
    if (this.violations.length === 0) {
      this.violations.push(...(await askPeers(this.field, this.#keys)))
    }
    return summarize(this.#asked, {
      operations: this.field.history.operations,
      latencies: this.#clients.latencies,
      faults: this.#faults.counts,
      noticed: this.#operator.noticed,
      convergedAfterMs: this.#convergedAfterMs,
      violations: this.violations,
    })
  }

  /** Ends everything, and leaves nothing behind. */
  async close(): Promise<void> {
    this.#operator.close()
    this.#trusting.stop()
    await this.field.close()
  }

  async #settle(): Promise<void> {
    const { members, devices } = this.field
    await Promise.all(members.map((machine) => this.#operator.revive(machine)))
    await Promise.all(devices.map((device) => device.start()))
    const untilMs = this.#story.nowMs + settleMs
    for (const machine of members) {
      for (;;) {
        const answer = await machine.ask({ path: '/status', options: {} }).catch(() => undefined)
        const seen = (answer?.body.members ?? []) as { state: string }[]
        if (seen.filter(({ state }) => state === 'up').length === members.length) break
        if (this.#story.nowMs > untilMs) throw new Error('the peers do not find each other')
        await pause(100)
      }
    }
    this.#story.tell('five peers know each other, and three devices know them')
  }

  async #heal(): Promise<void> {
    const { members, devices } = this.field
    this.#story.tell('everything is healed')
    await this.#faults.heal()
    await this.#clients.stop()
    for (const machine of members) machine.resume()
    await Promise.all(members.map((machine) => this.#operator.revive(machine)))
    await Promise.all(devices.map((device) => device.start()))
    this.#story.tell('every peer serves, and every client has its answer')
  }

  async #converge(): Promise<void> {
    const fromMs = this.#story.nowMs
    let left = await gaps(this.field)
    let equalSinceMs = Infinity
    let tellAtMs = fromMs + patienceMs
    for (;;) {
      const nowMs = this.#story.nowMs
      if (left.length > 0) equalSinceMs = Infinity
      else if (equalSinceMs === Infinity) equalSinceMs = nowMs
      if (nowMs - equalSinceMs >= stillMs) break
      if (nowMs - fromMs > convergenceMs + stillMs) break
      if (left.length > 0 && nowMs > tellAtMs) {
        tellAtMs = nowMs + patienceMs
        for (const { key, text } of left.slice(0, 5)) this.#story.tell(`still: ${key} ${text}`)
      }
      await pause(250)
      left = await gaps(this.field)
    }
    if (equalSinceMs === Infinity) {
      this.violations.push(...left.map((gap) => ({ promise: 'P3' as const, ...gap })))
      this.#story.tell(`${left.length} things are not as they should be`)
    } else {
      this.#convergedAfterMs = equalSinceMs - fromMs
      this.#story.tell(`the owners of every key hold the same, and nobody owes anything`)
    }
  }
}
