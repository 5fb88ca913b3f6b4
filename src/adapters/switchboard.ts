/**
 * The Transport port over anything that brings authenticated connections: who is linked, who is being dialled,
 * and which link counts.
 *
 * There is at most one link per peer. A request without one dials, once for all who wait, and a peer that has
 * just failed is not dialled again for a moment: the caller has fallbacks to try and should turn to them at once.
 * What happens when both sides dial stands in `greeting.ts`.
 */
import { MalformedError, type Bytes } from '../data/bytes.ts'
import { TransportError, type TransportFailure } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Lane, Link as LinkNews, Receiver, RequestOptions, Transport } from '../ports.ts'
import { beforeDeadline } from './deadline.ts'
import {
  decodeGreeting,
  encodeGreeting,
  judge,
  runBytes,
  type Greeting,
  type Standing,
} from './greeting.ts'
import { Link, type Lanes } from './link.ts'
import { isStranger, newNeighbour, type Neighbour, type Newcomer } from './neighbour.ts'
import { Reception } from './reception.ts'
import type { Connection, Underlay } from './underlay.ts'

export interface SwitchboardOptions {
  readonly limits: Limits
  /** Told in a sentence what went wrong on a link and was dealt with. */
  readonly onProblem: (problem: string) => void
}

export class Switchboard implements Transport {
  readonly #underlay: Underlay
  readonly #limits: Limits
  readonly #onProblem: (problem: string) => void
  readonly #reception: Reception
  readonly #neighbours = new Map<PeerId, Neighbour>()
  /** Every link that has not ended, those still greeting included. */
  readonly #links = new Map<Link, () => void>()
  readonly #run = crypto.getRandomValues(new Uint8Array(runBytes))
  readonly #beats: ReturnType<typeof setInterval>
  #dials = 0
  #sessions = 0
  #state: 'open' | 'gate closed' | 'closed' = 'open'
  #cut = new AbortController()

  constructor(underlay: Underlay, { limits, onProblem }: SwitchboardOptions) {
    this.#underlay = underlay
    this.#limits = limits
    this.#onProblem = onProblem
    this.#reception = new Reception(limits.requestsInFlight, onProblem)
    this.#beats = setInterval(() => this.#beat(), limits.heartbeatMs)
  }

  get self(): PeerId {
    return this.#underlay.self
  }

  get addresses(): readonly string[] {
    return this.#underlay.addresses
  }

  serve(receiver: Receiver): void {
    this.#reception.serve(receiver)
  }

