/**
 * An edge: a peer that is no member. It keeps what it follows, mints its own writes, and owes them to the ring until
 * the ring has them.
 *
 * A tab comes and goes by the thousand, so it stands in no table and is gossiped to nobody; it knows the members, and
 * whichever of them answers coordinates for it. Its writes are durable here before anything else: from then on the
 * network can only delay them. What it has to do with the ring is the business of its other side, `ring-side.ts`,
 * which may come a while later.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Key } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import type { Dot } from '../data/vector.ts'
import type { OwnWrite } from '../protocol/copy.ts'
import { type Numbers, readDemands } from '../protocol/demands.ts'
import type { RingletError } from '../protocol/errors.ts'
import type { Say } from '../protocol/event.ts'
import type { PageAsked } from '../protocol/listing.ts'
import type { PeerId, RingIdentity, View } from '../protocol/membership.ts'
import { ringHash, viewOfNobody } from '../protocol/view.ts'
import { generationOfStore, storageKeys, type StoreIdentity } from '../protocol/record.ts'
import type { WriteId } from '../values/type.ts'
import type { Clock, Trace } from '../ports.ts'
import type { Location, MemberReport, Receipt } from './api.ts'
import { Copies } from './copies.ts'
import { listCopies } from './copies-listing.ts'
import { EdgeWrites } from './edge-writes.ts'
import { openIdentity } from './epochs.ts'
import { Facing } from './facing.ts'
import { errorOfFailure, isFailure } from './failure.ts'
import { Following } from './following.ts'
import type { Consistency, Keyed, KeyedPage, KeyedRead, Watcher, WriteOrder } from './keyed.ts'
import { closedError, type LiveReceipt } from './receipt.ts'
import { Refusals, tellRefused } from './refusals.ts'
import type { OpenRingSide, RingSide } from './ring-side.ts'
import { Troubles } from './troubles.ts'
import { makeWorld, type World, type WorldOptions } from './world.ts'

export interface EdgeOptions extends WorldOptions {
  readonly ring: RingIdentity
  readonly trace: Trace
  readonly bootstrap: readonly string[]
  readonly r: number
  readonly w: number
  /** Opens the side that faces the ring: `openRingSide`, or a promise of it where its code has to be fetched. */
  readonly ringSide: OpenRingSide
}

const tickMs = 250

/** Resolves once the edge can read and write on its own device, with or without a ring. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { storage, random, identity, ring } = options
  const say: Say = (event) => options.trace({ peer: identity.peer, ...event })
  const owner = { self: identity.peer, ring: ringHash(ring) }
  const store = await openIdentity(storage, random, owner, say)
  const members = await storage.get(storageKeys.members)
  const copies = await Copies.load(storage, options.clock, say)
  const edge = new Edge(options, say, { store, members, copies })
  edge.start()
  return edge
}

/** What the store held. */
interface Opened {
  readonly store: StoreIdentity
  readonly members: Bytes | undefined
  readonly copies: Copies
}

export class Edge implements Keyed {
  readonly world: World
  readonly copies: Copies
  readonly refusals = new Refusals()
  readonly #r: number
  readonly #generation: string
  readonly #following: Following
  readonly #writes: EdgeWrites
  readonly #facing: Facing
  readonly #watchers = new Set<Watcher>()
  #stopTicking = (): void => {}
  #asleep = false
  #closed = false

