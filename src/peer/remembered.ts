/**
 * The members as a store remembers them: a peer that is started again knows them before it has met anybody.
 */
import type { Bytes } from '../data/bytes.ts'
import { decode } from '../protocol/codec.ts'
import type { Say } from '../protocol/event.ts'
import { makeView, type RingIdentity, signedRecords, type View } from '../protocol/membership.ts'

/** How the table is stored. */
export const storedTable = signedRecords

/** A table that cannot be read is none: the bootstrap addresses lead back to everybody. */
export function rememberedView(ring: RingIdentity, stored: Bytes | undefined, say: Say): View {
  try {
    return makeView(ring, stored === undefined ? [] : decode(storedTable, stored))
  } catch (error) {
    say({ type: 'quarantined', detail: `the membership table: ${(error as Error).message}` })
    return makeView(ring, [])
  }
}
