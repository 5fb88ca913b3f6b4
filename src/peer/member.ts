/**
 * A member, put together: it opens its store, states itself to the ring, serves, and keeps its loops going.
 *
 * Nothing is decided here. Coordinator, replica, handoff, anti-entropy and gossip speak to each other through messages
 * and storage; this file wires them to one transport, one store and one driver of ticks.
 */
import type { Key } from '../data/key.ts'
import type { Dot } from '../data/vector.ts'
import { refuse } from '../protocol/admission.ts'
import { NotUnderstoodError } from '../protocol/codec.ts'
import { RingletError } from '../protocol/errors.ts'
import type { Say } from '../protocol/event.ts'
import type { PageAsked } from '../protocol/listing.ts'
import type { PeerClass, PeerId, RingIdentity, View } from '../protocol/membership.ts'
import { ringHash } from '../protocol/view.ts'
import {
  decodeNotice,
  decodeRequest,
  encodeNotice,
  encodeReply,
  type Reply,
  type ReplyOf,
  type Request,
} from '../protocol/message.ts'
import { type MemberRules, memberRules } from '../protocol/member-rules.ts'
import { rules } from '../protocol/rules.ts'
import { storageKeys } from '../protocol/record.ts'
import { unreachable } from '../data/assert.ts'
import type { Trace } from '../ports.ts'
import { AntiEntropy } from './anti-entropy.ts'
import { ask, refusalOfError } from './ask.ts'
import { write, type Written } from './coordinator.ts'
import { isCopied, openIdentity } from './epochs.ts'
import { Followers } from './followers.ts'
import { Gossip } from './gossip.ts'
import { Handoff } from './handoff.ts'
import type { WriteRequest } from './minting.ts'
import { list, type ListedPage, serveOwnPage } from './listing.ts'
import { type Covered, coveredBy, get, type Got } from './reading.ts'
import { Records } from './records.ts'
import { rememberedView } from './remembered.ts'
import {
  serveExchange,
  serveFolds,
  serveFresh,
  serveHandoff,
  serveKeys,
  serveRead,
  serveReplicate,
} from './replica.ts'
import { Table } from './table.ts'
import { sayError, Troubles } from './troubles.ts'
import { makeWorld, type World, type WorldOptions } from './world.ts'

export interface MemberOptions extends WorldOptions {
  readonly ring: RingIdentity
  readonly trace: Trace
  readonly memberRules?: Partial<MemberRules>
  /** Addresses to ask while no member answers. */
  readonly bootstrap: readonly string[]
  readonly class: PeerClass
  readonly host: string
  readonly zone: string
  readonly weight: number
}

/** How often the driver calls every loop's `tick`. */
const tickMs = 100
/** What tells a peer its own past harms nobody. */
const servedFromTheStart: ReadonlySet<Request['type']> = new Set(['gossip', 'records', 'ping'])
/** A request's age is looked at this often. */
const sweepMs = 10_000

/** Resolves once the member serves. Rejects with `StorageError` when its store is not to be had. */
export async function startMember(options: MemberOptions): Promise<Member> {
  const { storage, random, transport, identity, ring } = options
  const say: Say = (event) => options.trace({ peer: identity.peer, ...event })
  const owner = { self: identity.peer, ring: ringHash(ring) }
  const store = await openIdentity(storage, random, owner, say)
  const records = new Records(storage, ring.q, say, store)
  let displaced = (): void => {}
  let adopted = (_view: View): void => {}
  const adoptedView = (view: View): void => adopted(view)
  const troubles = new Troubles()
  const stored = await storage.get(storageKeys.members)
  const tableOptions = {
    ring,
    identity,
    storage,
    transport,
    random,
    say,
    rules: options.rules ?? rules,
    memberRules: { ...memberRules, ...options.memberRules },
    troubles,
    adopted: adoptedView,
    renew: () => records.renew(random),
    displaced: () => displaced(),
  }
  const table = new Table(tableOptions, rememberedView(ring, stored, say))
  const member = new Member({ ...options, troubles }, say, records, table)
  adopted = (view) => member.viewChanged(view)
  displaced = () => member.displace()
  records.onDamage = async ({ cause }) => {
    say({ type: 'quarantined', detail: `the store's identity: ${(cause as Error).message}` })
    await table.restate(await records.renew(random))
  }
  const remembered = table.ownRecord
  await member.askAround()
  const isOld = isCopied(store, storage) || table.hasMovedOn(remembered, records.generation)
  if (isOld) await table.renew()
  await table.state({
    class: options.class,
    host: options.host,
    zone: options.zone,
    weight: options.weight,
    addresses: transport.addresses,
    generation: records.generation,
  })
  member.start()
  return member
}

