/**
 * Whether copies are still what the owners have: asked about in batches, digest by digest.
 *
 * Members tell of each change of what is followed, but a notice may be lost with its link, and a member with many
 * followers does not take them all. To ask for every key anew now and then, as one asks for a key that is read, costs
 * thousands of requests for copies that are all as they should be. So owners are asked in turn which copies differ from
 * what they have, hundreds in one question; only those that do are asked for, by a get of R owners, which alone may
 * replace a copy.
 *
 * After a link came up its keys are asked about at once, those that are watched first. Later each has its pause, which
 * grows with how many there are, so that a tab asks about a hundred keys a second at the most; the few that are watched
 * have a short one.
 */
import { type Digest, digestLength } from '../data/hash.ts'
import type { Key } from '../data/key.ts'
import { type ObjectState, stateDigest } from '../data/siblings.ts'
import type { PeerId } from '../protocol/membership.ts'
import { placementOf } from '../protocol/placement.ts'
import { ask, isFailure } from './ask.ts'
import type { Copies } from './copies.ts'
import { Lanes } from './lanes.ts'
import { single } from './tasks.ts'
import type { World } from './world.ts'

/** So many keys have so long a pause at least. */
const pausePerKeyMs = 10
/** After an answer that did not come. */
const restMs = 1000
/** Gets under way at one time. */
const getsInFlight = 32
/** Due before everything else. */
const atOnce = 0

interface Standing {
  readonly key: Key
  /** Awake time of the next question. */
  due: number
  /** Which of its owners is next. */
  turn: number
  /** The linked member that last said it was fresh, and has told of every change since. */
  saidBy: PeerId | undefined
}

interface Batch {
  readonly peer: PeerId
  readonly standings: Standing[]
}

export interface FreshnessOptions {
  readonly world: World
  readonly copies: Copies
  /** Asks R owners for the key; false if they do not answer. */
  readonly get: (key: Key) => Promise<boolean>
}

export class Freshness {
  readonly #world: World
  readonly #copies: Copies
  readonly #get: FreshnessOptions['get']
  readonly #standings = new Map<string, Standing>()
  /** Keys to be asked for by a get. */
  readonly #wanted = new Map<string, Key>()
  readonly #lanes: Lanes
  /** Awake time of the next questions, unless some are to be asked at once. */
  #nextAt = 0
  #closed = false
  /** Asks what is due to be asked, unless questions are under way. */
  readonly tick: () => void

