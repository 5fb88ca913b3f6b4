/**
 * The side of an edge that faces the ring: whom it asks, what it hears, and what it delivers.
 *
 * The other side (`edge.ts`) reads and writes on this device, and needs nobody for that. So this one may come later: a
 * page shows what it has, and lets its user work, while the code of this side is still being fetched.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Identity } from '../data/identity.ts'
import type { Key } from '../data/key.ts'
import type { Dot } from '../data/vector.ts'
import type { OwnWrite } from '../protocol/copy.ts'
import type { ReadDemands, WriteDemands } from '../protocol/demands.ts'
import { RingletError } from '../protocol/errors.ts'
import type { PageAsked } from '../protocol/listing.ts'
import type { PeerId, RingIdentity, View } from '../protocol/membership.ts'
import {
  decodeNotice,
  encodeNotice,
  encodeReply,
  type Reply,
  type ReplyOf,
  type Request,
} from '../protocol/message.ts'
import { type Rules, rules as allRules } from '../protocol/rules.ts'
import type { Location, MemberReport, Receipt } from './api.ts'
import { refusalOfError } from './ask.ts'
import { Asking } from './asking.ts'
import { Confirmations } from './confirmations.ts'
import type { Copies } from './copies.ts'
import { writtenElsewhere } from './crowded-keys.ts'
import { listAtOwners } from './edge-listing.ts'
import { EdgeMembers } from './edge-members.ts'
import { EndableTransport } from './endable.ts'
import { FetchingTransport } from './fetching.ts'
import type { Failure } from './failure.ts'
import { Gossip } from './gossip.ts'
import type { KeyedPage, WriteOrder } from './keyed.ts'
import { locate, reports } from './locate.ts'
import { Outbox } from './outbox.ts'
import type { LiveReceipt } from './receipt.ts'
import { rememberedView } from './remembered.ts'
import { Table } from './table.ts'
import type { RingWorld, World } from './world.ts'

export interface RingSideOptions {
  readonly world: World
  readonly identity: Identity
  readonly ring: RingIdentity
  readonly bootstrap: readonly string[]
  readonly r: number
  readonly w: number
  /** Shows that the generation of the writes is this peer's own. */
  readonly seed: Uint8Array
  readonly copies: Copies
  /** The table of members as this store remembers it. */
  readonly members: Bytes | undefined
  /** Dots that some member may have seen. */
  readonly attempted: Set<string>
  /** Other decisions than usual. */
  readonly rules?: Rules
  /** The ring has refused a write for good. */
  refused(key: Key, own: OwnWrite, error: RingletError): void
}

export type OpenRingSide = (options: RingSideOptions) => RingSide | Promise<RingSide>

/** For whoever has the code at hand. */
export const openRingSide = (options: RingSideOptions): RingSide => new RingSide(options)

export class RingSide {
  readonly #world: World
  readonly #transport: EndableTransport
  readonly #copies: Copies
  readonly #table: Table
  readonly #gossip: Gossip
  readonly #members: EdgeMembers
  readonly #asking: Asking
  readonly #outbox: Outbox
  readonly #confirmations: Confirmations
  #asleep = false
  #closed = false

  constructor(options: RingSideOptions) {
    const { copies, r, w, seed, attempted } = options
    const { clock, limits } = options.world
    const fetching = new FetchingTransport(options.world.transport, clock, limits)
    this.#transport = new EndableTransport(fetching)
    const { rules = allRules } = options
    const world: RingWorld = { ...options.world, transport: this.#transport, rules }
    this.#world = world
    this.#copies = copies
    const { say, storage, random, transport, troubles } = world
    const { identity, ring, bootstrap, refused } = options
    const adopted = (): void => this.#viewChanged()
    this.#table = new Table(
      { ring, identity, storage, transport, random, say, rules, troubles, adopted },
      rememberedView(ring, options.members, say),
    )
    this.#gossip = new Gossip(world, this.#table, bootstrap)
    this.#members = new EdgeMembers(world, () => this.#gossip.bootstrapOnce())
    this.#asking = new Asking(world, copies, this.#members, r)
    const refresh = (key: Key): Promise<void> => this.#asking.refresh(key)
    this.#confirmations = new Confirmations(world, copies, this.#members, refresh)
    const confirmed = (): void => this.#confirmations.tick()
    const delivery = { w, seed, attempted, confirmed, refused }
    this.#outbox = new Outbox(world, copies, this.#members, delivery)
  }

  get view(): View {
    return this.#table.view
  }

