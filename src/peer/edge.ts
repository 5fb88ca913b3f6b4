/**
 * An edge: a peer that is no member. It keeps what it follows, mints its own writes, and owes them to the ring until
 * the ring has them.
 *
 * A tab comes and goes by the thousand, so it stands in no table and is gossiped to nobody; it knows the members, and
 * whichever of them answers coordinates for it. Its writes are durable here before anything else: from then on the
 * network can only delay them.
 */
import type { Identity } from '../data/identity.ts'
import type { Key } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { contextToText } from '../protocol/context.ts'
import { type Stage, withWrite } from '../protocol/copy.ts'
import { isRefusedOnItsMerits, RingletError, StorageError } from '../protocol/errors.ts'
import type { Say } from '../protocol/event.ts'
import { limits as defaultLimits, type Limits } from '../protocol/limits.ts'
import { type PeerId, ringHash, type RingIdentity, type View } from '../protocol/membership.ts'
import {
  decodeNotice,
  encodeReply,
  type Reply,
  type ReplyOf,
  type Request,
} from '../protocol/message.ts'
import { placementOf } from '../protocol/placement.ts'
import { generationOfStore, type StoreIdentity } from '../protocol/record.ts'
import { type Rules, rules as defaultRules } from '../protocol/rules.ts'
import type { WriteId } from '../values/type.ts'
import type { Clock, Random, Storage, Trace, Transport } from '../ports.ts'
import type { Receipt } from './api.ts'
import { ask, errorOfRefusal, type Failure, refusalOfError } from './ask.ts'
import { Copies } from './copies.ts'
import { openIdentity } from './epochs.ts'
import { Gossip, Table } from './gossip.ts'
import type { Keyed, KeyedRead, WriteOrder } from './keyed.ts'
import { Links } from './links.ts'
import { Outbox } from './outbox.ts'
import { LiveReceipt } from './receipt.ts'
import { Tasks } from './tasks.ts'
import type { World } from './world.ts'

export interface EdgeOptions {
  readonly ring: RingIdentity
  readonly identity: Identity
  readonly transport: Transport
  readonly storage: Storage
  readonly clock: Clock
  readonly random: Random
  readonly trace: Trace
  readonly bootstrap: readonly string[]
  readonly r: number
  readonly w: number
  readonly limits?: Limits
  readonly rules?: Rules
}

const tickMs = 250
/** An edge keeps links to so many members; in a larger ring the others are asked through them. */
const wantedLinks = 8
/** A followed key is asked for anew this often, should every notice have been lost. */
const refreshMs = 10_000

/** Resolves once the edge can read and write on its own device, with or without a ring. */
export async function startEdge(options: EdgeOptions): Promise<Edge> {
  const { storage, random, transport, identity, ring } = options
  const say: Say = (event) => options.trace({ peer: identity.peer, ...event })
  const store = await openIdentity(storage, random, identity.peer, ringHash(ring), say)
  let adopted = (_view: View): void => {}
  const adoptedView = (view: View): void => adopted(view)
  const table = await Table.load({ ring, identity, storage, transport, say, adopted: adoptedView })
  const copies = await Copies.load(storage, say)
  const edge = new Edge(options, say, store, table, copies)
  adopted = () => edge.viewChanged()
  edge.start()
  return edge
}

export class Edge implements Keyed {
  readonly world: World
  readonly copies: Copies
  readonly #r: number
  readonly #w: number
  readonly #store: StoreIdentity
  readonly #gossip: Gossip
  readonly #outbox: Outbox
  readonly #refreshDue = new Map<string, number>()
  #stopTicking = (): void => {}
  #closed = false

