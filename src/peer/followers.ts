/**
 * Who follows which key here: edges that show it, and are told of each change while their link stands.
 *
 * A notice may be lost with its link; the follower asks anew when it has another. So nothing here is kept beyond the
 * link, and nothing is owed.
 */
import type { Key } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { RingletError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import { encodeNotice } from '../protocol/message.ts'
import type { World } from './world.ts'

export class Followers {
  readonly #world: World
  readonly #byKey = new Map<string, Set<PeerId>>()
  readonly #byPeer = new Map<PeerId, Set<string>>()

  constructor(world: World) {
    this.#world = world
  }

  get count(): number {
    return this.#byPeer.size
  }

  follow(peer: PeerId, keys: readonly Key[]): void {
    const { edgesPerMember, watchesPerPeer } = this.#world.limits
    const followed = this.#byPeer.get(peer) ?? new Set()
    if (!this.#byPeer.has(peer) && this.#byPeer.size >= edgesPerMember) {
      throw new RingletError('overloaded', `this peer serves ${edgesPerMember} followers already`, {
        remedy: 'Follow at another member.',
      })
    }
    const more = keys.filter(({ text }) => !followed.has(text)).length
    if (followed.size + more > watchesPerPeer) {
      throw new RingletError('overloaded', `a peer follows at most ${watchesPerPeer} keys here`, {
        remedy:
          'Unfollow what is not shown; a followed key that is not told of is asked for now and then.',
        needed: watchesPerPeer,
        got: followed.size + more,
      })
    }
    this.#byPeer.set(peer, followed)
    for (const { text } of keys) {
      followed.add(text)
      const peers = this.#byKey.get(text) ?? new Set()
      this.#byKey.set(text, peers.add(peer))
    }
  }

  unfollow(peer: PeerId, keys: Iterable<string>): void {
    const followed = this.#byPeer.get(peer)
    for (const text of keys) {
      followed?.delete(text)
      const peers = this.#byKey.get(text)
      peers?.delete(peer)
      if (peers?.size === 0) this.#byKey.delete(text)
    }
    if (followed?.size === 0) this.#byPeer.delete(peer)
  }

  /** The link went: so did everything it followed. */
  gone(peer: PeerId): void {
    this.unfollow(peer, [...(this.#byPeer.get(peer) ?? [])])
  }

  changed(key: Key, state: ObjectState): void {
    const peers = this.#byKey.get(key.text)
    if (peers === undefined) return
    const body = encodeNotice({ type: 'changed', key, state })
    for (const peer of peers) this.#world.transport.notify(peer, body, 'foreground')
  }
}
