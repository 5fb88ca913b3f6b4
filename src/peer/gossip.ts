/**
 * Gossip: how every member comes to know every member (paper §4.8.1).
 *
 * Each second a peer shows a random member the versions it knows; the other answers with what is newer and asks for
 * what it lacks. A change is pushed at once. What is believed of it, and when, stands in `table.ts`.
 */
import type { Bytes } from '../data/bytes.ts'
import { isNewer, type PeerId, type SignedRecord } from '../protocol/membership.ts'
import { encodeNotice, type Reply, type Request } from '../protocol/message.ts'
import { ask } from './ask.ts'
import { isFailure } from './failure.ts'
import type { Table } from './table.ts'
import { single } from './tasks.ts'
import type { World } from './world.ts'

/**
 * Every so many rounds the bootstrap addresses of peers that the table lacks are tried again: two halves of a ring that
 * met nobody of the other at their first start would otherwise never meet.
 */
const bootstrapEvery = 20

/** Exchanges tables with one random member a second, and with the bootstrap addresses until somebody answers. */
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
    const gone = asked.versions
      .filter(({ peer }) => asked.self === undefined && this.#table.isGone(peer))
      .map(({ peer }) => peer)
    const wanted = asked.versions
      .filter(({ peer, version }) => version > (byPeer.get(peer)?.record.version ?? 0))
      .map(({ peer }) => peer)
      .filter((peer) => !gone.includes(peer))
    return { type: 'gossip', records, wanted, gone }
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
    if (reply.gone?.length) await this.#table.forget(reply.gone)
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

  /** Whether this peer was told of others, and has reached none: it does not know who they are. */
  get isAlone(): boolean {
    const { self } = this.#world
    const isTold = this.#bootstrap.some((address) => peerOfAddress(address) !== self)
    return isTold && this.#table.view.members.every(({ record }) => record.peer === self)
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
