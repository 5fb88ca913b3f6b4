/**
 * What a transport hands to its receiver. A peer links before it serves, so what comes too early waits, in order; and a
 * defect of the receiver is reported and stays its own: it must not take a link down, or the process.
 */
import type { Bytes } from '../data/bytes.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Receiver } from '../ports.ts'

export class Reception implements Receiver {
  readonly #noticesThatWait: number
  readonly #onProblem: (problem: string) => void
  #receiver: Receiver | undefined
  #early: ((receiver: Receiver) => void)[] = []

  constructor(noticesThatWait: number, onProblem: (problem: string) => void) {
    this.#noticesThatWait = noticesThatWait
    this.#onProblem = onProblem
  }

  serve(receiver: Receiver): void {
    this.#receiver = receiver
    const early = this.#early
    this.#early = []
    for (const news of early) this.#tell(news)
  }

  refuses(from: PeerId, body: Bytes): boolean {
    return this.#receiver?.refuses?.(from, body) ?? false
  }

  request(from: PeerId, body: Bytes): Promise<Bytes> {
    const receiver = this.#receiver
    if (receiver === undefined) {
      return new Promise((resolve, reject) => {
        this.#early.push((late) => void late.request(from, body).then(resolve, reject))
      })
    }
    try {
      return receiver.request(from, body)
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  notice(from: PeerId, body: Bytes): void {
    const isTooMany = this.#receiver === undefined && this.#early.length >= this.#noticesThatWait
    if (!isTooMany) this.#tell((receiver) => receiver.notice(from, body))
  }

  up(peer: PeerId, session: number): void {
    this.#tell((receiver) => receiver.up(peer, session))
  }

  down(peer: PeerId, session: number): void {
    this.#tell((receiver) => receiver.down(peer, session))
  }

  #tell(news: (receiver: Receiver) => void): void {
    const receiver = this.#receiver
    if (receiver === undefined) return void this.#early.push(news)
    try {
      news(receiver)
    } catch (error) {
      this.#onProblem(`the receiver failed: ${String(error)}`)
    }
  }
}
