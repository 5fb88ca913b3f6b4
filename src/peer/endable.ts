/**
 * A transport whose questions can be ended before their time.
 *
 * A peer that closes waits for what it has under way, so that nothing of it meets a store that is gone. But much of
 * that waits in turn for a member that is silent, a second or two, and a page that is left does not have them. Whoever
 * asked can live without the answer: what it asked about is in the store, and is asked about again at the next start.
 */
import type { Bytes } from '../data/bytes.ts'
import { TransportError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { RequestOptions } from '../ports.ts'
import { TransportAround } from './around.ts'

export class EndableTransport extends TransportAround {
  /** What is still waited for, and how to end it. */
  readonly #waiting = new Set<(error: TransportError) => void>()
  #ended = false

  override request(to: PeerId, body: Bytes, options: RequestOptions): Promise<Bytes> {
    return this.#unlessEnded(() => super.request(to, body, options))
  }

  override dial(address: string): Promise<PeerId> {
    return this.#unlessEnded(() => super.dial(address))
  }

  /** Whatever waits for an answer or a link hears that this peer is closed, and so does whoever asks from now on. */
  end(): void {
    this.#ended = true
    for (const giveUp of this.#waiting) giveUp(new TransportError('closed', true))
    this.#waiting.clear()
  }

  #unlessEnded<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#ended) return Promise.reject(new TransportError('closed', false))
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject)
      const over = (): unknown => this.#waiting.delete(reject)
      ask().then(resolve, reject).finally(over)
    })
  }
}
