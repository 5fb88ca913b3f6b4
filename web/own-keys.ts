/**
 * The keys of a tab's edge, for as long as the tab's store is its own.
 *
 * A tab whose slot was taken still holds copies in memory, and could show them and let somebody shop: all of it would be
 * lost. From that moment on, whatever is asked of it fails with what happened and what to do, watches included.
 */
import type { RingletError } from '../src/protocol/errors.ts'
import type { Keyed, Watcher } from '../src/peer/keyed.ts'

export class OwnKeys implements Keyed {
  readonly #edge: Keyed
  readonly #watchers = new Set<Watcher>()
  #lost: RingletError | undefined

  constructor(edge: Keyed) {
    this.#edge = edge
  }

  /** The store is another's. Those who watch read once more, and hear so. */
  lose(error: RingletError): void {
    this.#lost = error
    for (const { changed } of this.#watchers) changed()
  }

  async read(...asked: Parameters<Keyed['read']>): ReturnType<Keyed['read']> {
    return this.#keys().read(...asked)
  }

  async list(...asked: Parameters<Keyed['list']>): ReturnType<Keyed['list']> {
    return this.#keys().list(...asked)
  }

  async write(...asked: Parameters<Keyed['write']>): ReturnType<Keyed['write']> {
    return this.#keys().write(...asked)
  }

  async nextWrite(...asked: Parameters<Keyed['nextWrite']>): ReturnType<Keyed['nextWrite']> {
    return this.#keys().nextWrite(...asked)
  }

  holds(...asked: Parameters<Keyed['holds']>): boolean {
    return this.#edge.holds(...asked)
  }

  async follow(...asked: Parameters<Keyed['follow']>): Promise<void> {
    return this.#keys().follow(...asked)
  }

  async unfollow(...asked: Parameters<Keyed['unfollow']>): Promise<void> {
    return this.#keys().unfollow(...asked)
  }

  async watch(...[key, watcher]: Parameters<Keyed['watch']>): Promise<() => void> {
    const { changed } = watcher
    // A watch that merely ended would say nothing of why.
    const ended = (): void => (this.#lost === undefined ? watcher.ended() : changed())
    const stop = await this.#keys().watch(key, { changed, ended })
    this.#watchers.add(watcher)
    return () => {
      this.#watchers.delete(watcher)
      stop()
    }
  }

  now(): number {
    return this.#edge.now()
  }

  get clock(): Keyed['clock'] {
    return this.#edge.clock
  }

  #keys(): Keyed {
    if (this.#lost !== undefined) throw this.#lost
    return this.#edge
  }
}
