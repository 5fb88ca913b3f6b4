/**
 * How much a member begins at one time (paper §6.5 keeps the background back; this keeps the crowd back).
 *
 * A request that waits costs memory and patience, and a member that lets all wait answers each too late: its asker has
 * given up, asks again, and nothing of what the disk does is of use to anybody. So nothing waits here. What is asked is
 * begun at once or refused at once, before it is even read, for a refusal must cost next to nothing if nine requests in
 * ten are to get one.
 *
 * Counted is what somebody outside asks for: reads and writes to coordinate. What members ask of each other for its sake,
 * and what they tell each other of the ring, is not: to refuse the second half of a write is to have wasted the first.
 */
import type { Bytes } from '../data/bytes.ts'
import { RingletError } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import { type LoadRules, loadRules } from '../protocol/load-rules.ts'
import { requestTypeOf } from '../protocol/message.ts'
import { tryLater } from './failure.ts'

export class Intake {
  readonly #limits: Limits
  readonly #rules: LoadRules
  /** Of others. */
  #underWay = 0
  #own = 0
  #bytes = 0
  #refused = 0

  constructor(limits: Limits, rules: LoadRules = loadRules) {
    this.#limits = limits
    this.#rules = rules
  }

  /** How many requests are under way. */
  get underWay(): number {
    return this.#underWay + this.#own
  }

  /** How many were refused since the start. */
  get refused(): number {
    return this.#refused
  }

  /** Whether there is no room for another peer's request. */
  refuses(body: Bytes, fromMember: boolean): boolean {
    return this.#isCounted(body, fromMember) && !this.#hasRoom(body.length)
  }

  /** Does the work that another peer has asked for. */
  serve<T>(body: Bytes, fromMember: boolean, work: () => Promise<T>): Promise<T> {
    return this.#isCounted(body, fromMember) ? this.#run(body.length, work) : work()
  }

  /**
   * Does what this process's own application asks for, which is no crowd and may ask for much at one time. Rejects with
   * `RingletError`, `overloaded`.
   */
  async admit<T>(work: () => Promise<T>): Promise<T> {
    if (this.#own >= this.#limits.ownUnderWay) throw overloaded(this.#own)
    this.#own++
    try {
      return await work()
    } finally {
      this.#own--
    }
  }

  #hasRoom(bytes: number): boolean {
    const underWay = { requests: this.#underWay, bytes: this.#bytes }
    if (this.#rules.hasRoom(underWay, bytes, this.#limits)) return true
    this.#refused++
    return false
  }

  async #run<T>(bytes: number, work: () => Promise<T>): Promise<T> {
    this.#underWay++
    this.#bytes += bytes
    let answer: T | undefined
    try {
      answer = await work()
      return answer
    } finally {
      if (this.#rules.isFreed(answer)) {
        this.#underWay--
        this.#bytes -= bytes
      }
    }
  }

  #isCounted(body: Bytes, fromMember: boolean): boolean {
    const type = requestTypeOf(body)
    return type !== undefined && this.#rules.takesPlace(type, fromMember)
  }
}

function overloaded(underWay: number): RingletError {
  return new RingletError('overloaded', `${underWay} requests are under way here already`, {
    needed: underWay,
    remedy: tryLater,
  })
}
