/**
 * How members hear what others say of the ring's changes.
 *
 * Whoever says something tells all whom it can reach, once. Whom that has missed learns it when two compare what they have
 * heard, by names first: a ring that changes has something to compare with each other each second, one that never did
 * says nothing at all.
 */
import {
  allOf,
  type ChangingReply,
  changingReply,
  type ChangingRequest,
  changingRequest,
  nameBytes,
  namedStatements,
  nameText,
} from '../protocol/changing-message.ts'
import { decode, encode } from '../protocol/codec.ts'
import type { Statements } from '../protocol/facts.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Reply } from '../protocol/message.ts'
import { ask } from './ask.ts'
import type { FactsTable } from './facts-table.ts'
import { isFailure } from './failure.ts'
import { single } from './tasks.ts'
import type { MemberWorld } from './world.ts'

/** Who is told of it. */
export interface Told {
  /** Something was news. */
  heard(): void
  /** This peer has told all that it had heard. */
  compared(peer: PeerId): void
}

export class ChangeGossip {
  readonly #world: MemberWorld
  readonly #facts: FactsTable
  readonly #told: Told
  #due = 0
  readonly #round: () => void

  constructor(world: MemberWorld, facts: FactsTable, told: Told) {
    this.#world = world
    this.#facts = facts
    this.#told = told
    this.#round = single(world.tasks, 'changing', () => this.#exchangeWithOne())
  }

  /** Compares with one random member a second. */
  tick(): void {
    const { clock, limits, random } = this.#world
    if (clock.elapsed() < this.#due) return
    this.#due = clock.elapsed() + limits.gossipMs * (0.8 + 0.4 * random.fraction())
    this.#round()
  }

  /** Both tell what the other has not heard; resolves with whether it answered. */
  async exchangeWith(peer: PeerId): Promise<boolean> {
    const named = namedStatements(this.#facts.facts)
    const names = [...named.keys()].map(nameBytes)
    const reply = await this.#ask(peer, { type: 'compare', names })
    if (reply?.type !== 'compared') return false
    await this.#hear(reply.statements)
    this.#told.compared(peer)
    const wanted = reply.wanted.flatMap((name) => named.get(nameText(name)) ?? [])
    if (wanted.length > 0) await this.#ask(peer, { type: 'tell', statements: allOf(wanted) })
    return true
  }

  /** Somebody compared tables of members with this peer: of changes it may not know that there are any. */
  met(peer: PeerId): void {
    if (this.#facts.isEmpty) return
    this.#world.tasks.run('changing', this.exchangeWith(peer))
  }

  async serve(body: Uint8Array): Promise<Reply> {
    const request = decode(changingRequest, body)
    return { type: 'changing', body: encode(changingReply, await this.#answer(request)) }
  }

  async #answer(request: ChangingRequest): Promise<ChangingReply> {
    if (request.type === 'tell') {
      await this.#hear(request.statements)
      return { type: 'told' }
    }
    const named = namedStatements(this.#facts.facts)
    const theirs = new Set(request.names.map(nameText))
    const lacking = [...named].filter(([name]) => !theirs.has(name)).map(([, each]) => each)
    const wanted = [...theirs].filter((name) => !named.has(name)).map(nameBytes)
    return { type: 'compared', statements: allOf(lacking), wanted }
  }

  /** Whoever says something tells everybody; whom that has not reached learns it when tables are compared. */
  async #hear(said: Statements): Promise<void> {
    if (await this.#facts.hear(said)) this.#told.heard()
  }

  /** Tells all members that answer. */
  push(statements: Statements): void {
    const { self, links, tasks } = this.#world
    const tell: ChangingRequest = { type: 'tell', statements: allOf([statements]) }
    for (const { record } of this.#world.view().members) {
      if (record.peer === self || links.isSuspect(record.peer)) continue
      tasks.run('changing', this.#ask(record.peer, tell))
    }
  }

  async #ask(peer: PeerId, request: ChangingRequest): Promise<ChangingReply | undefined> {
    const options = { deadlineMs: this.#world.limits.ownerMs }
    const body = encode(changingRequest, request)
    const reply = await ask(this.#world, peer, { type: 'changing', body }, 'changing', options)
    return isFailure(reply) ? undefined : decode(changingReply, reply.body)
  }

  async #exchangeWithOne(): Promise<void> {
    const { self, links, random } = this.#world
    const others = this.#world
      .view()
      .members.map(({ record }) => record.peer)
      .filter((peer) => peer !== self && !links.isSuspect(peer))
    const partner = others[Math.floor(random.fraction() * others.length)]
    if (partner !== undefined) await this.exchangeWith(partner)
  }
}
