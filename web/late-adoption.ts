/**
 * Adoption, whose code is fetched once there is somebody to deliver to: no page needs it to begin with.
 */
import type { Edge } from '../src/peer/edge.ts'
import { sayError } from '../src/peer/troubles.ts'
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
}

/** Until the returned function is called, which resolves once nothing of another slot is open here. */
export function adoptWhileLinked(options: LateAdoptionOptions): () => Promise<void> {
  const { ring, own, start } = options
  const { troubles } = own.edge.world
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
      failed: (slot, error) => troubles.note(`slot ${slot}`, cannotDeliver(error)),
      emptied: (slot) => troubles.over(`slot ${slot}`),
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
      await edge.close()
      await transport.close()
    },
  }
}

function cannotDeliver(error: unknown): string {
  const why = error instanceof RingletError ? sayError(error) : String(error)
  return `What a closed tab had saved is not delivered yet: ${why}`
}
