/**
 * Refilling: how a store that lost something comes to hold again all that it ever acknowledged.
 *
 * A peer that lost its disk says so, in its own signed record. From there on it compares with the other owners of each of
 * its partitions, record by record, those who know of its loss; once so many have told all they hold that no quorum of
 * old can have missed them all, it says that it is ready. Nobody's silence helps: an owner that cannot be reached, or has
 * lost its own disk, tells nothing, and the peer waits. A record that was found damaged is the same in small: the peer
 * says how often that happened to it, and asks for that one key.
 */
import { type Key, showKey } from '../data/key.ts'
import type { MemberRecord, PeerId } from '../protocol/membership.ts'
import { placementIn } from '../protocol/placement.ts'
import type { AntiEntropy } from './anti-entropy.ts'
import type { Records } from './records.ts'
import type { Table } from './table.ts'
import { single } from './tasks.ts'
import { vouched } from './vouching.ts'
import { recordIn } from './strict.ts'
import type { MemberWorld } from './world.ts'

/** A pass is made in so many parts: each is vouched for on its own, and a lost link costs one of them. */
const parts = 16
/** After a round that changed nothing. */
const restMs = 1000

/** Who has told all it holds: the owner, and the store that it told it from. */
type Told = Map<PeerId, string>

export class Refill {
  readonly #world: MemberWorld
  readonly #records: Records
  readonly #table: Table
  readonly #antiEntropy: AntiEntropy
  readonly #mayCount: () => boolean | Promise<boolean>
  readonly #byPartition = new Map<number, Told>()
  readonly #byKey = new Map<string, Told>()
  /** The doubted keys that this peer's record speaks of: the others know that they are in doubt. */
  #stated = new Map<string, number>()
  #due = 0
  readonly #round: () => void

  /** `mayCount` resolves with whether this peer knows of the ring's changes what it must before it counts again. */
  constructor(
    world: MemberWorld,
    records: Records,
    table: Table,
    antiEntropy: AntiEntropy,
    mayCount: () => boolean | Promise<boolean>,
  ) {
    this.#mayCount = mayCount
    this.#world = world
    this.#records = records
    this.#table = table
    this.#antiEntropy = antiEntropy
    this.#round = single(world.tasks, 'refill', () => this.#refill())
    records.doubts.onNew = (key) => {
      this.#due = 0
      world.say({ type: 'doubt', key: showKey(key) })
    }
  }

  tick(): void {
    const { clock } = this.#world
    const nothing = this.#own?.readiness === 'ready' && this.#records.doubts.keys.length === 0
    if (nothing || clock.elapsed() < this.#due) return
    this.#due = clock.elapsed() + restMs
    this.#round()
  }

  /** A neighbour came back, or somebody's record changed. */
  soon(): void {
    this.#due = 0
  }

  /** What earlier processes doubted has been said with this peer's first statement. */
  start(): void {
    this.#stated = this.#doubtsNow()
  }

  /** This store is another now, or not known to be whole: what was told before was told to another. */
  beginAgain(): void {
    this.#byPartition.clear()
    this.#byKey.clear()
    this.#due = 0
  }

  /** Whether every other owner of the key that lost nothing itself has told all it holds. */
  holdsAll(key: Key): boolean {
    if (this.#own?.readiness !== 'refilling') return true
    const { partition } = placementIn(this.#world.view(), key.position)
    return this.#sourcesOf(partition).every((peer) => this.#hasTold(this.#told(partition), peer))
  }

  /** Whether all who can tell have told, and too few are left who can. */
  get isStuck(): boolean {
    const { n } = this.#world.view().identity
    const needed = this.#world.rules.sourcesNeeded(n)
    if (this.#own === undefined || this.#own.readiness === 'ready') return false
    const partitions = this.#owned()
    const isTold = partitions.every((partition) => {
      return this.#sourcesOf(partition).every((peer) => this.#hasTold(this.#told(partition), peer))
    })
    return isTold && partitions.some((partition) => this.#sourcesOf(partition).length < needed)
  }

  /**
   * An operator's word: this peer counts from now on, though too few are left who could tell it what it lost. What was
   * acknowledged strictly before may be missed by strict reads.
   */
  async trust(): Promise<void> {
    const { doubts } = this.#records
    for (const key of doubts.keys) {
      await this.#records.dropDamaged(key)
      await doubts.drop(key, doubts.times(key))
      this.#world.say({ type: 'doubt-over', key: showKey(key), detail: 'by an operator' })
    }
    await this.#table.restate(({ readiness }) => {
      return readiness === 'ready' ? {} : { readiness: 'ready' }
    })
  }

  get #own(): MemberRecord | undefined {
    return this.#table.own?.record
  }

  async #refill(): Promise<void> {
    await this.#sayDoubts()
    await this.#takeDoubted()
    if (this.#own === undefined || this.#own.readiness === 'ready') return
    for (const peer of this.#sources()) {
      if (!this.#world.links.isSuspect(peer)) await this.#takeFrom(peer)
    }
    const { generation } = this.#own
    if (!this.#isWhole()) return
    const may = this.#mayCount()
    if (typeof may === 'boolean' ? !may : !(await may)) return
    // Somebody may have spoken in this peer's name meanwhile: then this is another store, and not whole.
    await this.#table.restate((own) => {
      return own.generation === generation ? { readiness: 'ready' } : {}
    })
  }

  /** Before anybody is asked: what is counted from here on is counted by lists that speak of the damage. */
  async #sayDoubts(): Promise<void> {
    const news = this.#newDoubts()
    // A record that nobody has anything to put in the place of would be found damaged at each look, for ever.
    for (const key of news) await this.#records.dropDamaged(key)
    const doubts = this.#doubtsNow()
    if (news.length > 0) await this.#table.restate(({ losses }) => ({ losses: losses + 1 }))
    this.#stated = doubts
  }

  #newDoubts(): Key[] {
    const { doubts } = this.#records
    return doubts.keys.filter((key) => this.#stated.get(key.text) !== doubts.times(key))
  }

  #doubtsNow(): Map<string, number> {
    const { doubts } = this.#records
    return new Map(doubts.keys.map((key) => [key.text, doubts.times(key)]))
  }

