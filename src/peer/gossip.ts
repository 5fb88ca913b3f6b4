/**
 * Gossip: how every member comes to know every member (paper §4.8.1).
 *
 * Each second a peer shows a random member the versions it knows; the other answers with what is newer and asks for
 * what it lacks. A change is pushed at once. A record is believed when its subject signed it, and is durable here
 * before it is shown to anybody. A peer's own record continues above whatever the ring remembers of it, so that a
 * peer that lost its disk is not shouted down by its own past.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Identity } from '../data/identity.ts'
import { decode, encode, list } from '../protocol/codec.ts'
import type { Say } from '../protocol/event.ts'
import { limits } from '../protocol/limits.ts'
import {
  isGenuine,
  isNewer,
  makeView,
  type MemberRecord,
  type PeerId,
  receive,
  type RingIdentity,
  signedRecord,
  type SignedRecord,
  signRecord,
  type View,
} from '../protocol/membership.ts'
import { encodeNotice, type Reply, type Request } from '../protocol/message.ts'
import { storageKeys } from '../protocol/record.ts'
import type { Random, Storage, Transport } from '../ports.ts'
import { ask, isFailure } from './ask.ts'
import { single } from './tasks.ts'
import type { Troubles } from './troubles.ts'
import type { World } from './world.ts'

const table = list(signedRecord)

/** A version grows by at most so much at a time: 2^53 is 2^29 restarts away. */
const versionStep = 2 ** 24

/** A table that cannot be read is none: the bootstrap addresses lead back to everybody. */
async function loadRecords({ storage, say }: TableOptions): Promise<readonly SignedRecord[]> {
  const stored = await storage.get(storageKeys.members)
  try {
    return stored === undefined ? [] : decode(table, stored)
  } catch (error) {
    say({ type: 'quarantined', detail: `the membership table: ${(error as Error).message}` })
    return []
  }
}

/** What a member says of itself, apart from what the gossip counts. */
export type OwnStatement = Omit<MemberRecord, 'version' | 'peer'>

export interface TableOptions {
  readonly ring: RingIdentity
  readonly identity: Identity
  readonly storage: Storage
  readonly transport: Transport
  readonly random: Random
  readonly say: Say
  /**
   * Somebody spoke in this peer's name with this store's generation: the store is a copy, or was set back. Takes a new
   * generation and resolves with it.
   */
  readonly renew?: () => Promise<string>
  readonly troubles: Troubles
  /** Called after a new view stands. */
  readonly adopted: (view: View) => void
}

/** The membership table as this peer knows it: durable first, shown after. */
export class Table {
  readonly #options: TableOptions
  #view: View
  #own: SignedRecord | undefined
  #saving: Promise<void> = Promise.resolve()
  #restating: Promise<void> = Promise.resolve()

  /** Loads the table that this store remembers; a restarted peer serves from it at once. */
  static async load(options: TableOptions): Promise<Table> {
    const remembered = await loadRecords(options)
    const opened = new Table(options, makeView(options.ring, remembered))
    for (const signed of remembered) opened.#learn(signed)
    return opened
  }

  private constructor(options: TableOptions, view: View) {
    this.#options = options
    this.#view = view
  }

  get view(): View {
    return this.#view
  }

  /** This peer's record as the table has it: its own last word, or the ring's memory of one. */
  get ownRecord(): MemberRecord | undefined {
    return this.#view.byPeer.get(this.#options.identity.peer)?.record
  }

  get own(): SignedRecord | undefined {
    return this.#own
  }

  /**
   * States this peer's record anew, above every version of it that is known, by a step that nobody else would take:
   * did each begin at 1 and go on by 1, a peer that lost its disk would repeat a version of its past, and two copies of
   * one store would say the same of themselves and never notice each other.
   */
  async state(statement: OwnStatement): Promise<void> {
    const { identity, random, ring } = this.#options
    const known = this.ownRecord?.version ?? 0
    const version = known + 1 + Math.floor(random.fraction() * versionStep)
    const own = signRecord(identity, ring, { ...statement, peer: identity.peer, version })
    // Durable before anybody is shown it: a word that a crash took back would look like a stranger's.
    await this.#adopt([own])
    this.#own = own
  }

