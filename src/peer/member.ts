/**
 * A member, put together: it serves, and keeps its loops going.
 *
 * Nothing is decided here. Coordinator, replica, handoff, anti-entropy and gossip speak to each other through messages
 * and storage; this file wires them to one transport, one store and one driver of ticks.
 */
import type { Key } from '../data/key.ts'
import type { Dot } from '../data/vector.ts'
import type { ChangingRules } from '../protocol/changing-rules.ts'
import type { ReadDemands } from '../protocol/demands.ts'
import { RingletError } from '../protocol/errors.ts'
import type { Say } from '../protocol/event.ts'
import type { PageAsked } from '../protocol/listing.ts'
import type { PeerClass, PeerId, RingIdentity, SignedRecord, View } from '../protocol/membership.ts'
import {
  decodeNotice,
  encodeNotice,
  encodeReply,
  type Reply,
  type ReplyOf,
  type Request,
} from '../protocol/message.ts'
import { limits as defaultLimits } from '../protocol/limits.ts'
import { type LoadRules, loadRules } from '../protocol/load-rules.ts'
import type { MemberRules } from '../protocol/member-rules.ts'
import { type BufferingRules, bufferingRules } from '../protocol/buffering.ts'
import { type ReapingRules, reapingRules } from '../protocol/reaping.ts'
import { rules } from '../protocol/rules.ts'
import type { Trace } from '../ports.ts'
import type { LoadStatus } from './api.ts'
import { type Answering, answer, understood } from './answer.ts'
import { AntiEntropy } from './anti-entropy.ts'
import { ask, refusalOfError } from './ask.ts'
import { Buffers } from './buffers.ts'
import { Changing, type Wish } from './changing.ts'
import { write, type Written } from './coordinator.ts'
import type { FactsTable } from './facts-table.ts'
import { Filling } from './filling.ts'
import { Followers } from './followers.ts'
import { Gossip } from './gossip.ts'
import { Handoff } from './handoff.ts'
import { Hedging } from './hedging.ts'
import { Intake } from './intake.ts'
import type { WriteRequest } from './minting.ts'
import { Pace } from './pace.ts'
import { list, type ListedPage, serveOwnPage } from './listing.ts'
import { PiecedTransport } from './pieced.ts'
import { type Covered, coveredBy, get, type Got } from './reading.ts'
import { Reaping } from './reaping.ts'
import type { Records } from './records.ts'
import { Refill } from './refill.ts'
import type { Table } from './table.ts'
import { sayError } from './troubles.ts'
import { Sweep } from './sweep.ts'
import { UnderWay } from './under-way.ts'
import { makeWorld, type MemberWorld, type WorldOptions } from './world.ts'

export interface MemberOptions extends WorldOptions {
  readonly ring: RingIdentity
  readonly trace: Trace
  readonly memberRules?: Partial<MemberRules>
  readonly reaping?: Partial<ReapingRules>
  readonly buffering?: Partial<BufferingRules>
  readonly loadRules?: Partial<LoadRules>
  readonly changing?: Partial<ChangingRules>
  /** Comes to a ring that is there already: it asks for a seat, and owns nothing before it holds what it is to own. */
  readonly joins?: boolean
  /** Who alone may order that a member goes; without one any durable member may. */
  readonly operator?: PeerId
  /** Addresses to ask while no member answers. */
  readonly bootstrap: readonly string[]
  readonly class: PeerClass
  readonly host: string
  /** Undefined for the zone and weight of the seat that it has; without a seat `default` and 1. */
  readonly zone: string | undefined
  readonly weight: number | undefined
}

/** How often the driver calls every loop's `tick`. */
const tickMs = 100
/** What tells a peer its own past harms nobody. */
const servedFromTheStart: ReadonlySet<Request['type']> = new Set([
  'gossip',
  'records',
  'ping',
  'changing',
])

export class Member {
  readonly world: MemberWorld
  readonly records: Records
  /** How many keys this peer owed when that was last counted. */
  owedKeys = 0
  /** What is asked of this peer and under way, and what was refused for it. */
  readonly intake: Intake
  readonly #watchers = new Set<() => void>()
  readonly #table: Table
  readonly #gossip: Gossip
  readonly #handoff: Handoff
  readonly #antiEntropy: AntiEntropy
  readonly #followers: Followers
  readonly #refill: Refill
  readonly #reaping: Reaping
  readonly #sweep: Sweep
  readonly #filling: Filling
  readonly #changing: Changing
  readonly #parts: Answering
  #stopTicking = (): void => {}
  #counting: Promise<number> | undefined
  #phase: 'starting' | 'open' | 'displaced' | 'closed' = 'starting'
  readonly #displaced = Promise.withResolvers<RingletError>()

