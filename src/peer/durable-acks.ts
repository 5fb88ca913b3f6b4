/**
 * The acknowledgements that a power cut cannot take back.
 *
 * An owner that has acknowledged a write and holds nothing of its key afterwards has forgotten it with all others, unless
 * what it acknowledged was in a buffer: then it may have lost its power. A page need not load this to begin with.
 */
import type { Receipt } from './api.ts'

/** The members that have a write on their disks, as far as its receipt knows. */
export function durableAcks({ acks, buffered }: Pick<Receipt, 'acks' | 'buffered'>): string[] {
  return acks.filter((peer) => !buffered.includes(peer))
}
