/**
 * How much a member begins at one time (paper §6.5 keeps the background back; this keeps the crowd back).
 *
 * A request that waits costs memory and patience, and a member that lets all wait answers each too late: its asker has
 * given up, asks again, and nothing of what the disk does is of use to anybody. So nothing waits here. What is asked is
 * begun at once or refused at once, before it is even read, for a refusal must cost next to nothing if nine requests in
 * ten are to get one.
 *
 * How much is too much depends on the machine, and on what else it does just now: what takes it a fifth of a second today
 * takes it two tomorrow, and then each answer comes after its asker has given up. So a member that comes round later and
 * later to its own clock begins fewer at one time, and more again when it is in time.
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

/** Of a second late an owner's answer is no answer any more, and a request takes a few turns. */
const latestTurn = 1 / 4
/** How much fewer at each late turn, and how much more at each that is in time, as a part of all. */
const cut = 0.7
const growth = 1 / 32
/** However late: so many are no crowd. */
const fewest = 32

export class Intake {
  readonly #limits: Limits
  readonly #rules: LoadRules
  /** Of others. */
  #underWay = 0
  #own = 0
  #bytes = 0
  #refused = 0
  /** How many of others may be under way now. */
  #most: number

  constructor(limits: Limits, rules: LoadRules = loadRules) {
    this.#limits = limits
    this.#rules = rules
    this.#most = limits.requestsUnderWay
  }

  /** How many requests are under way. */
  get underWay(): number {
    return this.#underWay + this.#own
  }

  /** How many were refused since the start. */
  get refused(): number {
    return this.#refused
  }

  /** How many of others may be under way now. */
  get most(): number {
    return Math.floor(this.#most)
  }

  /** This peer has come round to its own clock so much later than it was to. */
  cameRound(lateMs: number): void {
    const { requestsUnderWay, ownerMs } = this.#limits
    const isLate = lateMs > latestTurn * ownerMs
    const next = isLate ? this.#most * cut : this.#most + requestsUnderWay * growth
    this.#most = Math.min(requestsUnderWay, Math.max(fewest, next))
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
    const { underWayBytes } = this.#limits
    if (this.#rules.hasRoom(underWay, bytes, this.most, underWayBytes)) return true
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
