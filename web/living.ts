/**
 * What a tab does besides reading and writing: it notes its debts, follows the page's sleep and waking, delivers for tabs
 * that were closed, and ends when its slot is another's.
 */
import type { Edge } from '../src/peer/edge.ts'
import { sayError } from '../src/peer/troubles.ts'
import { RingletError } from '../src/protocol/errors.ts'
import type { Storage } from '../src/ports.ts'
import { askToStay, type Ground, mayBeCleared } from './ground.ts'
import { takenError } from './indexeddb-errors.ts'
import { adoptWhileLinked, type Started } from './late-adoption.ts'
import { followLifecycle } from './lifecycle.ts'
import type { OwnKeys } from './own-keys.ts'
import { databaseOf, noteSleep, type Slot } from './slots.ts'

export interface LifeOptions {
  /** The hash that names the ring. */
  readonly ring: string
  readonly ground: Ground
  readonly own: Started
  readonly keys: OwnKeys
  /** Starts the edge of another slot, which this tab runs beside its own. */
  start(storage: Storage): Promise<Started>
}

/** Until the returned function is called, which closes the links and gives back what the tab stands on. */
export function live(options: LifeOptions): () => Promise<void> {
  const { ring, ground, own, keys, start } = options
  const { storage, slot } = ground
  const { edge, transport } = own
  const { troubles } = edge.world
  const ending = new AbortController()
  let stopAdopting = async (): Promise<void> => {}
  const end = once(async () => {
    ending.abort()
    await stopAdopting()
    await transport.close()
    await ground.close()
  })
  const lose = async (error: RingletError): Promise<void> => {
    if (ending.signal.aborted) return
    ending.abort()
    // Two peers of one identity would take each other's links away.
    transport.setGate(false)
    keys.lose(error)
    troubles.note('slot', sayError(error))
    await edge.close()
    await end()
  }
  if (slot !== undefined) {
    noteDebts(edge, slot)
    void slot.lost.then(() => lose(takenError(databaseOf(ring, slot.number))))
    stopAdopting = adoptWhileLinked({ ring, own, start })
    // Not waited for: some browsers ask the user.
    void askToStay().then((stays) => stays || troubles.note('storage', mayBeCleared))
  }
  const isItself = async (): Promise<boolean> => {
    const error = await storage.get(anyKey).then(() => undefined, asTaken)
    if (error !== undefined) await lose(error)
    return error === undefined
  }
  const sleep = (): void => {
    noteSleep(true)
    edge.sleep()
  }
  const wake = (): void => {
    noteSleep(false)
    edge.wake()
  }
  followLifecycle({ sleep, wake, isItself }, ending.signal)
  return end
}

/** Every reading finds out whether the store is still ours. */
const anyKey = new Uint8Array(1)

function asTaken(error: unknown): RingletError | undefined {
  return error instanceof RingletError && error.code === 'slot-taken' ? error : undefined
}

/** A slot that still owes something is the first to be taken again. */
function noteDebts(edge: Edge, slot: Slot): void {
  let noted: boolean | undefined
  const note = (): void => {
    const owes = edge.pendingWrites > 0
    if (owes !== noted) slot.owes(owes)
    noted = owes
  }
  note()
  edge.copies.onTouch(note)
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= act())
}