export class Member {
  readonly world: World
  readonly records: Records
  /** How many keys this peer owed when that was last counted. */
  owedKeys = 0
  readonly #watchers = new Set<() => void>()
  readonly #table: Table
  readonly #gossip: Gossip
  readonly #handoff: Handoff
  readonly #antiEntropy: AntiEntropy
  readonly #followers: Followers
  #stopTicking = (): void => {}
  #sweepDue = 0
  #counting: Promise<number> | undefined
  #phase: 'starting' | 'open' | 'displaced' | 'closed' = 'starting'
  readonly #displaced = Promise.withResolvers<RingletError>()

  constructor(options: MemberOptions, say: Say, records: Records, table: Table) {
    this.world = makeWorld(
      options,
      say,
      () => table.view,
      (peer) => {
        this.#antiEntropy.soon(peer)
        this.#handoff.soon(peer)
        this.#touched()
      },
    )
    this.records = records
    this.#table = table
    this.#gossip = new Gossip(this.world, table, options.bootstrap)
    this.#handoff = new Handoff(this.world, records)
    this.#antiEntropy = new AntiEntropy(this.world, records)
    this.#followers = new Followers(this.world)
    records.onChange((key, state) => this.#followers.changed(key, state))
  }

  get id(): PeerId {
    return this.world.self
  }

  get view(): View {
    return this.#table.view
  }

  /** Resolves with why, if another peer runs with this identity: this one has then stopped, and can only be closed. */
  get displaced(): Promise<RingletError> {
    return this.#displaced.promise
  }

  /** How many links follow keys here. */
  get followers(): number {
    return this.#followers.count
  }

  /**
   * Hears what the ring knows, this peer's own past included, before it says anything; not for long. Until `start` it
   * serves nothing but gossip.
   */
  async askAround(): Promise<void> {
    this.world.transport.serve({
      request: (from, body) => this.#serve(from, body),
      notice: (from, body) => this.#hear(from, body),
      up: (peer) => this.#linkUp(peer),
      down: (peer) => this.#linkDown(peer),
    })
    const { clock, limits } = this.world
    const { promise: late, resolve } = Promise.withResolvers<void>()
    const cancel = clock.after(limits.requestMs, resolve)
    await Promise.race([this.#gossip.hearAnybody(), late])
    cancel()
  }

  /** From here on it serves all that a member serves. */
  start(): void {
    if (this.#phase !== 'starting') return
    this.#phase = 'open'
    this.world.say({ type: 'started' })
    if (this.#table.own !== undefined) this.#gossip.push([this.#table.own])
    this.#tick()
  }

  /** Coordinates a write, or passes it to an owner. Rejects with `RingletError`. */
  async write(request: WriteRequest): Promise<Written> {
    this.#mustBeOpen()
    return write(this.world, this.records, request, false)
  }

  async get(key: Key, r: number): Promise<Got> {
    this.#mustBeOpen()
    return get(this.world, this.records, key, r)
  }

  /** A page of a listing by R owners; of `local` by this peer alone. Rejects with `RingletError`. */
  async list(asked: PageAsked, r: number | 'local'): Promise<ListedPage> {
    this.#mustBeOpen()
    if (r === 'local') return serveOwnPage(this.world, this.records, asked)
    return list(this.world, this.records, asked, r)
  }

  /** Which owners hold at least this write durably. */
  coveredBy(key: Key, dot: Dot): Promise<Covered> {
    return coveredBy(this.world, this.records, key, dot, false)
  }

  /** How many keys this peer owes to their owners. Anybody may ask, and to count is to read all of it: once for all. */
  hints(): Promise<number> {
    this.#counting ??= this.#count().finally(() => {
      this.#counting = undefined
    })
    return this.#counting
  }

  /** What this peer says of itself to whoever asks. */
  async report(): Promise<Omit<ReplyOf<'status'>, 'type'>> {
    const keys = this.records.digests.count ?? 0
    return { hints: await this.hints(), keys, suspects: this.world.links.suspects() }
  }

  /** Calls `changed` when links, members or suspicions change. */
  onTouch(changed: () => void): () => void {
    this.#watchers.add(changed)
    return () => this.#watchers.delete(changed)
  }

  /** Tries everybody who is suspect at once: the network is back. */
  wake(): void {
    if (this.#phase !== 'open') return
    this.#probe(this.world.links.dueProbes(0))
    this.#gossip.tick()
  }

  /** Says nothing more in a name that is another's, and does nothing more under it. */
  displace(): void {
    if (this.#phase === 'closed' || this.#phase === 'displaced') return
    this.#phase = 'displaced'
    this.#stopTicking()
    this.world.transport.setGate(false)
    const error = identityInUse(this.world.self)
    this.world.troubles.note('identity', sayError(error))
    this.world.say({ type: 'displaced', detail: error.message })
    this.#displaced.resolve(error)
  }

  viewChanged(view: View): void {
    for (const { record } of view.members) this.#antiEntropy.soon(record.peer)
    this.#touched()
  }

  /** Says goodbye, finishes what is under way, and leaves the store to its owner. */
  async close(): Promise<void> {
    if (this.#phase === 'closed') return
    this.#phase = 'closed'
    this.#stopTicking()
    const goodbye = encodeNotice({ type: 'goodbye' })
    for (const { peer } of this.world.transport.links()) {
      this.world.transport.notify(peer, goodbye, 'foreground')
    }
    await this.world.tasks.idle()
    this.world.say({ type: 'stopped' })
  }

  async #count(): Promise<number> {
    this.owedKeys = await this.#handoff.count()
    return this.owedKeys
  }

  /** The one driver: every loop is asked whether it has something to do. */
  #tick(): void {
    const { clock, links, limits, tasks } = this.world
    this.#stopTicking = clock.after(tickMs, () => {
      if (this.#phase !== 'open') return
      this.#gossip.tick()
      this.#handoff.tick()
      this.#antiEntropy.tick()
      this.#probe(links.dueProbes(limits.probeMs))
      if (clock.elapsed() >= this.#sweepDue) {
        this.#sweepDue = clock.elapsed() + sweepMs
        const { troubles } = this.world
        const before = clock.now() - limits.requestMemoryMs
        tasks.run('count', this.hints())
        tasks.run(
          'sweep',
          troubles.watch('store', () => this.records.forgetRequests(before)),
        )
      }
      this.#tick()
    })
  }

  #probe(peers: readonly PeerId[]): void {
    const { tasks, limits } = this.world
    for (const peer of peers) {
      const options = { deadlineMs: limits.ownerMs }
      tasks.run('probe', ask(this.world, peer, { type: 'ping' }, 'done', options))
    }
  }

  #mustBeOpen(): void {
    if (this.#phase === 'closed') throw new RingletError('closed', 'this peer is closed')
    if (this.#phase === 'displaced') throw identityInUse(this.world.self)
  }

  #touched(): void {
    for (const changed of this.#watchers) changed()
  }

  async #serve(from: PeerId, body: Uint8Array): Promise<Uint8Array> {
    try {
      return encodeReply(await this.#answer(from, this.#understood(body)))
    } catch (error) {
      this.world.say({ type: 'refused-input', from, detail: (error as Error).message })
      return encodeReply(refusalOfError(error))
    }
  }

  #understood(body: Uint8Array): Request {
    this.#mustBeOpen()
    let request: Request
    try {
      request = decodeRequest(body)
    } catch (cause) {
      throw unreadable(cause as Error)
    }
    if (this.#phase === 'open' || servedFromTheStart.has(request.type)) return request
    throw new RingletError('closed', 'this peer is starting', { remedy: 'Ask another member.' })
  }

  async #answer(from: PeerId, request: Request): Promise<Reply> {
    const refusal = refuse(this.view, from, request)
    if (refusal !== undefined) throw refusal
    const { world, records } = this
    switch (request.type) {
      case 'replicate':
        return serveReplicate(world, records, request)
      case 'read':
        return serveRead(world, records, request)
      case 'handoff':
        return serveHandoff(world, records, request)
      case 'exchange':
        return serveExchange(world, records, request)
      case 'folds':
        return serveFolds(world, records, from, request)
      case 'keys':
        return serveKeys(world, request)
      case 'put': {
        // Whoever passed it on: two members that are asked the same ask for one write.
        const origin = request.origin ?? from
        const order: WriteRequest = { ...request, kind: 'mint', origin }
        return { type: 'written', ...(await write(world, records, order, request.direct)) }
      }
      case 'deliver': {
        const order: WriteRequest = { ...request, kind: 'deliver' }
        return { type: 'written', ...(await write(world, records, order, request.direct)) }
      }
      case 'get':
        return { type: 'got', ready: true, ...(await get(world, records, request.key, request.r)) }
      case 'list':
        return {
          type: 'listed',
          ...(await this.list(request, request.direct ? 'local' : request.r)),
        }
      case 'fresh':
        return serveFresh(world, records, request)
      case 'covers': {
        const { key, dot, direct } = request
        return { type: 'covered', ...(await coveredBy(world, records, key, dot, direct)) }
      }
      case 'gossip':
        return this.#gossip.serve(request)
      case 'records':
        await this.#gossip.take(request.records)
        return { type: 'done' }
      case 'follow':
        return { type: 'following', taken: this.#followers.follow(from, request.keys) }
      case 'unfollow':
        this.#followers.unfollow(
          from,
          request.keys.map(({ text }) => text),
        )
        return { type: 'done' }
      case 'status':
        return { type: 'status', ...(await this.report()) }
      case 'ping':
        return { type: 'done' }
      default:
        return unreachable(request)
    }
  }

  #hear(from: PeerId, body: Uint8Array): void {
    try {
      const notice = decodeNotice(body)
      if (notice.type === 'goodbye') this.#goodbye(from)
      if (notice.type === 'records') {
        this.world.tasks.run('records', this.#gossip.take(notice.records))
      }
    } catch (error) {
      this.world.say({ type: 'refused-input', from, detail: (error as Error).message })
    }
  }

  /** A follower that sleeps is told nothing until it follows anew; it is nobody to be probed. */
  #goodbye(from: PeerId): void {
    this.#followers.gone(from)
    if (this.view.byPeer.has(from)) this.world.links.failed(from, 'goodbye')
  }

  #linkUp(peer: PeerId): void {
    this.world.say({ type: 'link-up', to: peer })
    if (!this.view.byPeer.has(peer)) return
    this.world.links.answered(peer, 0)
    this.#antiEntropy.soon(peer)
    this.world.tasks.run('gossip', this.#gossip.exchangeWith(peer))
  }

  #linkDown(peer: PeerId): void {
    this.world.say({ type: 'link-down', to: peer })
    this.#touched()
    this.#followers.gone(peer)
    if (this.view.byPeer.has(peer)) this.world.links.failed(peer, 'link-lost')
    else this.world.links.forget(peer)
  }
}

function identityInUse(peer: PeerId): RingletError {
  return new RingletError('identity-in-use', `another peer runs with the identity ${peer}`, {
    remedy:
      "If this data folder is a copy of that peer's, start this one on an empty folder: it becomes a peer of its own, " +
      "and the ring fills it. If it has taken that peer's place, stop that one, and start this one again.",
  })
}

/** What this version does not know another may, so that it is no verdict on the request. */
function unreadable(cause: Error): RingletError {
  if (!(cause instanceof NotUnderstoodError)) {
    return new RingletError('malformed', cause.message, { cause })
  }
  return new RingletError('not-understood', cause.message, {
    remedy: 'Ask another member, or run the newer version of Ringlet that asks here too.',
    cause,
  })
}