  /** Takes in records from elsewhere; resolves with those that were news. */
  async receive(arrived: readonly SignedRecord[]): Promise<SignedRecord[]> {
    const { ring, identity, say } = this.#options
    const claimed = arrived.filter((signed) => {
      const known = this.#view.byPeer.get(signed.record.peer)
      return known === undefined || isNewer(signed, known)
    })
    // Each signature takes its time: more than a few wait, and one that is false ends the message.
    const news: SignedRecord[] = []
    for (const signed of claimed.slice(0, limits.recordsVerified)) {
      if (!isGenuine(ring, signed)) {
        const detail = 'a member record with a false signature'
        say({ type: 'refused-input', to: signed.record.peer, detail })
        break
      }
      news.push(signed)
    }
    if (news.length === 0) return []
    await this.#adopt(news)
    const ours = news.find(({ record }) => record.peer === identity.peer)
    if (ours !== undefined) {
      const earlier = this.#restating.catch(() => undefined)
      this.#restating = this.#speakAbove(ours, earlier)
      await this.#restating
    }
    return news
  }

  /**
   * The ring heard a later word of ours than we said: our disk is new, or it is not the only one of its name. One such
   * answer at a time, or each would take a generation of its own and the ring would hear of one.
   */
  async #speakAbove(heard: SignedRecord, earlier: Promise<void>): Promise<void> {
    await earlier
    const own = this.#own
    if (own === undefined || !isNewer(heard, own)) return
    const { version: _version, peer: _peer, ...statement } = own.record
    const cloned = heard.record.generation === statement.generation
    const generation = (cloned && (await this.#options.renew?.())) || statement.generation
    await this.state({ ...statement, generation })
  }

  /** One after another, each durable before it is shown. */
  #adopt(records: readonly SignedRecord[]): Promise<void> {
    const turn = this.#afterOthers(records, this.#saving)
    this.#saving = turn.catch(() => undefined)
    return turn
  }

  async #afterOthers(records: readonly SignedRecord[], others: Promise<void>): Promise<void> {
    await others
    const next = receive(this.#view, records)
    if (next === this.#view) return
    const write = { key: storageKeys.members, value: encode(table, next.members) }
    const { storage, troubles } = this.#options
    const save = (): Promise<void> =>
      storage.update([], () => ({ writes: [write], result: undefined }))
    await troubles.watch('table', save)
    const moved = next.digest !== this.#view.digest
    this.#view = next
    for (const signed of records) this.#learn(signed)
    if (!moved) return
    this.#options.say({ type: 'view', detail: `${next.members.length} members ${next.digest}` })
    this.#options.adopted(next)
  }

  #learn({ record }: SignedRecord): void {
    if (record.peer !== this.#options.identity.peer) {
      this.#options.transport.learn(record.peer, record.addresses)
    }
  }
}

/** Exchanges tables with one random member a second, and with the bootstrap addresses until somebody answers. */
/**
 * Every so many rounds the bootstrap addresses of peers that the table lacks are tried again: two halves of a ring that
 * met nobody of the other at their first start would otherwise never meet.
 */
const bootstrapEvery = 20

export class Gossip {
  readonly #world: World
  readonly #table: Table
  readonly #bootstrap: readonly string[]
  #due = 0
  #rounds = 0
  readonly #round: () => void

  constructor(world: World, members: Table, bootstrap: readonly string[]) {
    this.#world = world
    this.#table = members
    this.#bootstrap = bootstrap
    this.#round = single(world.tasks, 'gossip', () => this.#exchange())
  }

