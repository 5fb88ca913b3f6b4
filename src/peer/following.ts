/**
 * Which keys an edge follows: those that it was told to, and those that are watched, for as long as they are.
 *
 * That a key is followed stands with its copy in the store, so that the next page shows it without a network. What the
 * owners say of it is the business of `asking.ts`.
 */
import type { Key } from '../data/key.ts'
import type { Copies } from './copies.ts'
import { copyName } from './troubles.ts'
import type { World } from './world.ts'

export interface FollowingOptions {
  readonly world: World
  readonly copies: Copies
  /** Somebody watches the key from now on, who may not have before. */
  watched(key: Key): void
  /** The key is followed from now on. */
  followed(key: Key): void
  unfollowed(key: Key): void
}

export class Following {
  readonly #options: FollowingOptions
  readonly #copies: Copies
  /** Keys that are followed only because they are watched, and by how many watches. */
  readonly #watched = new Map<string, { readonly key: Key; watches: number }>()

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#copies = options.copies
  }

  /** Follows the key until `unfollow`, whoever watches it. */
  follow(key: Key): Promise<void> {
    this.#watched.delete(key.text)
    return this.#start(key)
  }

  async unfollow(key: Key): Promise<void> {
    this.#watched.delete(key.text)
    await this.#copies.change(key, (held) => ({ ...held, followed: false }))
    this.#options.unfollowed(key)
  }

  /**
   * Follows the key until the returned function is called by the last that watches it. A key that was followed before
   * stays followed; so does one whose watch was cut short by the end of the page, which is what lets the next page show
   * it without a network.
   */
  async watch(key: Key): Promise<() => void> {
    const { followed } = this.#copies.of(key)
    this.#options.watched(key)
    if (followed && !this.#watched.has(key.text)) return () => {}
    const watched = this.#watched.get(key.text) ?? { key, watches: 0 }
    this.#watched.set(key.text, watched)
    watched.watches++
    const unwatch = (): void => void watched.watches--
    if (followed) return unwatch
    try {
      await this.#start(key)
    } catch (error) {
      unwatch()
      throw error
    }
    return unwatch
  }

  /** Ends the following of what is watched no more. */
  tick(): void {
    for (const { key, watches } of this.#watched.values()) {
      // Only now, for a view that is drawn anew ends its watch and begins another.
      if (watches === 0) this.#options.world.tasks.run('unfollow', this.#release(key))
    }
  }

  async #start(key: Key): Promise<void> {
    if (this.#copies.of(key).followed) return
    await this.#copies.change(key, (held) => ({ ...held, followed: true }))
    this.#options.followed(key)
  }

  /** Nobody watches it any more; if the store refuses to note that, that stands until it works. */
  async #release(key: Key): Promise<void> {
    const isWatched = (): boolean => this.#watched.get(key.text)?.watches !== 0
    await this.#options.world.troubles.watch(copyName(key), () =>
      this.#copies.change(key, (held) => (isWatched() ? held : { ...held, followed: false })),
    )
    if (isWatched()) return this.#start(key)
    this.#watched.delete(key.text)
    this.#options.unfollowed(key)
  }
}
