/**
 * An edge: a peer that is no member. It keeps what it follows, mints its own writes, and owes them to the ring until
 * the ring has them.
 *
 * A tab comes and goes by the thousand, so it stands in no table and is gossiped to nobody; it knows the members, and
 * whichever of them answers coordinates for it. Its writes are durable here before anything else: from then on the
 * network can only delay them.
 */
import type { Key } from '../data/key.ts'
import type { RingletError } from '../protocol/errors.ts'
import type { OwnWrite } from '../protocol/copy.ts'
import type { Say } from '../protocol/event.ts'
import type { PageAsked } from '../protocol/listing.ts'
import { type PeerId, ringHash, type RingIdentity, type View } from '../protocol/membership.ts'
import { generationOfStore, type StoreIdentity } from '../protocol/record.ts'
import type { WriteId } from '../values/type.ts'
import type { Trace } from '../ports.ts'
import type { Receipt } from './api.ts'
import { isFailure } from './ask.ts'
import { Confirmations } from './confirmations.ts'
import { Copies } from './copies.ts'
import { EdgeLife } from './edge-life.ts'
import { listAtOwners, listCopies } from './edge-listing.ts'
import { EdgeMembers, errorOfFailure } from './edge-members.ts'
import { EdgeWrites } from './edge-writes.ts'
import { EndableTransport } from './endable.ts'
import { openIdentity } from './epochs.ts'
import { Following } from './following.ts'
import { Gossip, Table } from './gossip.ts'
import type { Keyed, KeyedPage, KeyedRead, Watcher, WriteOrder } from './keyed.ts'
import { Outbox } from './outbox.ts'
import { Refusals, tellRefused } from './refusals.ts'
import { Troubles } from './troubles.ts'
import { makeWorld, type World, type WorldOptions } from './world.ts'

export interface EdgeOptions extends WorldOptions {
  readonly ring: RingIdentity
  readonly trace: Trace
  readonly bootstrap: readonly string[]
  readonly r: number
  readonly w: number
}

/** Resolves once the edge can read and write on its own device, with or without a ring. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { storage, random, transport, identity, ring } = options
  const say: Say = (event) => options.trace({ peer: identity.peer, ...event })
  const store = await openIdentity(storage, random, identity.peer, ringHash(ring), say)
  let adopted = (_view: View): void => {}
  const adoptedView = (view: View): void => adopted(view)
  const troubles = new Troubles()
  const table = await Table.load({
    ring,
    identity,
    storage,
    transport,
    random,
    say,
    troubles,
    adopted: adoptedView,
  })
  const copies = await Copies.load(storage, options.clock, say)
  const edge = new Edge({ ...options, troubles }, say, store, table, copies)
  adopted = () => edge.viewChanged()
  edge.start()
  return edge
}

export class Edge implements Keyed {
  readonly world: World
  readonly copies: Copies
  readonly refusals = new Refusals()
  readonly #transport: EndableTransport
  readonly #r: number
  readonly #generation: string
  readonly #members: EdgeMembers
  readonly #following: Following
  readonly #outbox: Outbox
  readonly #writes: EdgeWrites
  readonly #watchers = new Set<Watcher>()
  readonly #life: EdgeLife

  constructor(options: EdgeOptions, say: Say, store: StoreIdentity, table: Table, copies: Copies) {
    const { r, w } = options
    this.#transport = new EndableTransport(options.transport)
    this.world = makeWorld(
      { ...options, transport: this.#transport },
      say,
      () => table.view,
      () => this.#outbox.kick(),
    )
    this.copies = copies
    this.#r = r
    this.#generation = generationOfStore(store)
    const gossip = new Gossip(this.world, table, options.bootstrap)
    const members = new EdgeMembers(this.world, () => gossip.bootstrapOnce())
    this.#members = members
    this.#following = new Following(this.world, copies, members, r)
    const refresh = (key: Key): Promise<void> => this.#following.refresh(key)
    const confirmations = new Confirmations(this.world, copies, members, refresh)
    const confirmed = (): void => confirmations.tick()
    const refused = (key: Key, { ids }: OwnWrite, error: RingletError): void =>
      tellRefused(this.refusals, key, ids, error)
    const delivery = { w, seed: store.seed, confirmed, refused }
    this.#outbox = new Outbox(this.world, copies, members, delivery)
    const [following, outbox] = [this.#following, this.#outbox]
    this.#writes = new EdgeWrites({ world: this.world, copies, members, outbox, confirmations, w })
    const parts = { copies, gossip, members, following, outbox, confirmations }
    this.#life = new EdgeLife(this.world, parts)
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

  get activity(): 'awake' | 'asleep' {
    return this.#life.activity
  }

  now(): number {
    return this.world.clock.now()
  }

  start(): void {
    this.#life.start()
  }

  /** What nobody could be asked for yet is no copy to start from, unless there is nobody to ask now. */
  holds(key: Key): boolean {
    if (!this.copies.of(key).followed) return false
    return this.copies.isFilled(key) || this.world.transport.links().length === 0
  }

  async read(key: Key, consistency: 'quorum' | 'local'): Promise<KeyedRead> {
    if (consistency === 'local' && this.copies.of(key).followed) return this.#local(key)
    const answer = await this.#following.ask(key)
    if (!isFailure(answer)) {
      const { pending, stage } = this.copies.standing(key)
      const state = this.copies.shownWith(key, answer.state)
      return { state, source: 'quorum', pending, stage, missing: answer.missing }
    }
    if (this.#writes.keeps(key)) return this.#local(key)
    throw errorOfFailure(answer)
  }

  async list(asked: PageAsked, consistency: 'quorum' | 'local'): Promise<KeyedPage> {
    const { copies, world } = this
    if (consistency === 'local') return listCopies(copies, asked, this.#r, world.limits.pageKeys)
    const [members, following] = [this.#members, this.#following]
    return listAtOwners({ copies, members, following, r: this.#r }, asked)
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
      if (this.#life.isClosed) watcher.ended()
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

  viewChanged(): void {
    this.#life.viewChanged()
  }

  /**
   * Says goodbye to all members, who then need not wait for this device's heartbeat, and starts nothing new until
   * `wake`. What the application asks for is done all the same: writes are kept here.
   */
  sleep(): void {
    this.#life.sleep()
  }

  /**
   * Probes every link and dials the members at once, asks anew for what it follows, and delivers: after a sleep, or when
   * the network is back. No link that was there before is believed to be one still.
   */
  wake(): void {
    this.#life.wake()
  }

  /**
   * Ends what is waited for and watched, and leaves the store to its owner: what is not delivered stays in it. Waits for
   * its own disk and for nobody's answer.
   */
  async close(): Promise<void> {
    if (this.#life.isClosed) return
    this.#life.close()
    for (const { ended } of this.#watchers) ended()
    this.#transport.end()
    await this.world.tasks.idle()
    this.world.say({ type: 'stopped' })
  }

  #local(key: Key): KeyedRead {
    const { pending, stage } = this.copies.standing(key)
    return { state: this.copies.shown(key), source: 'local', pending, stage, missing: this.#r }
  }
}
