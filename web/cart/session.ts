/**
 * One cart on show: followed, read, changed, and its changes taken back. Another cart is another session with the same peer.
 *
 * All shopping is `update`, which is done once it is on this device; that it goes further is shown, not waited for.
 */
import { type Cart, cart, type Peer, type TypedBucket } from '../index.ts'
import { type Change, changed, inverseOf, quantityIn, type Wish } from './changes.ts'
import type { Attempt, Shown } from './shown.ts'
import type { Store } from './store.ts'

/** Nobody takes back more than that, one by one. */
const mostUndone = 50

export class Session {
  readonly #store: Store
  readonly #key: string
  readonly #carts: TypedBucket<Cart>
  readonly #ended = new AbortController()
  #changes: readonly Change[] = []

  constructor(store: Store, peer: Peer) {
    this.#store = store
    this.#key = store.now.key
    this.#carts = peer.bucket('carts', cart)
    this.#hearRefusals(peer)
    this.#run().catch((error: unknown) => this.#fail('cart', error))
  }

  /** Asks a quorum, to know whether one has been asked; what it answers comes by the watch too. */
  load(): void {
    this.#attempt('read', async () => {
      const { source } = await this.#carts.get(this.#key)
      this.#show({ source })
    })
  }

  change(product: string, wish: Wish): void {
    this.#attempt('shop', async () => {
      const change = await this.#write(product, wish)
      if (change.before !== change.after) this.#changes = [...this.#changes, change]
      this.#remember()
    })
  }

  /** Takes back the last change that was not taken back yet. */
  undo(): void {
    const last = this.#changes.at(-1)
    if (last === undefined) return
    this.#changes = this.#changes.slice(0, -1)
    this.#remember()
    this.#attempt('shop', async () => {
      try {
        await this.#write(last.product, inverseOf(last))
      } catch (error) {
        this.#changes = [...this.#changes, last]
        this.#remember()
        throw error
      }
    })
  }

  end(): void {
    this.#ended.abort()
  }

  /** A change that was shown as saved here, and that the ring will never have, must not go in silence. */
  #hearRefusals(peer: Peer): void {
    const listen = { signal: this.#ended.signal }
    peer.addEventListener(
      'refused',
      ({ detail: { bucket, key, error } }) => {
        if (bucket === 'carts' && key[0] === this.#key) this.#fail('shop', error)
      },
      listen,
    )
  }

  async #run(): Promise<void> {
    await this.#carts.follow(this.#key)
    this.load()
    const { signal } = this.#ended
    for await (const read of this.#carts.watch(this.#key, { signal })) this.#show({ read })
    // Nobody ended it: the peer has come to an end of its own, and whoever asks it hears why.
    if (!signal.aborted) await this.#carts.get(this.#key)
  }

  async #write(product: string, wish: Wish): Promise<Change> {
    let change: Change | undefined
    await this.#carts.update(this.#key, (value, write) => {
      const next = changed(value, product, wish, write)
      change = { product, before: quantityIn(value, product), after: quantityIn(next, product) }
      return next
    })
    return change!
  }

  #remember(): void {
    this.#changes = this.#changes.slice(-mostUndone)
    this.#show({ undo: this.#changes.at(-1) })
  }

  #attempt(what: Attempt, work: () => Promise<unknown>): void {
    work().then(
      () => this.#ended.signal.aborted || this.#store.succeed(what),
      (error: unknown) => this.#fail(what, error),
    )
  }

  #fail(what: Attempt, error: unknown): void {
    if (!this.#ended.signal.aborted) this.#store.fail(what, error)
  }

  #show(some: Partial<Shown>): void {
    if (!this.#ended.signal.aborted) this.#store.set(some)
  }
}
