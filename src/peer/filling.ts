/**
 * Filling: how a member comes to hold what a change of the ring will make its own.
 *
 * It pulls, partition by partition and behind all requests, from the owners by the ring that stands; from as many as no
 * acknowledged write can have missed, each vouching that it has taken up the same change. What it has been told stays
 * told, so an interrupted transfer goes on where it was. Once all is told it says so, and the change can be completed.
 */
import { ownerLists } from '../protocol/lists.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { AntiEntropy } from './anti-entropy.ts'
import type { FactsTable } from './facts-table.ts'
import type { Records } from './records.ts'
import { recordIn } from './strict.ts'
import { single } from './tasks.ts'
import { vouched } from './vouching.ts'
import type { MemberWorld } from './world.ts'

/** A pass is made in so many parts: each is vouched for on its own, and a lost link costs one of them. */
const parts = 16
/** After a round that did not end it. */
const restMs = 500

/** One partition that is to be filled: who owns it by the ring that stands. */
interface Gain {
  readonly partition: number
  readonly owners: readonly PeerId[]
}

export class Filling {
  readonly #world: MemberWorld
  readonly #records: Records
  readonly #antiEntropy: AntiEntropy
  readonly #facts: FactsTable
  /** By partition, who has told all it holds since the change was taken up, and from which store. */
  #told = new Map<number, Map<PeerId, string>>()
  /** The change that this is for, and the store that is being filled. */
  #change = ''
  #store = ''
  #isFilled = false
  #due = 0
  readonly #round: () => void

  constructor(world: MemberWorld, records: Records, antiEntropy: AntiEntropy, facts: FactsTable) {
    this.#world = world
    this.#records = records
    this.#antiEntropy = antiEntropy
    this.#facts = facts
    this.#round = single(world.tasks, 'filling', () => this.#fill())
  }

  /** The generation of this store, if it holds all that the change gives it. */
  filledFor(change: string): string | undefined {
    this.#begin()
    return this.#isFilled && this.#change === change ? this.#store : undefined
  }

  /** How many partitions it has been told of all that it must be; undefined while no change gives it any. */
  get progress(): { readonly done: number; readonly of: number } | undefined {
    this.#begin()
    const gains = this.#change === '' ? [] : this.#gains()
    if (gains.length === 0) return undefined
    const isDone = (gain: Gain): boolean => this.#isFilled || this.#isEnough(gain)
    return { done: gains.filter(isDone).length, of: gains.length }
  }

  tick(): void {
    const { clock } = this.#world
    this.#begin()
    if (this.#change === '' || this.#isFilled || clock.elapsed() < this.#due) return
    this.#due = clock.elapsed() + restMs
    this.#round()
  }

  /** Another change is another transfer: what was told for one is worth nothing for the next. */
  #begin(): void {
    const change = this.#world.view().next?.change ?? ''
    if (change === this.#change && this.#records.generation === this.#store) return
    this.#change = change
    this.#store = this.#records.generation
    this.#told = new Map()
    this.#isFilled = false
    this.#due = 0
  }

  async #fill(): Promise<void> {
    const [change, store] = [this.#change, this.#store]
    const gains = this.#gains()
    const peers = new Set(gains.flatMap(({ owners }) => owners))
    peers.delete(this.#world.self)
    for (const peer of peers) {
      if (this.#isAll(gains)) break
      if (!this.#world.links.isSuspect(peer)) await this.#takeFrom(peer, gains)
      this.#begin()
      if (change !== this.#change || store !== this.#store) return
    }
    if (!this.#isAll(gains)) return
    this.#isFilled = true
    this.#world.say({ type: 'refill', result: 'filled', detail: `${gains.length} partitions` })
  }

  async #takeFrom(peer: PeerId, gains: readonly Gain[]): Promise<void> {
    const { q } = this.#world.view().identity
    const width = Math.max(1, q / parts)
    const told = this.#told
    for (let from = 0; from < q; from += width) {
      const lacking = gains
        .filter(({ partition }) => partition >= from && partition < from + width)
        .filter((gain) => gain.owners.includes(peer) && !this.#isEnough(gain))
        .map(({ partition }) => partition)
      if (lacking.length === 0 || !this.#mayTell(peer)) continue
      const { generation } = recordIn(this.#world.view().byPeer, peer)
      const take = (): Promise<boolean> => this.#antiEntropy.takeAll(peer, from, from + width)
      const telling = { peer, partitions: lacking, key: undefined, take }
      const agreed = await vouched(this.#world, () => this.#records.generation, telling)
      if (agreed.size === 0 || told !== this.#told) return
      for (const [partition, except] of agreed) {
        // What was damaged there may be less than it had acknowledged: it is in doubt here as well.
        for (const key of except) await this.#records.doubts.keep(key)
        const by = told.get(partition) ?? new Map<PeerId, string>()
        told.set(partition, by.set(peer, generation))
      }
    }
  }

  /** The partitions that this peer must fill before the change is completed. */
  #gains(): readonly Gain[] {
    const { identity, ring, next } = this.#world.view()
    return Array.from({ length: identity.q }, (_, partition) => partition).flatMap((partition) => {
      const lists = ownerLists(partition, ring, next)
      const { fills } = this.#facts.rules
      if (lists.next === undefined) return []
      if (!fills(lists.now, lists.next.owners).includes(this.#world.self)) return []
      return [{ partition, owners: lists.now }]
    })
  }

  #isAll(gains: readonly Gain[]): boolean {
    return gains.every((gain) => this.#isEnough(gain))
  }

  #isEnough({ partition, owners }: Gain): boolean {
    const told = this.#told.get(partition)
    const { byPeer, identity } = this.#world.view()
    const tellers = owners.filter((peer) => {
      if (!this.#mayTell(peer)) return false
      // What an owner holds itself it need not be told.
      return peer === this.#world.self || told?.get(peer) === recordIn(byPeer, peer).generation
    })
    return tellers.length >= this.#facts.rules.tellersNeeded(identity.n, owners.length)
  }

  /** That both have taken up the same change is vouched for by the lists, which name it. */
  #mayTell(peer: PeerId): boolean {
    const { readiness } = recordIn(this.#world.view().byPeer, peer)
    return this.#facts.rules.mayTell(true, readiness === 'ready')
  }
}