  async #takeDoubted(): Promise<void> {
    const { doubts } = this.#records
    for (const key of doubts.keys) {
      const times = doubts.times(key)
      if (this.#stated.get(key.text) !== times) continue
      if (!(await this.#takeKey(key))) continue
      await doubts.drop(key, times)
      this.#world.say({ type: 'doubt-over', key: showKey(key) })
    }
  }

  /** Asks for one key whose record was damaged; resolves with whether enough others have told what they hold. */
  async #takeKey(key: Key): Promise<boolean> {
    const { partition, owners } = placementIn(this.#world.view(), key.position)
    // What is not owned is kept for its owners, who have what they need from each other.
    if (!owners.includes(this.#world.self)) return true
    const name = `${key.text} ${this.#stated.get(key.text)}`
    const told = this.#byKey.get(name) ?? new Map<PeerId, string>()
    this.#byKey.set(name, told)
    for (const peer of this.#sourcesOf(partition)) {
      if (this.#hasTold(told, peer) || this.#world.links.isSuspect(peer)) continue
      const generation = this.#generationOf(peer)
      const take = (): Promise<boolean> => this.#antiEntropy.takeKey(peer, key)
      const vouched = await this.#vouched(peer, [partition], key, take)
      if (vouched.get(partition)?.length === 0) told.set(peer, generation)
    }
    const { n } = this.#world.view().identity
    const isWhole = this.#count(partition, told) >= this.#world.rules.sourcesNeeded(n)
    if (isWhole) this.#byKey.delete(name)
    return isWhole
  }

  /** Part after part: what is vouched for before and after it was told is told. */
  async #takeFrom(peer: PeerId): Promise<void> {
    const { q } = this.#world.view().identity
    const width = Math.max(1, q / parts)
    const generation = this.#generationOf(peer)
    for (let from = 0; from < q; from += width) {
      const lacking = this.#owned()
        .filter((partition) => partition >= from && partition < from + width)
        .filter((partition) => this.#sourcesOf(partition).includes(peer))
        .filter((partition) => !this.#hasTold(this.#told(partition), peer))
      if (lacking.length === 0) continue
      const vouched = await this.#vouched(peer, lacking, undefined, async () => {
        return this.#antiEntropy.takeAll(peer, from, from + width)
      })
      if (vouched.size === 0) return
      for (const [partition, except] of vouched) {
        // What was damaged there may be less than it had acknowledged: it is in doubt here as well.
        for (const key of except) await this.#records.doubts.keep(key)
        this.#told(partition).set(peer, generation)
      }
    }
  }

  #vouched(
    peer: PeerId,
    partitions: readonly number[],
    key: Key | undefined,
    take: () => Promise<boolean>,
  ): Promise<Map<number, readonly Key[]>> {
    return vouched(this.#world, () => this.#own?.generation, { peer, partitions, key, take })
  }

  #isWhole(): boolean {
    const { n } = this.#world.view().identity
    const needed = this.#world.rules.sourcesNeeded(n)
    return this.#owned().every((partition) => {
      return this.#count(partition, this.#told(partition)) >= needed
    })
  }

  /** How many of the present owners have told all that their present stores hold. */
  #count(partition: number, told: Told): number {
    return this.#sourcesOf(partition).filter((peer) => this.#hasTold(told, peer)).length
  }

  #hasTold(told: Told, peer: PeerId): boolean {
    return told.get(peer) === this.#generationOf(peer)
  }

  #told(partition: number): Told {
    const told = this.#byPartition.get(partition) ?? new Map<PeerId, string>()
    this.#byPartition.set(partition, told)
    return told
  }

  /** By the ring that stands, and by the one that is next. */
  #owned(): number[] {
    const { identity, ring, next } = this.#world.view()
    return Array.from({ length: identity.q }, (_, partition) => partition).filter((partition) => {
      return [ring, next?.ring].some((each) => each?.ownersOf(partition).includes(this.#world.self))
    })
  }

  #sources(): PeerId[] {
    return [...new Set(this.#owned().flatMap((partition) => this.#sourcesOf(partition)))]
  }

  /** The other owners of a partition, those left out that lost something themselves. */
  #sourcesOf(partition: number): PeerId[] {
    const { ring, byPeer } = this.#world.view()
    return ring.ownersOf(partition).filter((peer) => {
      return peer !== this.#world.self && this.#world.rules.isSource(recordIn(byPeer, peer))
    })
  }

  #generationOf(peer: PeerId): string {
    return recordIn(this.#world.view().byPeer, peer).generation
  }
}