  tick(): void {
    const { clock, limits, random } = this.#world
    if (clock.elapsed() < this.#due) return
    this.#due = clock.elapsed() + limits.gossipMs * (0.8 + 0.4 * random.fraction())
    this.#round()
  }

  /** Resolves when one member or bootstrap address has told what it knows, or none would. */
  async hearAnybody(): Promise<void> {
    const { self } = this.#world
    const others = this.#table.view.members
      .map(({ record }) => record.peer)
      .filter((p) => p !== self)
    for (const peer of others) if (await this.exchangeWith(peer)) return
    await this.bootstrapOnce()
  }

  /** What a peer that shows its versions is told. */
  async serve(asked: Extract<Request, { type: 'gossip' }>): Promise<Reply> {
    if (asked.self !== undefined) await this.take([asked.self])
    const { byPeer, members } = this.#table.view
    const theirs = new Map(asked.versions.map(({ peer, version }) => [peer, version]))
    const records = members.filter(
      (known) =>
        known.record.version > (theirs.get(known.record.peer) ?? 0) ||
        // Two words of one version: the asker lost its disk, and must continue above its own past.
        (known.record.peer === asked.self?.record.peer && isNewer(known, asked.self)),
    )
    const wanted = asked.versions
      .filter(({ peer, version }) => version > (byPeer.get(peer)?.record.version ?? 0))
      .map(({ peer }) => peer)
    return { type: 'gossip', records, wanted }
  }

  /** Takes in records, and pushes what was news on to the others at once. */
  async take(records: readonly SignedRecord[]): Promise<void> {
    const news = await this.#table.receive(records)
    if (news.length > 0) this.push(news)
  }

  push(records: readonly SignedRecord[]): void {
    const { self, transport, links } = this.#world
    const body: Bytes = encodeNotice({ type: 'records', records })
    for (const { record } of this.#table.view.members) {
      if (record.peer === self || links.isSuspect(record.peer)) continue
      transport.notify(record.peer, body, 'foreground')
    }
  }

  /** Shows one peer this table, and brings both up to date; resolves with whether it answered. */
  async exchangeWith(peer: PeerId): Promise<boolean> {
    const versions = this.#table.view.members.map(({ record }) => ({
      peer: record.peer,
      version: record.version,
    }))
    const options = { deadlineMs: this.#world.limits.ownerMs }
    const request: Request = { type: 'gossip', self: this.#table.own, versions }
    const reply = await ask(this.#world, peer, request, 'gossip', options)
    if (isFailure(reply)) return false
    await this.take(reply.records)
    const records = reply.wanted.flatMap((wanted) => this.#table.view.byPeer.get(wanted) ?? [])
    if (records.length > 0) {
      await ask(this.#world, peer, { type: 'records', records }, 'done', options)
    }
    return true
  }

  async #exchange(): Promise<void> {
    const { self, links, random } = this.#world
    const others = this.#table.view.members
      .map(({ record }) => record.peer)
      .filter((p) => p !== self)
    const healthy = others.filter((peer) => !links.isSuspect(peer))
    const pool = healthy.length > 0 ? healthy : others
    const partner = pool[Math.floor(random.fraction() * pool.length)]
    if (partner !== undefined) await this.exchangeWith(partner)
    const lost = healthy.length === 0
    if (lost || ++this.#rounds % bootstrapEvery === 0) await this.bootstrapOnce(lost)
  }

  /** Dials the bootstrap addresses (all, or those of nobody known), and exchanges tables with whoever answers. */
  async bootstrapOnce(all = true): Promise<void> {
    const { byPeer } = this.#table.view
    for (const address of this.#bootstrap) {
      if (!all && byPeer.has(peerOfAddress(address))) continue
      try {
        const peer = await this.#world.transport.dial(address)
        if (peer !== this.#world.self) await this.exchangeWith(peer)
      } catch {
        // Nobody there yet: the next round tries again.
      }
    }
  }
}

/** The peer id that a multiaddr ends with; empty when it names none. */
function peerOfAddress(address: string): PeerId {
  return address.split('/p2p/')[1] ?? ''
}
