/**
 * Adoption, whose code is fetched once there is somebody to deliver to: no page needs it to begin with.
 */
import type { Edge } from '../src/peer/edge.ts'
import { RingletError } from '../src/protocol/errors.ts'
import type { Storage, Transport } from '../src/ports.ts'
import type { Adoption } from './adoption.ts'
import type { Running } from './delivery.ts'

/** The edge that a store belongs to, and its links. */
export interface Started {
  readonly edge: Edge
  readonly transport: Transport
}

export interface LateAdoptionOptions {
  readonly ring: string
  /** This tab's own. */
  readonly own: Started
  /** Starts the edge of another slot, which this tab runs beside its own. */
  start(storage: Storage): Promise<Started>
  /** Tells the user what could not be delivered. */
  warn(warning: string): void
}

/** Until the returned function is called, which resolves once nothing of another slot is open here. */
export function adoptWhileLinked(options: LateAdoptionOptions): () => Promise<void> {
  const { ring, own, start, warn } = options
  let isOver = false
  let adoption: Promise<Adoption> | undefined
  /** A gate that is closed has cut all links. */
  const mayDeliver = (): boolean =>
    !isOver && own.edge.activity === 'awake' && own.transport.links().length > 0
  const load = async (): Promise<Adoption> => {
    const { startAdoption } = await import('./adoption.ts')
    return startAdoption({
      ring,
      mayDeliver,
      run: async (storage) => runningOf(await start(storage)),
      failed: (error) => warn(cannotDeliver(error)),
    })
  }
  const stop = own.edge.copies.onTouch(() => {
    if (adoption === undefined && mayDeliver()) adoption = load()
    adoption?.then(
      (adopting) => adopting.reconsider(),
      // What did not come is asked for again at the next occasion.
      () => (adoption = undefined),
    )
  })
  return async () => {
    isOver = true
    stop()
    const adopting = await adoption?.catch(() => undefined)
    await adopting?.close()
  }
}

function runningOf({ edge, transport }: Started): Running {
  return {
    get pendingWrites() {
      return edge.pendingWrites
    },
    onTouch: (changed) => edge.copies.onTouch(changed),
    async close() {
      // What is on its way then fails at once, and is delivered again by whoever comes next.
      transport.setGate(false)
      await edge.close()
      await transport.close()
    },
  }
}

function cannotDeliver(error: unknown): string {
  const remedy = error instanceof RingletError ? (error.remedy ?? '') : ''
  const why = error instanceof Error ? error.message : String(error)
  return `What a tab that was closed had saved cannot be delivered. ${why} ${remedy}`.trim()
}
