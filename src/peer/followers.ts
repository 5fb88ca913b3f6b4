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
import type { MemberWorld } from './world.ts'

export class Followers {
  readonly #world: MemberWorld
  readonly #byKey = new Map<string, Set<PeerId>>()
  readonly #byPeer = new Map<PeerId, Set<string>>()
  /** How many keys all peers follow together. */
  #watches = 0

  constructor(world: MemberWorld) {
    this.#world = world
  }

  get count(): number {
    return this.#byPeer.size
  }

  /**
   * Follows the first of these keys, as many as there is room for, and says how many; the follower asks about the rest
   * now and then. Throws `overloaded` when too many others follow here.
   */
  follow(peer: PeerId, keys: readonly Key[]): number {
    const { edgesPerMember, watchesPerPeer, watchesPerMember } = this.#world.limits
    const followed = this.#byPeer.get(peer) ?? new Set()
    if (!this.#byPeer.has(peer) && this.#byPeer.size >= edgesPerMember) {
      throw new RingletError('overloaded', `this peer serves ${edgesPerMember} followers already`, {
        remedy: 'Follow at another member.',
      })
    }
    this.#byPeer.set(peer, followed)
    let taken = 0
    for (const { text } of keys) {
      if (!followed.has(text)) {
        if (followed.size >= watchesPerPeer || this.#watches >= watchesPerMember) break
        followed.add(text)
        this.#watches++
        const peers = this.#byKey.get(text) ?? new Set()
        this.#byKey.set(text, peers.add(peer))
      }
      taken++
    }
    if (followed.size === 0) this.#byPeer.delete(peer)
    return taken
  }

  unfollow(peer: PeerId, keys: Iterable<string>): void {
    const followed = this.#byPeer.get(peer)
    for (const text of keys) {
      if (followed?.delete(text) !== true) continue
      this.#watches--
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
