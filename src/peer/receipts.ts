/**
 * The receipts that a device has given out, found again by their ids.
 *
 * A receipt of a write that is under way is needed to tell whoever waits. One that has nothing more to tell is kept for
 * a while only, so that a page can still ask for it by its id.
 */
import type { Key } from '../data/key.ts'
import { nothingSeen, withDot } from '../data/vector.ts'
import { contextToText } from '../protocol/context.ts'
import type { OwnWrite } from '../protocol/copy.ts'
import { type ErrorCode, RingletError } from '../protocol/errors.ts'
import type { Fate } from '../protocol/fate.ts'
import type { Refusal } from '../protocol/past.ts'
import { eachId } from '../protocol/receipt-id.ts'
import { LiveReceipt, tooManyAwaited } from './receipt.ts'

const keptFinished = 1000

export class Receipts {
  readonly #underWay = new Map<string, LiveReceipt>()
  readonly #finished = new Map<string, LiveReceipt>()
  /** Why nothing will be told any more. */
  #ended: RingletError | undefined

  get(id: string): LiveReceipt | undefined {
    return this.#underWay.get(id) ?? this.#finished.get(id)
  }

  open(id: string, context: string): LiveReceipt {
    const receipt = new LiveReceipt(id, context, 'device')
    this.#underWay.set(id, receipt)
    // A write may become durable while its peer closes.
    if (this.#ended !== undefined) receipt.fail(this.#ended)
    return receipt
  }

  /** Keeps a receipt that nothing here will tell of more. */
  keep(receipt: LiveReceipt): void {
    this.#underWay.delete(receipt.id)
    this.#finished.set(receipt.id, receipt)
    if (this.#finished.size <= keptFinished) return
    const [oldest] = this.#finished.keys()
    this.#finished.delete(oldest!)
  }

  /** A receipt from before this session, as far as its key's entry knows. */
  restore(key: Key, id: string, fate: Fate): LiveReceipt {
    if (fate.kind === 'everywhere') {
      return this.#finish(new LiveReceipt(id, contextToText(key, fate.seen), 'everywhere'))
    }
    if (fate.kind === 'refused') {
      const refused = new LiveReceipt(id, contextToText(key, nothingSeen), 'device')
      refused.fail(errorOfPast(fate.refusal))
      return this.#finish(refused)
    }
    const { own } = fate
    const receipt = this.open(id, contextToText(key, withDot(own.context, own.dot)))
    this.#tell(receipt, own)
    return receipt
  }

  /** Tells the receipts of a write how far it got. */
  advance(own: OwnWrite & { readonly buffered?: readonly string[] | undefined }): void {
    for (const receipt of this.#of(own.ids)) this.#tell(receipt, own)
  }

  refuse({ ids }: OwnWrite, error: RingletError): void {
    for (const receipt of this.#of(ids)) {
      receipt.fail(error)
      this.keep(receipt)
    }
  }

  /** Too many are under way: how far these get is looked for no more. */
  forget(ids: readonly string[]): void {
    for (const receipt of this.#of(ids)) {
      receipt.fail(tooManyAwaited(this.#underWay.size))
      this.keep(receipt)
    }
  }

  /** The write has another dot now: its own receipt names it, so that the next write supersedes it. */
  renew({ ids: [own] }: OwnWrite, context: string): void {
    const receipt = own === undefined ? undefined : this.get(own)
    receipt?.advance({ stage: 'device', context })
  }

  /** Nothing more will be told: whoever still waits hears why. */
  end(error: RingletError): void {
    this.#ended = error
    for (const receipt of this.#underWay.values()) receipt.fail(error)
  }

  #tell(receipt: LiveReceipt, own: Parameters<Receipts['advance']>[0]): void {
    const { stage, acks, buffered, hints } = own
    receipt.advance({ stage, acks, buffered, hints })
    if (stage === 'everywhere') this.keep(receipt)
  }

  #finish(receipt: LiveReceipt): LiveReceipt {
    this.keep(receipt)
    return receipt
  }

  #of(ids: readonly string[]): LiveReceipt[] {
    return [...eachId(ids)].flatMap((id) => this.#underWay.get(id) ?? [])
  }
}

/** A refusal as it was heard, perhaps in an earlier session. */
export function errorOfPast({ code, message, remedy }: Refusal): RingletError {
  return new RingletError(code as ErrorCode, message, remedy === undefined ? {} : { remedy })
}
