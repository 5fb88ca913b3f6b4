/**
 * The requests that were refused for what they ask, or for want of room for it, the last few thousand of them.
 *
 * *Refused* says that a write is nowhere, and never will be. A copy of the request may still be on its way, and come when
 * there is room again: taken then, it would make a lie of the first answer. So it gets the same answer. A copy can only
 * come over the link that brought the first, which ends with the process: so memory is enough.
 */
import { type Bytes, toBinaryText } from '../data/bytes.ts'
import type { Key } from '../data/key.ts'
import { type Dot, showDot } from '../data/vector.ts'
import type { PeerId } from '../protocol/membership.ts'

export type RequestName = string & { readonly brand?: 'request' }

/** A crowd is a verdict on the write, want of room is none. */
export type WhyRefused = 'too-many-siblings' | 'too-many-hints'

/** A put's name is its number at its origin. */
export function nameOfPut(origin: PeerId, request: Bytes): RequestName {
  return `${origin} ${toBinaryText(request)}`
}

/**
 * A write that brings its own name may be sent again, should an earlier sending have arrived: this one is a request of
 * its own, or what was refused once could never be taken when there is room again.
 */
export function nameOfDelivery(key: Key, dot: Dot, attempt = 0): RequestName {
  return `${showDot(dot)} ${attempt} ${key.text}`
}

export class RefusedRequests {
  readonly #most: number
  readonly #names = new Map<RequestName, WhyRefused>()

  constructor(most: number) {
    this.#most = most
  }

  has(name: RequestName): boolean {
    return this.#names.has(name)
  }

  /** What it was refused for: a copy of it hears the same. */
  why(name: RequestName): WhyRefused | undefined {
    return this.#names.get(name)
  }

  /** The oldest is forgotten for it, if there are too many. */
  add(name: RequestName, why: WhyRefused): void {
    this.#names.set(name, why)
    if (this.#names.size <= this.#most) return
    for (const oldest of this.#names.keys()) {
      this.#names.delete(oldest)
      return
    }
  }
}