  start(asleep: boolean): void {
    this.#asleep = asleep
    this.#world.transport.serve({
      request: (_from, _body) => Promise.resolve(encodeReply(noMember())),
      notice: (from, body) => this.#hear(from, body),
      up: (peer) => this.#linkUp(peer),
      down: (peer) => this.#linkDown(peer),
    })
    if (asleep) return this.#rest()
    this.#viewChanged()
    this.#gossip.tick()
  }

  /** Asks R owners for a key, or as many as are demanded. */
  ask(key: Key, demands?: ReadDemands): Promise<ReplyOf<'got'> | Failure> {
    return this.#asking.ask(key, demands)
  }

  list(asked: PageAsked, demands: ReadDemands): Promise<KeyedPage> {
    const [copies, members, asking] = [this.#copies, this.#members, this.#asking]
    return listAtOwners({ copies, members, asking, demands }, asked)
  }

  /** What so many have written that this device had better not is written by a member, through `forward`. */
  elsewhere(
    order: WriteOrder,
    forward: () => Promise<Receipt | undefined>,
  ): Promise<Receipt | 'uncertain' | undefined> {
    return writtenElsewhere(this.#world, this.#copies, order, forward)
  }

  /** Asks a member to coordinate a put. */
  forward(
    { key, context, value }: WriteOrder,
    demands: WriteDemands,
  ): Promise<ReplyOf<'written'> | Failure> {
    const request = this.#world.random.bytes(16)
    const put: Request = {
      type: 'put',
      key,
      request,
      context,
      value,
      ...demands,
      direct: false,
      origin: undefined,
    }
    return this.#members.ask(key, put, 'written')
  }

  confirm(key: Key, dot: Dot, receipt: LiveReceipt): void {
    this.#confirmations.await(key, dot, receipt)
  }

  watched(key: Key): void {
    this.#asking.watched(key)
  }

  followed(key: Key): void {
    this.#asking.followed(key)
  }

  unfollowed(key: Key): void {
    this.#asking.unfollowed(key)
  }

  /** There is a new write of this key, or (without a key) somebody new to deliver to. */
  kick(key?: Key): void {
    this.#outbox.kick(key)
  }

  locate(key: Key): Promise<Location> {
    return locate(this.#world, key)
  }

  reports(): Promise<readonly MemberReport[]> {
    return reports(this.#world)
  }

  tick(): void {
    const { links, limits } = this.#world
    this.#gossip.tick()
    this.#members.ping(links.dueProbes(limits.probeMs))
    this.#outbox.tick()
    this.#confirmations.tick()
    this.#asking.tick()
  }

  sleep(): void {
    this.#asleep = true
    this.#rest()
    this.#sayGoodbye()
  }

  wake(): void {
    this.#asleep = false
    const { transport, links } = this.#world
    const linked = transport.links().map(({ peer }) => peer)
    this.#members.reach([...linked, ...links.dueProbes(0)])
    this.#asking.wake()
    for (const peer of linked) this.#asking.linkUp(peer)
    this.#asking.tick()
    this.#outbox.wake()
    this.#confirmations.wake()
  }

  close(): void {
    this.#closed = true
    if (!this.#asleep) this.#sayGoodbye()
    this.#asking.close()
    this.#outbox.close()
    this.#confirmations.close()
    this.#members.close()
    this.#transport.end()
  }

  #rest(): void {
    this.#asking.sleep()
    this.#outbox.sleep()
    this.#confirmations.sleep()
  }

  #viewChanged(): void {
    if (!this.#asleep) this.#members.ping()
  }

  #sayGoodbye(): void {
    const { transport } = this.#world
    const goodbye = encodeNotice({ type: 'goodbye' })
    for (const { peer } of transport.links()) transport.notify(peer, goodbye, 'foreground')
  }

  #hear(from: PeerId, body: Uint8Array): void {
    if (this.#closed) return
    const { say, tasks, links } = this.#world
    try {
      const notice = decodeNotice(body)
      if (notice.type === 'goodbye') links.failed(from, 'goodbye')
      if (notice.type === 'records') tasks.run('records', this.#gossip.take(notice.records))
      if (notice.type === 'changed') {
        tasks.run('changed', this.#asking.pushed(notice.key, notice.state))
      }
    } catch (error) {
      say({ type: 'refused-input', from, detail: (error as Error).message })
    }
  }

  #linkUp(peer: PeerId): void {
    if (this.#closed) return
    this.#world.say({ type: 'link-up', to: peer })
    this.#world.links.answered(peer, 0)
    if (!this.#asleep) this.#reached(peer)
    this.#copies.touched()
  }

  #reached(peer: PeerId): void {
    this.#asking.linkUp(peer)
    this.#outbox.kick()
    // What was missed is asked for at the first link, not at the next tick; the other links follow within one.
    if (this.#world.transport.links().length === 1) this.#asking.tick()
  }

  #linkDown(peer: PeerId): void {
    this.#world.say({ type: 'link-down', to: peer })
    this.#world.links.failed(peer, 'link-lost')
    this.#asking.linkDown(peer)
    this.#copies.touched()
  }
}

function noMember(): Reply {
  return refusalOfError(
    new RingletError('not-admitted', 'this peer is an edge: it serves nobody', {
      remedy: 'Ask a member.',
    }),
  )
}
