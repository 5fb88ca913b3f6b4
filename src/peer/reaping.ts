/**
 * All that a member has to do with the forgetting of deleted keys, put together: its own rounds, its part in those of
 * others, what it knows of what it does and sends, and how long its store has been awake.
 */
import type { Bytes } from '../data/bytes.ts'
import { decode, encode, varint } from '../protocol/codec.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Reply } from '../protocol/message.ts'
import { generationsIn, hasStrangers } from '../protocol/reaping.ts'
import {
  type ReapingReply,
  reapingReply,
  type ReapingRequest,
  reapingRequest,
} from '../protocol/reaping-message.ts'
import { storageKeys } from '../protocol/record.ts'
import type { Storage } from '../ports.ts'
import { Loans } from './loans.ts'
import { Reaper } from './reaper.ts'
import type { Records } from './records.ts'
import { reapingLabel, Sessions } from './sessions.ts'
import type { MemberWorld } from './world.ts'

/** How long this store had been awake when that was last noted; what a crash forgets of it is only waited for again. */
export async function awakeBefore(storage: Storage): Promise<number> {
  const stored = await storage.get(storageKeys.awake)
  try {
    return stored === undefined ? 0 : decode(varint, stored)
  } catch {
    return 0
  }
}

export class Reaping {
  readonly sessions: Sessions
  readonly #world: MemberWorld
  readonly #loans: Loans
  readonly #reaper: Reaper
  readonly #awakeBeforeMs: number
  readonly #startedMs: number

  constructor(world: MemberWorld, records: Records, awakeBeforeMs: number) {
    this.#world = world
    this.#awakeBeforeMs = awakeBeforeMs
    this.#startedMs = world.clock.elapsed()
    this.sessions = new Sessions(world, world.reaping)
    this.#loans = new Loans(world, records, this.sessions, () => this.#awakeMs())
    this.#reaper = new Reaper(world, records, this.#loans)
    world.tasks.onRun = (label) => (label === reapingLabel ? () => {} : this.sessions.begin())
    records.risenBy = (actors) => {
      return hasStrangers(actors, generationsIn(world.view())) ? this.#awakeMs() : undefined
    }
  }

  /** The member that the reaping of this peer's tombstones waits for. */
  get waitsFor(): PeerId | undefined {
    return this.#reaper.waitsFor
  }

  tick(): void {
    this.sessions.tick()
    this.#loans.tick()
    this.#reaper.tick()
  }

  close(): void {
    this.#reaper.close()
  }

  async serve(from: PeerId, body: Bytes): Promise<Reply> {
    const reply = await this.#answer(from, decode(reapingRequest, body))
    return { type: 'reaping', body: encode(reapingReply, reply) }
  }

  async #answer(from: PeerId, request: ReapingRequest): Promise<ReapingReply> {
    if (request.type === 'lend') return this.#loans.lend(from, request)
    if (request.type === 'settle') return this.#loans.settle(from, request)
    if (request.type === 'reap') await this.#loans.reap(from, request)
    if (request.type === 'session') this.sessions.hear(from, request.session)
    return { type: 'done' }
  }

  /** Notes how long this store has been awake. */
  noteAwake(): Promise<void> {
    const write = { key: storageKeys.awake, value: encode(varint, this.#awakeMs()) }
    return this.#world.storage.update([], () => ({ writes: [write], result: undefined }))
  }

  #awakeMs(): number {
    const { clock } = this.#world
    return Math.floor(this.#awakeBeforeMs + clock.elapsed() - this.#startedMs)
  }
}
