/**
 * A generator of load, in a process of its own: requests leave when they are due, whether or not earlier ones were answered.
 *
 * A generator that waits for answers slows down with what it measures, and never shows what a crowd would do to it. So
 * each request has its moment, and its time counts from there, also when it left late. To be cheap it has one link to each
 * member (`bare-link.ts`), sends every few milliseconds what has become due, and copies its frames from two that were
 * encoded before, with another number and key.
 */
import { randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { utf8 } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { frameKind } from '../../src/adapters/frames.ts'
import { decodeReply, encodeRequest, type Request } from '../../src/protocol/message.ts'
import { ringHash } from '../../src/protocol/view.ts'
import { loadRingFile } from '../../node/ring-file.ts'
import { type BareLink, frame, linkAll } from './bare-link.ts'

/** What a generator is told to do. */
export interface Order {
  readonly perSecond: number
  readonly seconds: number
}

/** What came of it; times in milliseconds. */
export interface Yield {
  readonly offered: number
  /** Done, and in time. */
  readonly good: Figures
  readonly refused: Figures
  /** Neither, and why. */
  readonly failed: Readonly<Record<string, number>>
  readonly seconds: readonly Second[]
}

export interface Figures {
  readonly count: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** What came of the requests of one second. */
export interface Second {
  readonly good: number
  readonly refused: number
  readonly failed: number
  readonly p99Ms: number
}

type Reply = Uint8Array | 'overloaded' | 'no reply'

/** Half of the requests are puts of keys of their own, the other half gets of so many that the first order writes. */
const readKeys = 1000
const valueBytes = 256
/** An answer that comes later helps nobody. */
const patienceMs = 2000
/** What has become due meanwhile leaves together. */
const tickMs = 4
/** `reply` in `protocol/message.ts`. */
const refusedTag = 15

class Source {
  readonly #put = template('put')
  readonly #get = template('get')
  #puts = 0
  #gets = 0
  #number = 0
  #tally = new Tally(0, 0, 0)

  answered(number: number, reply: Reply): void {
    this.#tally.answered(number, reply)
  }

  async run(links: readonly BareLink[], { perSecond, seconds }: Order): Promise<Yield> {
    const all = Math.round(perSecond * seconds)
    const tally = new Tally(this.#number + 1, perSecond, all)
    this.#tally = tally
    for (let turn = 0, sent = 0; sent < all; await wait(tickMs)) {
      const due = Math.min(all, Math.floor((tally.elapsedMs / 1000) * perSecond)) - sent
      // One that reads no more is passed over, and what is due is sent when it does: its time counts all the same.
      const ready = links.filter(({ isFull }) => !isFull)
      for (const [i, link] of ready.entries()) {
        const part = Math.floor((due + ((i + turn) % ready.length)) / ready.length)
        if (part > 0) link.send(this.#batch(part))
        sent += part
      }
      turn++
    }
    const endMs = tally.elapsedMs + patienceMs
    while (tally.count < all && tally.elapsedMs < endMs) await wait(tickMs)
    return tally.sum()
  }

  #batch(count: number): Uint8Array {
    const frames = Array.from({ length: count }, () => {
      // A key that is got was put.
      const isPut = this.#puts < readKeys || this.#puts <= this.#gets
      const number = ++this.#number
      return isPut ? this.#put(number, this.#puts++) : this.#get(number, this.#gets++ % readKeys)
    })
    return Buffer.concat(frames)
  }
}

/** Requests are known by their numbers, which go on from order to order. */
class Tally {
  readonly #startMs = performance.now()
  readonly #first: number
  readonly #perSecond: number
  /** Of each request, how long it took; NaN while nothing is known of it. */
  readonly #took: Float64Array
  readonly #outcomes: ('good' | 'refused' | 'failed' | undefined)[]
  readonly #failed: Record<string, number> = {}
  count = 0

  constructor(first: number, perSecond: number, all: number) {
    this.#first = first
    this.#perSecond = perSecond
    this.#took = new Float64Array(all).fill(Number.NaN)
    this.#outcomes = Array.from({ length: all })
  }

  get elapsedMs(): number {
    return performance.now() - this.#startMs
  }

  answered(number: number, reply: Reply): void {
    const i = number - this.#first
    if (i < 0 || i >= this.#took.length || this.#outcomes[i] !== undefined) return
    const tookMs = this.elapsedMs - (i / this.#perSecond) * 1000
    const why = whyNot(reply) ?? (tookMs > patienceMs ? 'late' : undefined)
    this.count++
    this.#took[i] = tookMs
    this.#outcomes[i] = why === undefined ? 'good' : why === 'overloaded' ? 'refused' : 'failed'
    if (this.#outcomes[i] === 'failed') this.#fail(why!, 1)
  }

  sum(): Yield {
    const offered = this.#took.length
    if (this.count < offered) this.#fail('unanswered', offered - this.count)
    const wholeSeconds = Math.max(1, Math.round(offered / this.#perSecond))
    return {
      offered,
      good: this.#figures('good', 0, offered),
      refused: this.#figures('refused', 0, offered),
      failed: this.#failed,
      seconds: Array.from({ length: wholeSeconds }, (_, second) => this.#second(second)),
    }
  }

  #second(second: number): Second {
    const from = Math.round(second * this.#perSecond)
    const to = Math.min(this.#took.length, Math.round((second + 1) * this.#perSecond))
    const { count: good, p99Ms } = this.#figures('good', from, to)
    const refused = this.#figures('refused', from, to).count
    return { good, refused, failed: to - from - good - refused, p99Ms }
  }

  #figures(outcome: 'good' | 'refused', from: number, to: number): Figures {
    const times = this.#took.slice(from, to).filter((_, i) => this.#outcomes[from + i] === outcome)
    times.sort()
    const at = (q: number): number => times[Math.floor(times.length * q)] ?? 0
    return { count: times.length, p50Ms: at(0.5), p99Ms: at(0.99) }
  }

  #fail(why: string, count: number): void {
    this.#failed[why] = (this.#failed[why] ?? 0) + count
  }
}

/** Why this is no answer; undefined when it is one. */
function whyNot(reply: Reply): string | undefined {
  if (typeof reply === 'string') return reply
  if (reply[1] !== refusedTag) return undefined
  const refusal = decodeReply(reply)
  return refusal.type === 'refused' ? refusal.code : refusal.type
}

/** A frame for each number: a copy of one, with the digits of its key and a request id of its own put in. */
function template(type: 'put' | 'get'): (number: number, key: number) => Uint8Array {
  const digits = '00000000'
  const key = makeKey('load', digits)
  const id = utf8(`${randomBytes(3).toString('hex')}-${digits}-`)
  const request: Request =
    type === 'get'
      ? { type, key, r: 2 }
      : {
          type,
          key,
          request: id,
          context: nothingSeen,
          value: makeValue(randomBytes(valueBytes), Date.now()),
          w: 2,
          direct: false,
          origin: undefined,
        }
  const made = Buffer.from(frame(frameKind.request, 0, encodeRequest(request)))
  const places = [...new Set([made.indexOf(digits), made.lastIndexOf(digits)])]
  return (number, keyNumber) => {
    const copy = Buffer.from(made)
    copy.writeUInt32BE(number, 5)
    const text = String(keyNumber).padStart(digits.length, '0')
    for (const place of places) copy.write(text, place, 'latin1')
    return copy
  }
}

async function serve(path: string, addresses: readonly string[]): Promise<void> {
  const source = new Source()
  const links = await linkAll(
    ringHash(loadRingFile(path).identity),
    addresses,
    (number, reply) => source.answered(number, reply),
    (reason) => console.error(`a link has ended: ${reason}`),
  )
  process.on('disconnect', () => process.exit())
  process.on('message', (order: Order) => {
    void source.run(links, order).then((it) => process.send!(it))
  })
  process.send!('ready')
}

const [ringPath, ...addresses] = process.argv.slice(2)
if (ringPath !== undefined && process.send !== undefined) await serve(ringPath, addresses)