  constructor({ world, copies, get }: FreshnessOptions) {
    this.#world = world
    this.#copies = copies
    this.#get = get
    this.#lanes = new Lanes(world.tasks, 'refresh', getsInFlight, () => this.#getWanted())
    this.tick = single(world.tasks, 'fresh', () => this.#askDue())
    for (const key of copies.followed()) this.#standOf(key)
    // At once only when there is a link to one of its owners.
    for (const standing of this.#standings.values()) this.#rest(standing)
  }

  /** It is followed from now on, and asked for at once. */
  add(key: Key): void {
    this.#rest(this.#standOf(key))
    this.#want(key)
  }

  drop({ text }: Key): void {
    this.#standings.delete(text)
    this.#wanted.delete(text)
  }

  /** Changes may have been missed while there was no link, or none to anybody who would have told of them. */
  linkUp(peer: PeerId): void {
    this.linkDown(peer)
    const { ring } = this.#world.view()
    for (const standing of this.#standings.values()) {
      if (standing.saidBy !== undefined) continue
      const { owners } = placementOf(ring, standing.key.position)
      if (owners.includes(peer)) standing.due = atOnce
    }
    this.tick()
  }

  linkDown(peer: PeerId): void {
    for (const standing of this.#standings.values()) {
      if (standing.saidBy === peer) standing.saidBy = undefined
    }
  }

  /** Nothing new is asked; what is under way ends by its own deadline. */
  close(): void {
    this.#closed = true
    this.#wanted.clear()
  }

  async #askDue(): Promise<void> {
    for (;;) {
      const batches = this.#dueBatches()
      if (batches.length === 0) return
      for (const batch of batches) {
        if (this.#closed || !this.#hasLinks()) return
        await this.#ask(batch)
      }
    }
  }

  /** Everything that is due at once; else the longest due, as many as one question takes. */
  #dueBatches(): Batch[] {
    if (this.#closed || !this.#hasLinks()) return []
    const now = this.#world.clock.elapsed()
    const due = [...this.#standings.values()].filter((standing) => standing.due <= now)
    const urgent = due.filter((standing) => standing.due === atOnce)
    if (urgent.length > 0) return this.#batchesOf(this.#watchedFirst(urgent))
    if (now < this.#nextAt) return []
    const oldestFirst = due.sort((a, b) => a.due - b.due)
    const next = oldestFirst.slice(0, this.#world.limits.comparedKeys)
    this.#nextAt = now + next.length * pausePerKeyMs
    return this.#batchesOf(next)
  }

  #watchedFirst(standings: readonly Standing[]): Standing[] {
    const isWatched = ({ key }: Standing): boolean => this.#copies.isWatched(key)
    return [...standings.filter(isWatched), ...standings.filter((standing) => !isWatched(standing))]
  }

  /** Each to one of its owners, in their order. */
  #batchesOf(standings: readonly Standing[]): Batch[] {
    const linked = new Set(this.#world.transport.links().map(({ peer }) => peer))
    const batches: Batch[] = []
    const open = new Map<PeerId, Batch>()
    for (const standing of standings) {
      const peer = this.#nextOwner(standing, linked)
      if (peer === undefined) {
        // No owner answers: perhaps fallbacks have something.
        this.#rest(standing)
        this.#want(standing.key)
        continue
      }
      let batch = open.get(peer)
      if (batch === undefined || batch.standings.length >= this.#world.limits.comparedKeys) {
        batch = { peer, standings: [] }
        open.set(peer, batch)
        batches.push(batch)
      }
      batch.standings.push(standing)
    }
    return batches
  }

  /** Its owners in turn: those that a link stands to and that answer, if there are any. */
  #nextOwner(standing: Standing, linked: ReadonlySet<PeerId>): PeerId | undefined {
    const { links, view } = this.#world
    const { owners } = placementOf(view().ring, standing.key.position)
    const near = owners.filter((peer) => linked.has(peer))
    const candidates = near.length > 0 ? near : owners
    const answering = candidates.filter((peer) => !links.isSuspect(peer))
    const chosen = answering.length > 0 ? answering : near
    return chosen[standing.turn++ % chosen.length]
  }

  async #ask({ peer, standings }: Batch): Promise<void> {
    const asked = standings.filter((standing) => this.#canBeAskedAbout(standing))
    if (asked.length === 0) return
    const { limits, clock } = this.#world
    const copies = asked.map(({ key }) => ({ key, digest: digestOfCopy(key, this.#copyOf(key)) }))
    const reply = await ask(this.#world, peer, { type: 'fresh', copies }, 'compared', {
      lane: 'background',
      deadlineMs: limits.requestMs,
    })
    if (isFailure(reply)) {
      for (const standing of asked) standing.due = clock.elapsed() + restMs
      return
    }
    const [differ, elsewhere] = [new Set(reply.differ), new Set(reply.elsewhere)]
    for (const [i, standing] of asked.entries()) {
      this.#rest(standing)
      if (!elsewhere.has(i)) standing.saidBy = peer
      if (differ.has(i) || elsewhere.has(i)) this.#want(standing.key)
    }
  }

  /** Of what is followed no more there is nothing to ask; what was never answered for is asked for at once. */
  #canBeAskedAbout(standing: Standing): boolean {
    const { key } = standing
    if (!this.#standings.has(key.text)) return false
    if (this.#copies.isFilled(key)) return true
    this.#rest(standing)
    this.#want(key)
    return false
  }
  #want(key: Key): void {
    this.#wanted.set(key.text, key)
    this.#getWanted()
  }

  /** As many as there are lanes: thousands of keys that differ are asked for little by little. */
  #getWanted(): void {
    for (const [text, key] of this.#wanted) {
      if (this.#lanes.isFull) return
      // A get that is under way may have been asked too soon.
      if (this.#lanes.run(text, () => this.#getOne(key))) this.#wanted.delete(text)
    }
  }

  async #getOne(key: Key): Promise<void> {
    if (this.#closed || (await this.#get(key)) || this.#closed) return
    const standing = this.#standings.get(key.text)
    if (standing !== undefined) {
      standing.due = this.#world.clock.elapsed() + restMs
      standing.saidBy = undefined
    }
    // Nobody to ask: the next link brings them all up again.
    if (!this.#hasLinks()) this.#giveUp()
  }

  #giveUp(): void {
    for (const text of this.#wanted.keys()) {
      const standing = this.#standings.get(text)
      if (standing !== undefined) {
        standing.due = atOnce
        standing.saidBy = undefined
      }
    }
    this.#wanted.clear()
  }

  #rest(standing: Standing): void {
    standing.due = this.#world.clock.elapsed() + this.#pauseOf(standing)
  }

  #pauseOf({ key }: Standing): number {
    const copies = this.#copies
    const count = copies.isWatched(key) ? copies.watched : this.#standings.size
    return Math.max(this.#world.limits.freshMs, count * pausePerKeyMs)
  }

  #standOf(key: Key): Standing {
    let standing = this.#standings.get(key.text)
    if (standing === undefined) {
      standing = { key, due: atOnce, turn: 0, saidBy: undefined }
      this.#standings.set(key.text, standing)
    }
    return standing
  }

  #copyOf(key: Key): ObjectState {
    return this.#copies.of(key).copy
  }

  #hasLinks(): boolean {
    return this.#world.transport.links().length > 0
  }
}

/** As a member has it of a record; of no record it is all zeros. */
function digestOfCopy(key: Key, copy: ObjectState): Digest {
  return copy.seen.size === 0 ? new Uint8Array(digestLength) : stateDigest(key.bytes, copy)
}