  constructor(options: EdgeOptions, say: Say, store: StoreIdentity, table: Table, copies: Copies) {
    const { transport, storage, clock, random, identity } = options
    const failed = (label: string, error: unknown): void =>
      say({ type: 'task-failed', detail: `${label}: ${String(error)}` })
    this.world = {
      self: identity.peer,
      transport,
      storage,
      clock,
      random,
      say,
      limits: options.limits ?? defaultLimits,
      rules: options.rules ?? defaultRules,
      tasks: new Tasks(failed),
      links: new Links(clock, say, () => this.#outbox.kick()),
      view: () => table.view,
    }
    this.copies = copies
    this.#r = options.r
    this.#w = options.w
    this.#store = store
    this.#gossip = new Gossip(this.world, table, options.bootstrap)
    this.#outbox = new Outbox(this.world, copies, {
      w: options.w,
      seed: store.seed,
      askMember: (key, request, expected) => this.#askMember(key, request, expected),
      refresh: (key) => this.#refresh(key),
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

  now(): number {
    return this.world.clock.now()
  }

  start(): void {
    this.world.transport.serve({
      request: (_from, _body) => Promise.resolve(encodeReply(noMember())),
      notice: (from, body) => this.#hear(from, body),
      up: (peer) => this.#linkUp(peer),
      down: (peer) => this.#linkDown(peer),
    })
    this.world.say({ type: 'started' })
    this.viewChanged()
    this.#gossip.tick()
    this.#tick()
  }

  holds(key: Key): boolean {
    const held = this.copies.of(key)
    return held.followed || held.writes.length > 0
  }

  async read(key: Key, consistency: 'quorum' | 'local'): Promise<KeyedRead> {
    if (consistency === 'local' && this.holds(key)) return this.#local(key)
    const answer = await this.#askMember(key, { type: 'get', key, r: this.#r }, 'got')
    if (!('failed' in answer)) {
      if (this.copies.of(key).followed) await this.copies.refresh(key, answer.state)
      const { pending, stage } = this.copies.standing(key)
      const state = this.copies.shownWith(key, answer.state)
      return { state, source: 'quorum', pending, stage, missing: answer.missing }
    }
    if (this.holds(key)) return this.#local(key)
    throw answer.refusal === undefined ? unreachable(key, answer) : errorOfRefusal(answer.refusal)
  }

  async write(order: WriteOrder): Promise<Receipt> {
    const { key, ack } = order
    const mustKeep = ack === 'device' || this.holds(key)
    if (!mustKeep) {
      // Durable before it leaves: after a crash, the value may already hold what this count added.
      if (order.write !== undefined) await this.copies.countTo(key, order.write.count)
      const forwarded = await this.#forward(order)
      if (forwarded !== undefined) return forwarded
    }
    let receipt: LiveReceipt
    try {
      receipt = await this.#mint(order)
    } catch (error) {
      // This device cannot keep it: the ring may, if that is what the writer asked for.
      if (!(error instanceof StorageError) || !mustKeep || ack === 'device') throw error
      const forwarded = await this.#forward(order)
      if (forwarded === undefined) throw error
      return forwarded
    }
    this.#outbox.kick()
    if (ack !== 'device') await this.#within(receipt, ack)
    return receipt
  }

  async nextWrite(key: Key): Promise<WriteId> {
    const by = generationOfStore(this.#store)
    const count = this.copies.of(key).count + 1
    return { id: `${by}:${count}`, by, count }
  }

  async follow(key: Key): Promise<void> {
    if (this.copies.of(key).followed) return
    await this.copies.change(key, (held) => ({ ...held, followed: true }))
    for (const { peer } of this.world.transport.links()) this.#followAt(peer, [key])
    this.world.tasks.run('refresh', this.#refresh(key))
  }

  async unfollow(key: Key): Promise<void> {
    await this.copies.change(key, (held) => ({ ...held, followed: false }))
    for (const { peer } of this.world.transport.links()) {
      const options = { deadlineMs: this.world.limits.ownerMs }
      this.world.tasks.run(
        'unfollow',
        ask(this.world, peer, { type: 'unfollow', keys: [key] }, 'done', options),
      )
    }
  }

  subscribe(key: Key, changed: () => void): () => void {
    return this.copies.subscribe(key, changed)
  }

  receipt(id: string): Receipt | undefined {
    return this.copies.receipt(id)
  }

  viewChanged(): void {
    for (const peer of this.#members().slice(0, wantedLinks)) this.#ping(peer)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#stopTicking()
    this.#outbox.close()
    await this.world.tasks.idle()
    this.world.say({ type: 'stopped' })
  }

  #local(key: Key): KeyedRead {
    const { pending, stage } = this.copies.standing(key)
    return { state: this.copies.shown(key), source: 'local', pending, stage, missing: this.#r }
  }

  /** Durable on this device when it resolves; from here on the network can only delay it. */
  async #mint({ key, context, value }: WriteOrder): Promise<LiveReceipt> {
    let receiptId = ''
    const held = await this.copies.mint(key, (before, takeEpoch, generation) => {
      receiptId = `${generation}:${before.count + 1}@${key.position}`
      return withWrite(before, {
        id: receiptId,
        context,
        value,
        generation,
        takeEpoch,
        unsent: (own) => !this.#outbox.attempted(own),
      })
    })
    const own = held.writes.at(-1)!
    this.world.say({ type: 'mint', dot: `${own.dot.actor} ${own.dot.counter}` })
    const returned = contextToText(
      key,
      this.world.rules.contextAfterPut(context, own.dot, held.copy),
    )
    return this.copies.openReceipt(receiptId, returned)
  }

  /** A put of a key that is not followed here; undefined when it provably reached nobody. */
  async #forward(order: WriteOrder): Promise<Receipt | undefined> {
    const { key, context, value, ack } = order
    const request: Request = {
      type: 'put',
      key,
      request: this.world.random.bytes(16),
      context,
      value,
      w: this.#w,
      direct: false,
    }
    const answer = await this.#askMember(key, request, 'written')
    if ('failed' in answer) {
      if (answer.refusal !== undefined) throw errorOfRefusal(answer.refusal)
      if (!answer.sent) return undefined
      throw unreachable(key, answer)
    }
    const { dot, acks, hints } = answer
    const returned = contextToText(
      key,
      this.world.rules.contextAfterPut(context, dot, this.copies.of(key).copy),
    )
    const receipt: LiveReceipt = new LiveReceipt(
      `${dot.actor}:${dot.counter}`,
      returned,
      'device',
      (stage) => {
        if (stage === 'everywhere') this.#outbox.awaitEverywhere(key, dot, receipt)
      },
    )
    receipt.advance({ stage: 'quorum', acks, hints })
    if (ack === 'everywhere') await this.#within(receipt, ack)
    return receipt
  }

  /** Waits for a stage, but no longer than a request may take: the write goes on either way. */
  async #within(receipt: LiveReceipt, stage: Stage): Promise<void> {
    const { clock, limits } = this.world
    let cancel = (): void => {}
    const late = new Promise<never>((_, reject) => {
      cancel = clock.after(limits.requestMs, () => {
        reject(
          new RingletError('quorum-not-reached', `saved on this device, but not ${stage} yet`, {
            outcome: 'unknown',
            remedy: `It is still being delivered: peer.receipt('${receipt.id}') tells how far it got.`,
          }),
        )
      })
    })
    try {
      await Promise.race([receipt.reached(stage), late])
    } finally {
      cancel()
    }
  }

  /** Asks one member after another, owners of the key first, until one answers. */
  async #askMember<T extends Reply['type']>(
    key: Key,
    request: Request,
    expected: T,
  ): Promise<ReplyOf<T> | Failure> {
    const { links, limits } = this.world
    if (this.#members().length === 0) await this.#gossip.bootstrapOnce()
    const { owners, fallbacks } = placementOf(this.view.ring, key.position)
    const order = [...links.fastestFirst(owners), ...links.fastestFirst(fallbacks)]
    let last: Failure = { failed: true, why: 'unreachable', sent: false, refusal: undefined }
    for (const peer of [
      ...order.filter((p) => !links.isSuspect(p)),
      ...order.filter((p) => links.isSuspect(p)),
    ]) {
      const answer: ReplyOf<T> | Failure = await ask(this.world, peer, request, expected, {
        deadlineMs: 2 * limits.ownerMs,
      })
      if (!('failed' in answer)) return answer
      last = { ...answer, sent: answer.sent || last.sent }
      // What one member refuses on the merits, the next would refuse too.
      if (answer.refusal !== undefined && isRefusedOnItsMerits(answer.why)) return last
    }
    return last
  }

  async #refresh(key: Key): Promise<void> {
    this.#refreshDue.set(key.text, this.world.clock.elapsed() + refreshMs)
    const answer = await this.#askMember(key, { type: 'get', key, r: this.#r }, 'got')
    if (!('failed' in answer)) await this.copies.refresh(key, answer.state)
  }

  #hear(from: PeerId, body: Uint8Array): void {
    const { say, tasks, links } = this.world
    try {
      const notice = decodeNotice(body)
      if (notice.type === 'goodbye') links.failed(from, 'goodbye')
      if (notice.type === 'records') tasks.run('records', this.#gossip.take(notice.records))
      if (notice.type === 'changed') tasks.run('changed', this.#pushed(notice.key, notice.state))
    } catch (error) {
      say({ type: 'refused-input', from, detail: (error as Error).message })
    }
  }

  /** A pushed state that does not descend from the copy is no reason to believe either: the owners are asked. */
  async #pushed(key: Key, state: ObjectState): Promise<void> {
    if (!this.copies.of(key).followed) return
    if (!(await this.copies.replace(key, state))) await this.#refresh(key)
  }

  #linkUp(peer: PeerId): void {
    this.world.say({ type: 'link-up', to: peer })
    this.world.links.answered(peer, 0)
    const followed = this.copies.followed()
    if (followed.length > 0) this.#followAt(peer, followed)
    for (const key of followed) this.#refreshDue.set(key.text, 0)
    this.#outbox.kick()
    this.copies.touched()
  }

