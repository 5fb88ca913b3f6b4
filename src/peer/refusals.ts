/**
 * Writes that were refused for good after this device had acknowledged them, until somebody listens.
 *
 * A write of yesterday is delivered as soon as there is a network, which may be before the application has said that it
 * wants to hear of refusals. None of them gets lost on that account: they wait for the first listener.
 */
import { type Key, splitKey } from '../data/key.ts'
import type { RingletError } from '../protocol/errors.ts'
import { eachId } from '../protocol/receipt-id.ts'
import type { RefusedWrite } from './api.ts'

/** More than these have no listener to wait for; the receipts tell all the same. */
const mostWaiting = 1000

export class Refusals {
  #waiting: RefusedWrite[] = []
  #listener: ((refused: RefusedWrite) => void) | undefined

  tell(refused: RefusedWrite): void {
    if (this.#listener !== undefined) return this.#listener(refused)
    this.#waiting = [...this.#waiting, refused].slice(-mostWaiting)
  }

  /** Hears of those that wait, and of each from now on; the one listener there is. */
  listen(listener: (refused: RefusedWrite) => void): void {
    this.#listener = listener
    const waiting = this.#waiting
    this.#waiting = []
    for (const refused of waiting) listener(refused)
  }
}

/** Tells of each receipt that the refused write speaks for. */
export function tellRefused(
  refusals: Refusals,
  key: Key,
  ids: readonly string[],
  error: RingletError,
): void {
  const { bucket, path } = splitKey(key)
  for (const id of eachId(ids)) refusals.tell({ id, bucket, key: path, error })
}
