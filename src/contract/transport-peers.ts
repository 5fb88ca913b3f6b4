/** The peers of one case: opened fresh, told of each other, with receivers that remember, and closed in the end. */
import { TransportError, type TransportFailure } from '../protocol/errors.ts'
import type { Bytes } from '../data/bytes.ts'
import { utf8 } from '../data/bytes.ts'
import type { Receiver, RequestOptions, Transport } from '../ports.ts'
import { ensure, rejection } from './case.ts'
import type { TransportSubject } from './transport-subject.ts'

/** A peer that answers with what it was asked, until told otherwise, and remembers everything. */
export class Peer implements Receiver {
  readonly transport: Transport
  /** `up`, `down`, `request` and `notice`, in order, with the session of the links. */
  readonly news: string[] = []
  readonly notices: Bytes[] = []
  requests = 0
  answer: (body: Bytes) => Promise<Bytes> = (body) => Promise.resolve(body)
  /** Whether there is no room for a request. */
  isFull: (body: Bytes) => boolean = () => false

  /** What to do at the news of a link. */
  linked: () => void = () => {}

  constructor(transport: Transport) {
    this.transport = transport
  }

  get id(): string {
    return this.transport.self
  }

  refuses(_from: string, body: Bytes): boolean {
    return this.isFull(body)
  }

  request(_from: string, body: Bytes): Promise<Bytes> {
    this.requests++
    this.news.push('request')
    return this.answer(body)
  }

  notice(_from: string, body: Bytes): void {
    this.news.push('notice')
    // A view, and gone after this turn.
    this.notices.push(body.slice())
  }

  up(_peer: string, session: number): void {
    this.news.push(`up ${session}`)
    this.linked()
  }

  down(_peer: string, session: number): void {
    this.news.push(`down ${session}`)
  }

  ask(other: Peer, body: Bytes = utf8('?'), options: Partial<RequestOptions> = {}): Promise<Bytes> {
    return this.transport.request(other.id, body, { ...patient, ...options })
  }

  sessions(): number[] {
    return this.news.filter((it) => it.startsWith('up')).map((it) => Number(it.slice(3)))
  }
}

const patient: RequestOptions = { lane: 'foreground', deadlineMs: 10_000 }

/** Opens two peers that know each other's addresses, runs, and closes them. */
export async function withTwo(
  subject: TransportSubject,
  run: (one: Peer, other: Peer) => Promise<void>,
): Promise<void> {
  const peers = [new Peer(await subject.open()), new Peer(await subject.open())] as const
  const [one, other] = peers
  for (const peer of peers) peer.transport.serve(peer)
  introduce(one, other)
  introduce(other, one)
  try {
    await run(one, other)
  } finally {
    await Promise.all(peers.map(({ transport }) => transport.close()))
  }
}

export function introduce(one: Peer, other: Peer): void {
  one.transport.learn(other.id, other.transport.addresses)
}

/** Asks for an answer that does not come until `release` is called. */
export function stall(peer: Peer): { release(): void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  peer.answer = (body) => promise.then(() => body)
  return { release: resolve }
}

export async function fails(
  promise: Promise<unknown>,
  failure: TransportFailure,
  sent: boolean,
  what: string,
): Promise<void> {
  const error = await rejection(promise, what)
  ensure(error instanceof TransportError, `${what}: rejected with ${String(error)}`)
  const got = `${error.failure}, ${error.sent ? 'sent' : 'not sent'}`
  const wanted = `${failure}, ${sent ? 'sent' : 'not sent'}`
  ensure(got === wanted, `${what}: expected ${wanted}; got ${got} (${error.message})`)
}

/** Waits until `condition` holds; a link's other side learns of things in its own time. */
export async function eventually(condition: () => boolean, what: string): Promise<void> {
  const until = performance.now() + 10_000
  while (!condition()) {
    ensure(performance.now() < until, `${what}: not within 10 s`)
    await pause(5)
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** `length` bytes that differ from place to place, so that no part can be mistaken for another. */
export function pattern(length: number, salt = 0): Bytes {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >>> 8) * 17 + salt) & 0xff
  return bytes
}