  request(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes> {
    const link = this.#neighbours.get(to)?.link
    if (link !== undefined) return link.request(body, options.lane, options.deadlineMs)
    return this.#reachAndRequest(to, body, options)
  }

  notify(to: PeerId, body: Bytes, lane: Lane): void {
    this.#neighbours.get(to)?.link?.notify(body, lane)
  }

  learn(peer: PeerId, addresses: readonly string[]): void {
    if (peer === this.self) return
    const neighbour = this.#neighbour(peer)
    if (sameTexts(neighbour.addresses, addresses)) return
    neighbour.addresses = [...addresses]
    neighbour.failure = undefined
  }

  async dial(address: string): Promise<PeerId> {
    const named = this.#underlay.peerOf(address)
    if (named !== undefined) {
      const neighbour = this.#neighbour(named)
      await neighbour.reaching?.catch(() => {})
      neighbour.failure = undefined
      await this.#reach(neighbour, [address, ...neighbour.addresses])
      if (neighbour.addresses.length === 0) neighbour.addresses = [address]
      return named
    }
    const refusal = this.#refusal()
    if (refusal !== undefined) throw refusal
    const signal = this.#dialSignal()
    const { peer } = await this.#greetOver(await this.#underlay.connect([address], signal), signal)
    const neighbour = this.#neighbour(peer)
    if (neighbour.addresses.length === 0) neighbour.addresses = [address]
    return peer
  }

  links(): readonly LinkNews[] {
    const open = [...this.#neighbours.values()].flatMap(({ link }) => link ?? [])
    return open.map(({ peer, session, address, roundTripMs }) => ({
      peer,
      session,
      address,
      roundTripMs,
    }))
  }

  /** Whether connections are let through now, either way. */
  get gateIsOpen(): boolean {
    return this.#state === 'open'
  }

  setGate(open: boolean): void {
    if (this.#state === 'closed' || open === this.gateIsOpen) return
    this.#state = open ? 'open' : 'gate closed'
    for (const neighbour of this.#neighbours.values()) neighbour.failure = undefined
    if (!open) this.#cutAll('link-lost', 'the gate was closed')
  }

  async close(): Promise<void> {
    if (this.#state !== 'closed') {
      this.#state = 'closed'
      clearInterval(this.#beats)
      for (const link of this.#links.keys()) link.flush()
      this.#cutAll('closed', 'this peer is closed')
    }
    await this.#underlay.close()
  }

  /** The other side of a dial: `hangUp` closes the connection beneath. */
  accept(peer: PeerId, address: string, lanes: Lanes, hangUp: () => void): void {
    if (!this.gateIsOpen) return hangUp()
    this.#newLink(peer, address, lanes, hangUp, (link, greeting) => {
      if (greeting.type !== 'hello') throw new MalformedError('an answer to no greeting')
      this.#meet({ link, hello: greeting })
    })
  }

  #meet(newcomer: Newcomer): void {
    const { link, hello } = newcomer
    const neighbour = this.#neighbour(link.peer)
    const { peer, standing } = neighbour
    const isGreeting = neighbour.hello !== undefined
    const verdict = judge(hello, { self: this.self, peer, run: this.#run, standing, isGreeting })
    switch (verdict) {
      case 'welcome':
        link.greet(encodeGreeting({ type: 'welcome', run: this.#run }))
        neighbour.welcomed = { run: hello.run, dial: hello.dial }
        return this.#up(link, { dialledBy: 'them', dial: hello.dial, theirRun: hello.run })
      case 'wait':
        return this.#letWait(neighbour, newcomer)
      case 'busy':
        link.greet(encodeGreeting({ type: 'busy' }))
        return link.end('link-lost', 'another link stands')
    }
  }

  /** Until our own hello is answered, which must not take long: it may be lost, and theirs is here. */
  #letWait(neighbour: Neighbour, newcomer: Newcomer): void {
    neighbour.waiting?.link.end('link-lost', 'a newer dial took its place')
    neighbour.waiting = newcomer
    setTimeout(() => {
      if (neighbour.waiting !== newcomer) return
      neighbour.hello?.link?.end('link-lost', 'a hello got no answer, while another waits')
    }, this.#limits.heartbeatMs)
  }

  async #reachAndRequest(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes> {
    const startedAt = performance.now()
    const neighbour = this.#neighbour(to)
    if (neighbour.queued >= this.#limits.requestsInFlight) {
      throw new TransportError('overloaded', false, `too many requests wait for a link to ${to}`)
    }
    neighbour.queued++
    try {
      const { addresses } = neighbour
      const reached = this.#reach(neighbour, addresses)
      await beforeDeadline(reached, options.deadlineMs, `link to ${to}`)
    } finally {
      neighbour.queued--
    }
    const { link } = neighbour
    if (link === undefined) throw new TransportError('link-lost', false, `${to} has gone again`)
    const leftMs = options.deadlineMs - (performance.now() - startedAt)
    return link.request(body, options.lane, leftMs)
  }

  /** The link to a peer; dials if there is none, once for all who ask. */
  #reach(neighbour: Neighbour, addresses: readonly string[]): Promise<Link> {
    if (neighbour.link !== undefined) return Promise.resolve(neighbour.link)
    if (neighbour.reaching !== undefined) return neighbour.reaching
    const refusal = this.#refusal(neighbour, addresses)
    if (refusal !== undefined) return Promise.reject(refusal)
    const reaching = this.#nextLink(neighbour, addresses).finally(() => {
      neighbour.reaching = undefined
    })
    neighbour.reaching = reaching
    return reaching
  }

  /** The link that a dial brings, or a sooner one of theirs. */
  async #nextLink(neighbour: Neighbour, addresses: readonly string[]): Promise<Link> {
    const cut = this.#cut
    const { promise: next, resolve: linked } = Promise.withResolvers<Link>()
    neighbour.linked.add(linked)
    try {
      return await Promise.race([next, this.#dial(neighbour, addresses)])
    } catch (error) {
      const failure = asTransportError(error)
      if (cut === this.#cut) neighbour.failure = { at: performance.now(), error: failure }
      throw failure
    } finally {
      neighbour.linked.delete(linked)
    }
  }

  async #dial({ peer }: Neighbour, addresses: readonly string[]): Promise<Link> {
    const signal = this.#dialSignal()
    const known = this.#underlay.toPeer(peer, addresses)
    if (known.length === 0) {
      throw new TransportError('unreachable', false, `none of its addresses leads to ${peer}`)
    }
    return this.#greetOver(await this.#underlay.connect(known, signal), signal)
  }

  /** Makes a dialled connection the link to its peer, unless there is one or another is about to be. */
  async #greetOver(connection: Connection, signal: AbortSignal): Promise<Link> {
    const neighbour = this.#neighbour(connection.peer)
    const better = neighbour.link ?? neighbour.hello?.outcome
    if (better !== undefined) {
      if (connection.id !== neighbour.helloOver) connection.close()
      return better
    }
    const outcome = this.#introduce(neighbour, connection, signal)
    neighbour.helloOver = connection.id
    neighbour.hello = { link: undefined, outcome }
    return outcome
  }

  /** Our hello and what comes of it: our link, or theirs, which came first or waited. */
  async #introduce(
    neighbour: Neighbour,
    connection: Connection,
    signal: AbortSignal,
  ): Promise<Link> {
    const outcome = await this.#greet(neighbour, connection, signal).catch(asTransportError)
    const { waiting } = neighbour
    neighbour.hello = undefined
    neighbour.waiting = undefined
    if (waiting?.link.hasEnded === false) this.#meet(waiting)
    if (outcome instanceof Link) return outcome
    if (neighbour.link !== undefined) return neighbour.link
    throw outcome
  }

  async #greet(neighbour: Neighbour, connection: Connection, signal: AbortSignal): Promise<Link> {
    const { peer, address } = connection
    let lanes: Lanes
    try {
      lanes = await connection.open(signal)
    } catch (error) {
      connection.close()
      throw error
    }
    if (neighbour.link !== undefined || !this.gateIsOpen) {
      connection.close()
      throw new TransportError('unreachable', false, 'another link came first')
    }
    const dial = ++this.#dials
    const { promise, resolve, reject } = Promise.withResolvers<Link>()
    const hangUp = (): void => {
      connection.close()
      reject(new TransportError('unreachable', false, `${peer} is busy or has gone`))
    }
    const link = this.#newLink(peer, address, lanes, hangUp, (_link, answer) => {
      if (answer.type === 'hello') throw new MalformedError('a hello in answer to a hello')
      if (answer.type === 'busy') return link.end('link-lost', `${peer} keeps another link`)
      this.#up(link, { dialledBy: 'us', dial, theirRun: answer.run })
      resolve(link)
    })
    const tooLate = (): void => link.end('link-lost', `${peer} did not answer a greeting`)
    if (neighbour.hello !== undefined) neighbour.hello.link = link
    signal.addEventListener('abort', tooLate)
    const { welcomed } = neighbour
    link.greet(encodeGreeting({ type: 'hello', run: this.#run, dial, welcomed }))
    return promise.finally(() => signal.removeEventListener('abort', tooLate))
  }

  #newLink(
    peer: PeerId,
    address: string,
    lanes: Lanes,
    hangUp: () => void,
    greeted: (link: Link, greeting: Greeting) => void,
  ): Link {
    const link: Link = new Link(peer, address, lanes, this.#limits, {
      greeted: (body) => greeted(link, decodeGreeting(body)),
      refuses: (body) => this.#reception.refuses(peer, body),
      request: (body) => this.#reception.request(peer, body),
      notice: (body) => this.#reception.notice(peer, body),
      ended: () => this.#ended(link),
      offended: (offence) => this.#onProblem(`the link with ${peer} is closed: ${offence}`),
    })
    this.#links.set(link, hangUp)
    link.start()
    return link
  }

  #up(link: Link, standing: Standing): void {
    const neighbour = this.#neighbour(link.peer)
    neighbour.link?.end('link-lost', 'a newer link took its place')
    neighbour.link = link
    neighbour.standing = standing
    neighbour.failure = undefined
    const session = ++this.#sessions
    link.open(session)
    this.#reception.up(link.peer, session)
    for (const each of neighbour.linked) each(link)
    neighbour.linked.clear()
  }

