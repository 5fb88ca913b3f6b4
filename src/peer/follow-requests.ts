/**
 * Telling members which keys are followed here, so that they tell of each change.
 *
 * A page may follow thousands of keys in one turn, and each link that comes up must be told of all of them. Told one by
 * one they would be thousands of requests, told all in one a message that nobody takes; so they go in batches. A member
 * takes as many as it has room for, the first ones first: those that are watched, then those that it owns itself and so
 * hears of soonest. What it does not take, or never hears of, is asked about instead (`freshness.ts`).
 */
import type { Key } from '../data/key.ts'
import type { PeerId } from '../protocol/membership.ts'
import { placementOf } from '../protocol/placement.ts'
import { ask } from './ask.ts'
import { isFailure } from './failure.ts'
import type { World } from './world.ts'

type Told = 'follow' | 'unfollow'

export class FollowRequests {
  readonly #world: World
  readonly #isWatched: (key: Key) => boolean
  /** What all linked members will be told at the end of this turn; of one key the last word counts. */
  #news = new Map<string, { readonly key: Key; readonly type: Told }>()

  constructor(world: World, isWatched: (key: Key) => boolean) {
    this.#world = world
    this.#isWatched = isWatched
  }

  /** Tells every linked member, together with all else of this turn. */
  tell(type: Told, key: Key): void {
    const isFirst = this.#news.size === 0
    this.#news.set(key.text, { key, type })
    if (!isFirst) return
    this.#world.tasks.run(
      'follow',
      Promise.resolve().then(() => this.#tellNews()),
    )
  }

  /** Tells one member, which knows of none of these keys yet. */
  tellAll(peer: PeerId, keys: readonly Key[]): void {
    const { ring } = this.#world.view()
    const rank = (key: Key): number => {
      const isOwner = placementOf(ring, key.position).owners.includes(peer)
      return (this.#isWatched(key) ? 0 : 2) + (isOwner ? 0 : 1)
    }
    const ranked = keys.map((key) => ({ key, rank: rank(key) }))
    const ordered = ranked.sort((a, b) => a.rank - b.rank).map(({ key }) => key)
    this.#send(peer, 'follow', ordered)
  }

  #tellNews(): void {
    const news = [...this.#news.values()]
    this.#news = new Map()
    for (const type of ['unfollow', 'follow'] as const) {
      const keys = news.filter((each) => each.type === type).map(({ key }) => key)
      for (const { peer } of this.#world.transport.links()) this.#send(peer, type, keys)
    }
  }

  /** All batches at once: what is asked behind them is answered by a member that has heard them all. */
  #send(peer: PeerId, type: Told, keys: readonly Key[]): void {
    const { tasks, limits } = this.#world
    for (let at = 0; at < keys.length; at += limits.comparedKeys) {
      tasks.run(type, this.#request(peer, type, keys.slice(at, at + limits.comparedKeys)))
    }
  }

  async #request(peer: PeerId, type: Told, keys: readonly Key[]): Promise<void> {
    const deadlineMs = this.#world.limits.ownerMs
    const expected = type === 'follow' ? 'following' : 'done'
    const reply = await ask(this.#world, peer, { type, keys }, expected, { deadlineMs })
    if (isFailure(reply) || reply.type === 'done' || reply.taken === keys.length) return
    const detail = `${reply.taken} of ${keys.length} keys`
    this.#world.say({ type: 'follow', to: peer, result: 'full', detail })
  }
}
