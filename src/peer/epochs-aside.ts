/**
 * Epochs that are set aside for names that are buffered.
 *
 * A name that is minted in a buffered step may be gone from the disk with the next power cut, and so would be the counter
 * that its epoch was taken from, if that were written in the same step. So a thousand at a time are set aside by a step of
 * their own, which is synced, before the first of them is taken; and what a process has not used of them by its end no
 * other one will.
 */
import { bufferedEpoch } from '../protocol/buffering.ts'
import type { ActorId } from '../data/vector.ts'

export class EpochsAside {
  /** The place of the last epoch that an earlier process may have handed out. */
  readonly since: number
  readonly #generation: string
  #last = 0
  #upTo = 0

  constructor(generation: string, since: number) {
    this.#generation = generation
    this.since = since
  }

  /** So many behind this place are on the disk as taken. */
  set(before: number, count: number): void {
    this.#last = before
    this.#upTo = before + count
  }

  /** Throws `NoneAside` where none are left, or none of this generation. */
  take(generation: string): ActorId {
    if (this.#last >= this.#upTo || generation !== this.#generation) throw new NoneAside()
    return `${generation}.${bufferedEpoch(++this.#last)}`
  }
}

/** Epochs must be set aside first. */
export class NoneAside extends Error {
  constructor() {
    super('no epochs are set aside for buffered names')
    this.name = 'NoneAside'
  }
}
