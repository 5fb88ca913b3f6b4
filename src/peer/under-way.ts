/**
 * Writes that are coordinated here now, so that a copy of one joins it.
 *
 * A network may bring a request twice. When the second comes the first is done, and its note says so, or it was refused, and
 * that is remembered; but it may also be under way, and not here: a member whose disk is full has passed it on. The second
 * would be judged anew, by what the key holds by then, and *refused* be said of what is written elsewhere a moment later.
 */
import type { RequestName } from './refused-requests.ts'

export class UnderWay<T> {
  readonly #work = new Map<string, Promise<T>>()

  /** Begins the write, or waits for the one that is it. `direct`: one that is passed on to nobody is another. */
  join(name: RequestName, direct: boolean, begin: () => Promise<T>): Promise<T> {
    const known = this.#work.get(`${direct} ${name}`)
    if (known !== undefined) return known
    const work = begin().finally(() => this.#work.delete(`${direct} ${name}`))
    this.#work.set(`${direct} ${name}`, work)
    return work
  }
}