  #ended(link: Link): void {
    const hangUp = this.#links.get(link)
    this.#links.delete(link)
    const neighbour = this.#neighbours.get(link.peer)
    if (neighbour?.link === link) {
      neighbour.link = undefined
      neighbour.standing = undefined
      this.#reception.down(link.peer, link.session)
    }
    hangUp?.()
  }

  #cutAll(failure: TransportFailure, reason: string): void {
    this.#cut.abort(new TransportError('unreachable', false, reason))
    this.#cut = new AbortController()
    for (const link of this.#links.keys()) link.end(failure, reason)
  }

  #beat(): void {
    for (const link of this.#links.keys()) link.beat()
    this.#forgetStrangers()
  }

  #neighbour(peer: PeerId): Neighbour {
    const known = this.#neighbours.get(peer)
    if (known !== undefined) return known
    const neighbour = newNeighbour(peer)
    this.#neighbours.set(peer, neighbour)
    return neighbour
  }

  /** Visitors come and go by the thousand: the oldest without link or address are forgotten. */
  #forgetStrangers(): void {
    let tooMany = this.#neighbours.size - this.#limits.members - this.#limits.edgesPerMember
    for (const neighbour of this.#neighbours.values()) {
      if (tooMany <= 0) return
      if (!isStranger(neighbour)) continue
      this.#neighbours.delete(neighbour.peer)
      tooMany--
    }
  }

  #dialSignal(): AbortSignal {
    return AbortSignal.any([this.#cut.signal, AbortSignal.timeout(this.#limits.requestMs)])
  }

  /** Why no dial should be tried; undefined if one should. */
  #refusal(neighbour?: Neighbour, addresses?: readonly string[]): TransportError | undefined {
    if (this.#state === 'closed') return new TransportError('closed', false, 'this peer is closed')
    const refuse = (why: string): TransportError => new TransportError('unreachable', false, why)
    if (this.#state === 'gate closed') return refuse('the gate is closed')
    if (neighbour === undefined) return undefined
    if (neighbour.peer === this.self) return refuse('a peer has no link to itself')
    if (addresses?.length === 0) return refuse(`no address of ${neighbour.peer} is known`)
    const { failure } = neighbour
    const isRecent =
      failure !== undefined && performance.now() - failure.at < this.#limits.probeMs / 2
    return isRecent ? failure.error : undefined
  }
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i])
}

function asTransportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error
  return new TransportError('unreachable', false, String(error))
}
