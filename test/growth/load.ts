/**
 * The load of a growing ring: a process with no disk and no seat, which keeps many strict requests in flight and knows what
 * every one of them must answer.
 *
 * Each key has one writer, who waits for each answer before it goes on. So a strict get must return what was acknowledged last,
 * neither older nor beside anything else; only what came to an unknown end may stand there instead. Whatever fails is
 * counted by its code.
 */
import { randomBytes } from 'node:crypto'
import { utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { liveSiblings, makeValue, type ObjectState } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { decodeReply, encodeRequest, type Reply, type Request } from '../../src/protocol/message.ts'
import { ringHash } from '../../src/protocol/view.ts'
import { TransportError } from '../../src/protocol/errors.ts'
import type { Transport } from '../../src/ports.ts'
import { openNodeTransport } from '../../node/libp2p.ts'
import { loadRingFile } from '../../node/ring-file.ts'
import { answerBy } from '../chaos/talk.ts'

export type LoadAsked =
  /** Write every key once. */
  | { readonly type: 'fill' }
  /** Begin, with these members as coordinators, or go on under another name. */
  | { readonly type: 'phase'; readonly name: string; readonly coordinators: readonly Coordinator[] }
  /** Go on with these. */
  | { readonly type: 'coordinators'; readonly coordinators: readonly Coordinator[] }
  /** End the load, and tell what came of it. */
  | { readonly type: 'stop' }
  /** Read every key, and tell which do not hold what was acknowledged last. */
  | { readonly type: 'check' }

export interface Coordinator {
  readonly id: string
  readonly addresses: readonly string[]
}

export interface Phase {
  readonly name: string
  readonly seconds: number
  readonly done: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly failed: Readonly<Record<string, number>>
}

export interface LoadAnswer {
  readonly phases?: readonly Phase[]
  /** What was not as it was acknowledged, in words. */
  readonly wrong?: readonly string[]
}

interface Known {
  /** The number of the write that was acknowledged last. */
  acknowledged: number
  /** The greatest of those whose end is unknown, if they came later. */
  perhaps: number
}

type ReplyOf<T extends Reply['type']> = Extract<Reply, { type: T }>

const valueBytes = 1024
const patienceMs = 12_000
const padding = randomBytes(valueBytes - 12)
/** More of them would say no more. */
const mostWrong = 20

class Load {
  readonly #transport: Transport
  readonly #inFlight: number
  readonly #known: Known[]
  readonly #wrong: string[] = []
  readonly #phases: Phase[] = []
  #coordinators: readonly string[] = []
  #name = ''
  #sinceMs = 0
  #took: number[] = []
  #failed: Record<string, number> = {}
  #isOver = true
  #running: Promise<unknown> = Promise.resolve()
  #turn = 0

  constructor(transport: Transport, keys: number, inFlight: number) {
    this.#transport = transport
    this.#inFlight = inFlight
    this.#known = Array.from({ length: keys }, () => ({ acknowledged: -1, perhaps: -1 }))
  }

  async answer(asked: LoadAsked): Promise<LoadAnswer> {
    switch (asked.type) {
      case 'fill':
        await this.#each((key) => this.#put(key, undefined, true))
        return {}
      case 'coordinators':
        this.#goTo(asked.coordinators)
        return {}
      case 'phase':
        this.#goTo(asked.coordinators)
        this.#end()
        this.#name = asked.name
        if (this.#isOver && asked.name !== '') this.#begin()
        return {}
      case 'stop':
        this.#end()
        this.#isOver = true
        await this.#running
        return { phases: this.#phases, wrong: this.#wrong }
      case 'check':
        await this.#each((key) => this.#check(key, true))
        return { wrong: this.#wrong }
    }
  }

  #goTo(coordinators: readonly Coordinator[]): void {
    for (const { id, addresses } of coordinators) this.#transport.learn(id, addresses)
    this.#coordinators = coordinators.map(({ id }) => id)
  }

  #begin(): void {
    this.#isOver = false
    this.#running = Promise.all(
      Array.from({ length: this.#inFlight }, (_, worker) => this.#work(worker)),
    )
  }

  #end(): void {
    const nowMs = performance.now()
    if (this.#name !== '') {
      const took = Float64Array.from(this.#took).sort()
      const at = (q: number): number => took[Math.floor(took.length * q)] ?? 0
      this.#phases.push({
        name: this.#name,
        seconds: (nowMs - this.#sinceMs) / 1000,
        done: took.length,
        p50Ms: at(0.5),
        p99Ms: at(0.99),
        failed: this.#failed,
      })
    }
    this.#name = ''
    this.#sinceMs = nowMs
    this.#took = []
    this.#failed = {}
  }

  /** A worker writes keys of its own, and no other worker does. */
  async #work(worker: number): Promise<void> {
    const own = Math.ceil((this.#known.length - worker) / this.#inFlight)
    while (!this.#isOver) {
      const key = worker + this.#inFlight * Math.floor(Math.random() * own)
      const state = await this.#check(key, false)
      if (state !== undefined && Math.random() < 0.5) await this.#put(key, state, false)
    }
  }

  async #each(work: (key: number) => Promise<unknown>): Promise<void> {
    let next = 0
    const worker = async (): Promise<void> => {
      while (next < this.#known.length) await work(next++)
    }
    await Promise.all(Array.from({ length: this.#inFlight }, worker))
  }

  /** Resolves with what is there, if it was told, and right. `insists`: asks until it is told. */
  async #check(key: number, insists: boolean): Promise<ObjectState | undefined> {
    const known = this.#known[key]!
    const least = known.acknowledged
    const request: Request = { type: 'get', key: keyOf(key), r: 2, pr: 0, strict: true }
    const reply = await this.#ask('got', request, insists)
    if (reply === undefined) return undefined
    const { state } = reply
    const found = liveSiblings(state).map(({ value }) => numberIn(value.bytes))
    const isRight =
      found.length === 1 &&
      (found[0] === least || (found[0]! > least && found[0]! <= known.perhaps))
    if (!isRight && this.#wrong.length < mostWrong) {
      const holds = found.length === 0 ? 'nothing' : found.join(' and ')
      this.#wrong.push(`key ${key} holds ${holds}, and ${least} was acknowledged`)
    }
    return state
  }

  async #put(key: number, state: ObjectState | undefined, insists: boolean): Promise<void> {
    const known = this.#known[key]!
    const number = Math.max(known.acknowledged, known.perhaps) + 1
    known.perhaps = number
    const bytes = new Uint8Array(valueBytes)
    bytes.set(utf8(`${number}.`))
    bytes.set(padding, 12)
    const request: Request = {
      type: 'put',
      key: keyOf(key),
      request: randomBytes(16),
      context: state?.seen ?? nothingSeen,
      value: makeValue(bytes, Date.now()),
      w: 2,
      direct: false,
      origin: undefined,
      pw: 0,
      dw: 0,
      strict: true,
      session: undefined,
      buffered: false,
    }
    // Another try of the same request mints nothing new.
    const reply = await this.#ask('written', request, insists)
    if (reply !== undefined) known.acknowledged = number
  }

  async #ask<T extends 'got' | 'written'>(
    type: T,
    request: Request,
    insists: boolean,
  ): Promise<ReplyOf<T> | undefined> {
    const body = encodeRequest(request)
    for (;;) {
      const to = this.#coordinators[this.#turn++ % this.#coordinators.length]!
      const startedMs = performance.now()
      const why = await this.#try(to, body, type)
      if (typeof why !== 'string') {
        this.#took.push(performance.now() - startedMs)
        return why as ReplyOf<T>
      }
      this.#failed[why] = (this.#failed[why] ?? 0) + 1
      if (!insists) return undefined
      await new Promise((resolve) => {
        setTimeout(resolve, 50)
      })
    }
  }

  /** The reply, or why there is none. */
  async #try(to: string, body: Uint8Array, type: Reply['type']): Promise<Reply | string> {
    try {
      const options = { lane: 'foreground', deadlineMs: patienceMs } as const
      const reply = decodeReply(await this.#transport.request(to, body, options))
      if (reply.type === type) return reply
      return reply.type === 'refused' ? reply.code : reply.type
    } catch (error) {
      if (error instanceof TransportError) return error.failure
      throw error
    }
  }
}

function keyOf(number: number): Key {
  return makeKey('growth', String(number))
}

function numberIn(bytes: Uint8Array | undefined): number {
  return Number.parseInt(Buffer.from(bytes ?? []).toString('latin1', 0, 12), 10)
}

const [path, keys, inFlight] = process.argv.slice(2)
if (path !== undefined && process.send !== undefined) {
  const { identity, bootstrap } = loadRingFile(path)
  const transport = await openNodeTransport({
    seed: randomBytes(32),
    ringHash: ringHash(identity),
    listen: [],
  })
  transport.serve({
    request: () => new Promise(() => {}),
    notice: () => {},
    up: () => {},
    down: () => {},
  })
  for (const address of bootstrap.filter((each) => !each.includes('/ws')))
    await transport.dial(address)
  const load = new Load(transport, Number(keys), Number(inFlight))
  answerBy((asked: LoadAsked) => load.answer(asked))
}