  constructor(
    options: MemberOptions,
    say: Say,
    records: Records,
    table: Table,
    awakeBeforeMs: number,
    facts: FactsTable,
  ) {
    const { clock, limits = defaultLimits } = options
    const isMember = (peer: PeerId): boolean => table.view.byPeer.has(peer)
    const load = { ...loadRules, ...options.loadRules }
    const transport = new PiecedTransport(options.transport, clock, limits, isMember, load)
    const world = makeWorld(
      { ...options, transport },
      say,
      () => table.view,
      (peer) => {
        this.#antiEntropy.soon(peer)
        this.#handoff.soon(peer)
        this.#refill.soon()
        this.#touched()
      },
    )
    const buffering = { ...bufferingRules, ...options.buffering }
    this.world = {
      ...world,
      buffering,
      buffers: new Buffers(world, buffering),
      rules: options.rules ?? rules,
      hedging: new Hedging(clock, limits, load),
      pace: new Pace(clock, limits, load),
      reaping: { ...reapingRules, ...options.reaping },
      changing: facts.rules,
      stamp: (request) => this.#reaping.sessions.stamp(request),
      compareTables: (peer) => this.#gossip.exchangeWith(peer),
      isAlone: () => this.#gossip.isAlone,
      holdsAll: (key) => this.#refill.holdsAll(key),
    }
    this.records = records
    records.foreign.govern(this.world.rules, this.world.limits, this.world.troubles)
    records.onBuffered = () => this.world.buffers.wrote()
    records.setsAside = buffering.setsAside
    records.givesWay = options.memberRules?.givesWay ?? records.givesWay
    this.intake = new Intake(limits, load)
    this.#table = table
    this.#gossip = new Gossip(this.world, table, options.bootstrap)
    this.#handoff = new Handoff(this.world, records)
    this.#antiEntropy = new AntiEntropy(this.world, records)
    this.#filling = new Filling(this.world, records, this.#antiEntropy, facts)
    this.#changing = new Changing(this.world, facts, this.#filling, {
      isWhole: () => table.own?.record.readiness === 'ready',
      acquaintances: () => {
        const known = table.view.members.map(({ record }) => record.peer)
        return known.filter((peer) => peer !== world.self)
      },
      isKnown: () => table.ownRecord !== undefined,
      hearAnybody: () => this.#gossip.hearAnybody(),
      owes: async () => !this.#handoff.isDerived || (await this.hints()) > 0,
    })
    this.#refill = new Refill(this.world, records, table, this.#antiEntropy, () => {
      return this.#changing.mayCount()
    })
    this.#reaping = new Reaping(this.world, records, awakeBeforeMs)
    this.#followers = new Followers(this.world)
    this.#sweep = new Sweep({
      world: this.world,
      records,
      count: () => this.hints(),
      noteAwake: () => this.#reaping.noteAwake(),
    })
    this.#parts = {
      world: this.world,
      records,
      gossip: this.#gossip,
      followers: this.#followers,
      reaping: this.#reaping,
      underWay: new UnderWay(),
      changing: this.#changing,
      report: () => this.report(),
    }
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

  /** What this peer has to do, and what that does to it. */
  get load(): LoadStatus {
    const { hedging, pace } = this.world
    const { underWay, refused } = this.intake
    const p99Ms = pace.p99Ms ?? null
    return { underWay, refused, hedged: hedging.extra, p99Ms, background: pace.share }
  }

  /** The member without whose word this peer may not forget the keys that were deleted. */
  get reapingWaitsFor(): PeerId | undefined {
    return this.#reaping.waitsFor
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
      refuses: (from, body) => this.intake.refuses(body, this.view.byPeer.has(from)),
      request: (from, body) =>
        this.intake.serve(body, this.view.byPeer.has(from), () => this.#serve(from, body)),
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

  /**
   * A joiner makes itself known before it states itself; one that was sent away before forgets first what it owned then.
   * Resolves with whether it comes anew.
   */
  enter(forgetOwned: () => Promise<void>): Promise<boolean> {
    return this.#changing.enter(forgetOwned)
  }

  /** From here on it serves all that a member serves. */
  start(): void {
    if (this.#phase !== 'starting') return
    this.#phase = 'open'
    this.world.say({ type: 'started' })
    this.#refill.start()
    if (this.#table.own !== undefined) this.#gossip.push([this.#table.own])
    this.#tick()
  }

  /** Coordinates a write, or passes it to an owner. Rejects with `RingletError`. */
  async write(request: WriteRequest): Promise<Written> {
    this.#mustBeOpen()
    return this.#reaping.sessions.during(
      this.intake.admit(() => write(this.world, this.records, request, false)),
    )
  }

  /** `asked`: R, or more exactly what the request asks for. Rejects with `RingletError`. */
  async get(key: Key, asked: number | ReadDemands): Promise<Got> {
    this.#mustBeOpen()
    const demands = typeof asked === 'number' ? { r: asked } : asked
    return this.#reaping.sessions.during(
      this.intake.admit(() => get(this.world, this.records, key, demands)),
    )
  }

  /** A page of a listing by R owners; of `local` by this peer alone. Rejects with `RingletError`. */
  async list(asked: PageAsked, r: number | 'local' | ReadDemands): Promise<ListedPage> {
    this.#mustBeOpen()
    if (r === 'local') return serveOwnPage(this.world, this.records, asked)
    const demands = typeof r === 'number' ? { r } : r
    return this.#reaping.sessions.during(
      this.intake.admit(() => list(this.world, this.records, asked, demands)),
    )
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
    const suspects = this.world.links.suspects()
    const { reapingWaitsFor } = this
    const filling = this.#filling.progress
    return { hints: await this.hints(), keys, suspects, reapingWaitsFor, filling }
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

  /** Takes a new generation: this store is not the only one of its name, or not what it was. */
  async renew(): Promise<string> {
    this.#refill.beginAgain()
    return this.records.renew(this.world.random)
  }

  /**
   * Whether this peer lacks something that nobody is left to tell it: too many of the others have lost their own, and it
   * has heard all that the rest hold.
   */
  get isStuck(): boolean {
    return this.#refill.isStuck
  }

  /** An operator's word that this peer is to count as whole. Strict reads may miss what was acknowledged before. */
  trust(): Promise<void> {
    return this.#refill.trust()
  }

  /**
   * Leaves in peace: others take over what this peer owns, it goes on serving until they hold all of it, and hands over what
   * it keeps for others. Resolves once nobody needs it any more, which may take as long as the transfer does; then it can
   * be closed, and its store thrown away. A restart in between ends the wish: say it again.
   *
   * ```ts
   * await member.leave()
   * await member.close()
   * ```
   */
  leave(): Promise<void> {
    this.#changing.want('leave')
    return this.#changing.left
  }

  /**
   * Asks the ring for a seat like this one, and goes on asking until it has it: another weight takes effect once whoever gains
   * by it holds what it gains.
   */
  want(wish: Wish): void {
    this.#changing.want(wish)
  }

  /**
   * Says that a member is to go, whether it answers or not: its disk counts as lost. Resolves once that is said; it is done
   * when the others hold what it owned. It comes back only by joining anew. Where the ring has an operator the others
   * believe nobody else.
   */
  evict(peer: PeerId): Promise<void> {
    this.#mustBeOpen()
    return this.#changing.order(peer)
  }

  get changing(): Pick<Changing, 'situation' | 'isSeated' | 'isRemoved' | 'seat' | 'standing'> {
    return this.#changing
  }

  /** Tells a member that calls its store new what is known here of an earlier one. */
  remind(known: SignedRecord): void {
    const body = encodeNotice({ type: 'records', records: [known] })
    this.world.transport.notify(known.record.peer, body, 'foreground')
  }

  spread(own: SignedRecord): void {
    if (this.#phase === 'open') this.#gossip.push([own])
  }

  /** Some member's record is another than before. */
  tableChanged(): void {
    this.#refill.soon()
    this.#changing.soon()
    this.#touched()
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
    this.world.pace.hurry()
    this.#reaping.close()
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
    const { clock, links, limits } = this.world
    const dueMs = clock.elapsed() + tickMs
    this.#stopTicking = clock.after(tickMs, () => {
      if (this.#phase !== 'open') return
      this.intake.cameRound(clock.elapsed() - dueMs)
      this.#gossip.tick()
      // What it held as an owner the others have; it may be older than what they have forgotten since.
      if (this.world.changing.handsOver(this.#changing.isDismissed)) this.#handoff.tick()
      this.#antiEntropy.tick()
      this.#refill.tick()
      this.#filling.tick()
      this.#changing.tick()
      this.world.pace.tick()
      this.world.buffers.tick()
      this.#reaping.tick()
      this.#probe(links.dueProbes(limits.probeMs))
      this.#sweep.tick()
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
    if (this.#changing.isRemoved) {
      throw new RingletError('closed', 'this peer is no member of the ring any more', {
        remedy: 'Ask another member; to bring this one back, let it join anew.',
      })
    }
  }

  #touched(): void {
    for (const changed of this.#watchers) changed()
  }

  async #serve(from: PeerId, body: Uint8Array): Promise<Uint8Array> {
    try {
      this.#mustBeOpen()
      const answered = this.#answer(from, understood(body))
      return encodeReply(await this.#reaping.sessions.during(answered))
    } catch (error) {
      this.world.say({ type: 'refused-input', from, detail: (error as Error).message })
      return encodeReply(refusalOfError(error))
    }
  }

  #answer(from: PeerId, request: Request): Promise<Reply> {
    if (this.#phase === 'starting' && !servedFromTheStart.has(request.type)) {
      throw new RingletError('closed', 'this peer is starting', { remedy: 'Ask another member.' })
    }
    return answer(this.#parts, from, request)
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
