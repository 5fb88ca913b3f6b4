/**
 * The side of an edge that faces the ring, from the moment on at which it is there.
 *
 * Its code may still have to be fetched. Whoever needs it waits as for an answer, no longer than a request may take; and
 * if it cannot be fetched, because the network went first, the edge is alone and tries again now and then.
 */
import { errorOfFailure, type Failure, nobody } from './failure.ts'
import type { RingSide } from './ring-side.ts'
import type { World } from './world.ts'

export interface FacingOptions {
  readonly world: World
  /** At once, or once its code is there; called again if that failed. */
  open(): RingSide | Promise<RingSide>
  /** It is there. `late`: the edge was open before. */
  faced(side: RingSide, late: boolean): void
}

/** After it could not be fetched. */
const restMs = 5000

export class Facing {
  readonly #options: FacingOptions
  readonly #waiting = new Set<(side: RingSide | undefined) => void>()
  #side: RingSide | undefined
  #opening = false
  #dueAt = 0
  #closed = false

  constructor(options: FacingOptions) {
    this.#options = options
  }

  get side(): RingSide | undefined {
    return this.#side
  }

  /** Begins, unless it has. */
  open(): void {
    if (this.#side !== undefined || this.#opening || this.#closed) return
    const opened = this.#options.open()
    if (!(opened instanceof Promise)) return this.#face(opened, false)
    this.#opening = true
    opened.then(
      (side) => this.#face(side, true),
      (error: unknown) => this.#failed(error),
    )
  }

  /** Tries again what failed a while ago. */
  tick(): void {
    if (this.#options.world.clock.elapsed() >= this.#dueAt) this.open()
  }

  /** What it answers; that there is nobody to ask, if it does not come in time. */
  async ask<A>(question: (side: RingSide) => Promise<A | Failure>): Promise<A | Failure> {
    const side = this.#side ?? (await this.#arrival())
    return side === undefined ? nobody : question(side)
  }

  /** Rejects with `unreachable` if it does not come in time. */
  async there(): Promise<RingSide> {
    const side = this.#side ?? (await this.#arrival())
    if (side === undefined) throw errorOfFailure(nobody)
    return side
  }

  close(): void {
    this.#closed = true
    this.#side?.close()
    for (const give of this.#waiting) give(undefined)
  }

  /** Undefined if it does not come in time. */
  #arrival(): Promise<RingSide | undefined> {
    this.open()
    if (this.#side !== undefined || this.#closed) return Promise.resolve(this.#side)
    const { clock, limits } = this.#options.world
    const { promise, resolve } = Promise.withResolvers<RingSide | undefined>()
    const cancel = clock.after(limits.requestMs, () => give(undefined))
    const give = (side: RingSide | undefined): void => {
      this.#waiting.delete(give)
      cancel()
      resolve(side)
    }
    this.#waiting.add(give)
    return promise
  }

  #face(side: RingSide, late: boolean): void {
    this.#opening = false
    if (this.#closed) return
    this.#side = side
    this.#options.faced(side, late)
    for (const give of this.#waiting) give(side)
  }

  #failed(error: unknown): void {
    const { clock, say } = this.#options.world
    this.#opening = false
    this.#dueAt = clock.elapsed() + restMs
    say({ type: 'task-failed', detail: `the side that faces the ring: ${String(error)}` })
    for (const give of this.#waiting) give(undefined)
  }
}
