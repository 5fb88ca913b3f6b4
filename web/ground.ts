/**
 * What a tab stands on: a slot and its database, or nothing that lasts.
 *
 * The slot comes first, so that no other tab is this identity; then its database, which is taken by a committed write
 * before anything is read: what the slot's last tab still had under way has landed by then. Where the origin gives no
 * locks or no database, the tab is a stranger that forgets everything, and its status says so.
 */
import { StorageError } from '../src/protocol/errors.ts'
import type { Storage } from '../src/ports.ts'
import { openIndexedDb } from './indexeddb.ts'
import { databaseOf, type Slot, takeSlot } from './slots.ts'

export interface Ground {
  readonly storage: Storage
  readonly slot: Slot | undefined
  /** What the user should know. */
  readonly warnings: readonly string[]
  /** Leaves the store and then the slot to whoever comes next. */
  close(): Promise<void>
}

/** Rejects with `StorageError` where there is a database, but it cannot be had. */
export async function takeGround(ring: string): Promise<Ground> {
  const slot = typeof indexedDB === 'undefined' ? undefined : await takeSlot(ring)
  if (slot === undefined) return stranger()
  try {
    const storage = await openIndexedDb(databaseOf(ring, slot.number))
    const close = (): Promise<void> => storage.close().finally(slot.release)
    return { storage, slot, warnings: [], close }
  } catch (error) {
    slot.release()
    if (isForbidden(error)) return stranger()
    throw error
  }
}

/** Few are, so its store is fetched only for them. */
async function stranger(): Promise<Ground> {
  const { openMemory } = await import('../src/adapters/memory.ts')
  const storage = openMemory()
  return { storage, slot: undefined, warnings: [forgetful], close: () => storage.close() }
}

const forgetful =
  'This page gets no storage of its own here (it needs https or localhost, and a browser that lets ' +
  'sites store data): what is written is lost with the tab unless it has reached the ring.'

export const mayBeCleared = 'The browser may clear what this page stores when space runs short.'

/**
 * Whether the browser lets this page have no database at all, as some do in private windows: there is nothing stored that
 * one could fail to see. Any other trouble may hide what an earlier tab has left.
 */
function isForbidden(error: unknown): boolean {
  if (!(error instanceof StorageError) || !(error.cause instanceof DOMException)) return false
  return ['SecurityError', 'InvalidStateError', 'NotAllowedError'].includes(error.cause.name)
}

/** Whether the browser promises to keep what this origin stores until its user says otherwise. */
export async function askToStay(): Promise<boolean> {
  return (await navigator.storage?.persist?.().catch(() => false)) === true
}
