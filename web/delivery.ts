/**
 * One abandoned slot, run as the peer that it is until it owes nothing, or somebody else should have it.
 */
import type { Storage } from '../src/ports.ts'
import { openIndexedDb } from './indexeddb.ts'
import { databaseOf, type Slot } from './slots.ts'

/** A peer that this tab runs beside its own. */
export interface Running {
  readonly pendingWrites: number
  /** Calls `changed` when that may have changed. */
  onTouch(changed: () => void): () => void
  close(): Promise<void>
}

export interface DeliveryOptions {
  /** The hash that names the ring. */
  readonly ring: string
  /** How long it may take. */
  readonly patienceMs: number
  /** Runs the peer whose store this is. */
  run(storage: Storage): Promise<Running>
  /** Whether this tab can still deliver anything. */
  mayGoOn(): boolean
}

export interface Delivery {
  /** What this tab may do has changed, perhaps. */
  reconsider(): void
  /** Rejects where the slot's store cannot be had. When it settles, nothing of the slot is open any more. */
  readonly outcome: Promise<Outcome>
}

/** `let go`: the tab that had it before wants it, another has taken it, or this one cannot deliver any more. */
export type Outcome = 'done' | 'let go' | 'too slow'

export function deliver(slot: Slot, options: DeliveryOptions): Delivery {
  const { promise: end, resolve } = Promise.withResolvers<Outcome>()
  let reconsider = (): void => {}
  const letGo = (): void => resolve('let go')
  const start = async (): Promise<Outcome> => {
    const storage = await openIndexedDb(databaseOf(options.ring, slot.number))
    try {
      const running = await options.run(storage)
      reconsider = () => {
        if (running.pendingWrites === 0) resolve('done')
        else if (!options.mayGoOn()) letGo()
      }
      const stop = running.onTouch(reconsider)
      const timer = setTimeout(() => resolve('too slow'), options.patienceMs)
      void slot.lost.then(letGo)
      void slot.wanted.then(letGo)
      reconsider()
      const outcome = await end
      clearTimeout(timer)
      stop()
      await running.close()
      slot.owes(running.pendingWrites > 0)
      return outcome
    } finally {
      await storage.close()
    }
  }
  return { reconsider: () => reconsider(), outcome: start().finally(slot.release) }
}