  constructor(options: EdgeOptions, say: Say, { store, members, copies }: Opened) {
    const { w } = options
    const view = viewOfNobody(options.ring)
    this.world = makeWorld(
      { ...options, troubles: new Troubles() },
      say,
      () => this.#facing.side?.view ?? view,
      () => this.#facing.side?.kick(),
    )
    this.copies = copies
    this.#r = options.r
    this.#generation = generationOfStore(store)
    this.#following = new Following({
      world: this.world,
      copies,
      watched: (key) => this.#facing.side?.watched(key),
      followed: (key) => this.#facing.side?.followed(key),
      unfollowed: (key) => this.#facing.side?.unfollowed(key),
    })
    const left = copies.unsettled().flatMap((key) => copies.of(key).writes)
    const attempted = new Set(left.flatMap(({ ids }) => ids.slice(0, 1)))
    this.#writes = new EdgeWrites({
      world: this.world,
      copies,
      w,
      attempted,
      side: () => this.#facing.side,
      forward: (order, demands) => this.#facing.ask((side) => side.forward(order, demands)),
      confirm: (key, dot, receipt) => this.#confirm(key, dot, receipt),
    })
    const refused = (key: Key, { ids }: OwnWrite, error: RingletError): void =>
      tellRefused(this.refusals, key, ids, error)
    const { world } = this
    const { seed } = store
    const parts = { ...options, world, seed, copies, members, attempted, refused }
    this.#facing = new Facing({
      world,
      open: () => options.ringSide(parts),
      faced: (side, late) => this.#faced(side, late),
    })
  }

  get id(): PeerId {
    return this.world.self
  }

  get view(): View {
    return this.world.view()
  }

  get pendingWrites(): number {
    return this.copies.pendingWrites
  }

  /** What is closed starts nothing either. */
  get activity(): 'awake' | 'asleep' {
    return this.#asleep || this.#closed ? 'asleep' : 'awake'
  }

  now(): number {
    return this.world.clock.now()
  }

  get clock(): Clock {
    return this.world.clock
  }

  start(): void {
    this.world.say({ type: 'started' })
    this.#facing.open()
    this.#tick()
  }

  /** What nobody could be asked for yet is no copy to start from, unless there is nobody to ask now. */
  holds(key: Key): boolean {
    if (!this.copies.of(key).followed) return false
    return this.copies.isFilled(key) || this.world.transport.links().length === 0
  }

  async read(
    key: Key,
    consistency: Consistency,
    numbers: Pick<Numbers, 'r' | 'pr'> = {},
  ): Promise<KeyedRead> {
    if (consistency === 'local' && this.copies.of(key).followed) return this.#local(key)
    const demands = readDemands(this.world, this.#r, consistency, numbers)
    const answer = await this.#facing.ask((side) => side.ask(key, demands))
    if (!isFailure(answer)) {
      const { pending, stage } = this.copies.standing(key)
      const state = this.#shown(this.copies.shownWith(key, answer.state))
      return { state, source: 'quorum', pending, stage, missing: answer.missing }
    }
    // A copy may be old: it answers nothing that is strict, and nothing that was asked of so many.
    const mayBeOld = consistency !== 'strict' && numbers.r === undefined && numbers.pr === undefined
    if (mayBeOld && this.#writes.keeps(key)) return this.#local(key)
    throw errorOfFailure(answer)
  }

  async list(asked: PageAsked, consistency: Consistency): Promise<KeyedPage> {
    const { copies, world } = this
    const demands = readDemands(world, this.#r, consistency, {})
    const { reads, upTo } =
      consistency === 'local'
        ? listCopies(copies, asked, this.#r, world.limits.pageKeys)
        : await (await this.#facing.there()).list(asked, demands)
    return { upTo, reads: reads.map((read) => ({ ...read, state: this.#shown(read.state) })) }
  }

  write(order: WriteOrder): Promise<Receipt> {
    return this.#writes.write(order)
  }

  async nextWrite(key: Key): Promise<WriteId> {
    const by = this.#generation
    const count = this.copies.of(key).count + 1
    return { id: `${by}:${count}`, by, count }
  }

  follow(key: Key): Promise<void> {
    return this.#following.follow(key)
  }

  unfollow(key: Key): Promise<void> {
    return this.#following.unfollow(key)
  }

  async watch(key: Key, watcher: Watcher): Promise<() => void> {
    const unsubscribe = this.copies.subscribe(key, watcher.changed)
    this.#watchers.add(watcher)
    const stop = (): void => {
      unsubscribe()
      this.#watchers.delete(watcher)
    }
    try {
      const unwatch = await this.#following.watch(key)
      if (this.#closed) watcher.ended()
      return () => {
        stop()
        unwatch()
      }
    } catch (error) {
      stop()
      throw error
    }
  }

  receipt(id: string): Receipt | undefined {
    return this.copies.receipt(id) ?? this.#writes.receipt(id)
  }

  /** Rejects with `unreachable` while the side that could ask is not to be had. */
  async locate(key: Key): Promise<Location> {
    return (await this.#facing.there()).locate(key)
  }

  async reports(): Promise<readonly MemberReport[]> {
    return (await this.#facing.there()).reports()
  }

  /**
   * Says goodbye to all members, who then need not wait for this device's heartbeat, and starts nothing new until
   * `wake`. What the application asks for is done all the same: writes are kept here.
   */
  sleep(): void {
    if (this.#closed || this.#asleep) return
    this.#asleep = true
    this.#stopTicking()
    this.#facing.side?.sleep()
    this.copies.touched()
  }

  /**
   * Probes every link and dials the members at once, asks anew for what it follows, and delivers: after a sleep, or when
   * the network is back. No link that was there before is believed to be one still.
   */
  wake(): void {
    if (this.#closed) return
    if (this.#asleep) this.#tick()
    this.#asleep = false
    this.#following.tick()
    if (this.#facing.side === undefined) this.#facing.open()
    else this.#facing.side.wake()
    this.copies.touched()
  }

  /**
   * Ends what is waited for and watched, and leaves the store to its owner: what is not delivered stays in it. Waits for
   * its own disk and for nobody's answer.
   */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopTicking()
    this.#facing.close()
    this.copies.receipts.end(closedError())
    for (const { ended } of this.#watchers) ended()
    await this.world.tasks.idle()
    this.world.say({ type: 'stopped' })
  }

  #local(key: Key): KeyedRead {
    const { pending, stage } = this.copies.standing(key)
    const state = this.#shown(this.copies.shown(key))
    return { state, source: 'local', pending, stage, missing: this.#r }
  }

  #shown(state: ObjectState): ObjectState {
    return this.world.rules.shownAt(state, this.now())
  }

  #faced(side: RingSide, late: boolean): void {
    side.start(this.#asleep)
    if (!late) return
    // Nobody could be asked for these when they were followed.
    for (const key of this.copies.followed()) if (!this.copies.isFilled(key)) side.followed(key)
    this.copies.touched()
  }

  #confirm(key: Key, dot: Dot, receipt: LiveReceipt): void {
    if (this.#closed) return receipt.fail(closedError())
    const { side } = this.#facing
    if (side !== undefined) return side.confirm(key, dot, receipt)
    void this.#facing.there().then(
      (late) => late.confirm(key, dot, receipt),
      (error: RingletError) => receipt.giveUp(error),
    )
  }

  #tick(): void {
    this.#stopTicking = this.world.clock.after(tickMs, () => {
      if (this.#closed) return
      this.#facing.tick()
      this.#facing.side?.tick()
      this.#following.tick()
      this.#tick()
    })
  }
}
