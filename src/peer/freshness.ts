/**
 * Whether copies are still what the owners have: asked about in batches, digest by digest.
 *
 * Members tell of each change of what is followed, but a notice may be lost with its link, and a member with many
 * followers does not take them all. To ask for every key anew now and then, as one asks for a key that is read, costs
 * thousands of requests for copies that are all as they should be. So owners are asked in turn which copies differ from
 * what they have, hundreds in one question; only those that do are asked for, by a get of R owners, which alone may
 * replace a copy.
 */
import { type Digest, digestLength } from '../data/hash.ts'
import type { Key } from '../data/key.ts'
import { type ObjectState, stateDigest } from '../data/siblings.ts'
import type { PeerId } from '../protocol/membership.ts'
import { placementOf } from '../protocol/placement.ts'
import { ask } from './ask.ts'
import { isFailure } from './failure.ts'
import type { Copies } from './copies.ts'
import { Lanes } from './lanes.ts'
import { type Standing, Standings } from './standings.ts'
import { single } from './tasks.ts'
import type { World } from './world.ts'

/** Gets under way at one time. */
const getsInFlight = 32

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
  readonly #standings: Standings
  /** Keys to be asked for by a get. */
  readonly #wanted = new Map<string, Key>()
  readonly #lanes: Lanes
  #state: 'awake' | 'asleep' | 'closed' = 'awake'
  /** Asks what is due to be asked, unless questions are under way. */
  readonly tick: () => void

  constructor({ world, copies, get }: FreshnessOptions) {
    this.#world = world
    this.#copies = copies
    this.#get = get
    this.#standings = new Standings(world, copies)
    this.#lanes = new Lanes(world.tasks, 'refresh', getsInFlight, () => this.#getWanted())
    this.tick = single(world.tasks, 'fresh', () => this.#askDue())
  }

  /** It is followed from now on, and asked for at once. */
  add(key: Key): void {
    this.#standings.add(key)
    this.#want(key)
  }

  drop(key: Key): void {
    this.#standings.drop(key)
    this.#wanted.delete(key.text)
  }

  watched(key: Key): void {
    this.#standings.watched(key)
  }

  linkUp(peer: PeerId): void {
    this.#standings.linkUp(peer)
    this.tick()
  }

  linkDown(peer: PeerId): void {
    this.#standings.linkDown(peer)
  }

  /** What is under way ends; nothing else is asked until `wake`. */
  sleep(): void {
    if (this.#state !== 'awake') return
    this.#state = 'asleep'
    this.#giveUp()
  }

  wake(): void {
    if (this.#state === 'asleep') this.#state = 'awake'
    this.#getWanted()
  }

  /** Nothing new is asked; what is under way ends by its own deadline. */
  close(): void {
    this.#state = 'closed'
    this.#wanted.clear()
  }

  async #askDue(): Promise<void> {
    while (this.#mayAsk()) {
      const batches = this.#batchesOf(this.#standings.takeDue())
      if (batches.length === 0) return
      for (const batch of batches) if (this.#mayAsk()) await this.#ask(batch)
    }
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
        this.#restAndWant(standing)
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
    const copies = asked.map(({ key }) => ({
      key,
      digest: digestOfCopy(key, this.#copies.of(key).copy),
    }))
    const reply = await ask(this.#world, peer, { type: 'fresh', copies }, 'compared', {
      lane: 'background',
      deadlineMs: this.#world.limits.requestMs,
    })
    if (isFailure(reply)) {
      for (const standing of asked) this.#standings.restShortly(standing)
      return
    }
    const [differ, elsewhere] = [new Set(reply.differ), new Set(reply.elsewhere)]
    for (const [i, standing] of asked.entries()) {
      if (!elsewhere.has(i)) standing.saidBy = peer
      if (differ.has(i) || elsewhere.has(i)) this.#restAndWant(standing)
      else this.#standings.rest(standing)
    }
  }

  /** Of what is followed no more there is nothing to ask; what was never answered for is asked for at once. */
  #canBeAskedAbout(standing: Standing): boolean {
    const { key } = standing
    if (this.#standings.get(key) !== standing) return false
    if (this.#copies.isFilled(key)) return true
    this.#restAndWant(standing)
    return false
  }

  #restAndWant(standing: Standing): void {
    this.#standings.rest(standing)
    this.#want(standing.key)
  }

  #want(key: Key): void {
    this.#wanted.set(key.text, key)
    this.#getWanted()
  }

  /** As many as there are lanes: thousands of keys that differ are asked for little by little. */
  #getWanted(): void {
    if (this.#state !== 'awake') return
    for (const [text, key] of this.#wanted) {
      if (this.#lanes.isFull) return
      // A get that is under way may have been asked too soon.
      if (this.#lanes.run(text, () => this.#getOne(key))) this.#wanted.delete(text)
    }
  }

  async #getOne(key: Key): Promise<void> {
    if (await this.#get(key)) return
    const standing = this.#standings.get(key)
    if (standing !== undefined) this.#standings.doubt(standing)
    // Nobody to ask: the next link brings them all up again.
    if (this.#world.transport.links().length === 0) this.#giveUp()
  }

  #giveUp(): void {
    for (const key of this.#wanted.values()) {
      const standing = this.#standings.get(key)
      if (standing !== undefined) this.#standings.doubt(standing)
    }
    this.#wanted.clear()
  }

  #mayAsk(): boolean {
    return this.#state === 'awake' && this.#world.transport.links().length > 0
  }
}

/** As a member has it of a record; of no record it is all zeros. */
function digestOfCopy(key: Key, copy: ObjectState): Digest {
  return copy.seen.size === 0 ? new Uint8Array(digestLength) : stateDigest(key.bytes, copy)
}