  #linkDown(peer: PeerId): void {
    this.world.say({ type: 'link-down', to: peer })
    this.world.links.failed(peer, 'link-lost')
    this.copies.touched()
  }

  #followAt(peer: PeerId, keys: readonly Key[]): void {
    const options = { deadlineMs: this.world.limits.requestMs }
    this.world.tasks.run('follow', ask(this.world, peer, { type: 'follow', keys }, 'done', options))
  }

  #members(): PeerId[] {
    return this.view.members.map(({ record }) => record.peer)
  }

  #ping(peer: PeerId): void {
    const options = { deadlineMs: this.world.limits.ownerMs }
    this.world.tasks.run('ping', ask(this.world, peer, { type: 'ping' }, 'done', options))
  }

  #tick(): void {
    const { clock, links, limits } = this.world
    this.#stopTicking = clock.after(tickMs, () => {
      if (this.#closed) return
      this.#gossip.tick()
      for (const peer of links.dueProbes(limits.probeMs)) this.#ping(peer)
      this.#outbox.tick()
      this.#refreshStale()
      this.#tick()
    })
  }

  /** A few at a time, so that a tab with thousands of keys asks for them little by little. */
  #refreshStale(): void {
    if (this.world.transport.links().length === 0) return
    const now = this.world.clock.elapsed()
    const stale = this.copies
      .followed()
      .filter(({ text }) => (this.#refreshDue.get(text) ?? 0) <= now)
    for (const key of stale.slice(0, 32)) {
      this.#refreshDue.set(key.text, now + refreshMs)
      this.world.tasks.run('refresh', this.#refresh(key))
    }
  }
}

function noMember(): Reply {
  return refusalOfError(
    new RingletError('not-admitted', 'this peer is an edge: it serves nobody', {
      remedy: 'Ask a member.',
    }),
  )
}

function unreachable(key: Key, failure: Failure): RingletError {
  return new RingletError('unreachable', `no member of the ring answers (${failure.why})`, {
    outcome: failure.sent ? 'unknown' : 'refused',
    remedy: 'Check the connection; a followed key can be read and written meanwhile.',
  })
}
