/**
 * Buffered writes (paper §6.1): W members acknowledge from memory, and one of the N is asked to keep the write durably.
 *
 * What is lost with a power cut must not come back as something else. A peer that counts on under the epoch in its record
 * would mint a name again that the cut took from the record, and not from those who had seen it. So a buffered name is
 * minted under an epoch of a kind of its own, told by its number, which counts only as long as the process lives that took
 * it; and which epochs a process may take is on the disk before it takes the first.
 *
 * And what is buffered settles nothing. Whoever drops a copy, forgets a tombstone or says *everywhere* goes by what is
 * durable.
 */
import type { ActorId } from '../data/vector.ts'
import type { WriteDemands } from './demands.ts'
import type { PeerId } from './membership.ts'

/** `buffered` may be lost by a power cut, never torn. */
export type Durability = 'synced' | 'buffered'

/** An epoch above this names buffered writes; below it stands its place among all epochs of its store. */
const bufferedAbove = 10 ** 12

/** So many are set aside at once: a sync that thousands of keys share. */
export const epochsAside = 1024

/** How a replica is to keep what it is sent: `durable` is asked of one, which buffers it, and answers when it is synced. */
export type Keeping = 'synced' | 'buffered' | 'durable'

export const bufferingRules = {
  /** How a coordinator keeps a write at first. What asks for more than one durable copy is buffered nowhere. */
  durabilityOf: ({ buffered, strict, dw = 0 }: WriteDemands): Durability =>
    buffered === true && strict !== true && dw <= 1 ? 'buffered' : 'synced',

  /**
   * Whether the next write of a key may be named under its record's minter. `since`: the last epoch that an earlier
   * process may have handed out.
   */
  goesOn: (minter: ActorId, durability: Durability, since: number): boolean => {
    const epoch = epochOf(minter)
    return isOfBuffered(epoch) ? placeOf(epoch) > since : durability === 'synced'
  },

  /** How the step is made that sets epochs aside for buffered names. */
  setsAside: (): Durability => 'synced',

  /** Which of these keeps the write durably; `fraction` is drawn for each write, so that none has all the syncs. */
  durableOne: (candidates: readonly PeerId[], fraction: number): PeerId | undefined =>
    candidates[Math.floor(fraction * candidates.length)],

  /** Whether the durable write is asked of another, when who was asked has not made it. */
  passesOn: (): boolean => true,

  /** What a replica says of its copy. */
  saysSynced: (keeping: Keeping): boolean => keeping !== 'buffered',

  /** Whether the durable write is waited for. */
  waitsForDurable: (dw: number): boolean => dw > 0,

  /** How a debt is taken, and all else that somebody will rely on after he has let his own copy go. */
  settles: (): Durability => 'synced',

  /** Whether an owner syncs what it has before it says that it covers a write. */
  syncsToCover: (): boolean => true,

  /** Whether what was buffered so long ago is to be synced. */
  isDue: (ageMs: number, bufferedMs: number): boolean => ageMs >= bufferedMs,
}

export type BufferingRules = typeof bufferingRules

/** The epoch that names buffered writes and has this place among all epochs of its store. */
export function bufferedEpoch(place: number): number {
  return bufferedAbove + place
}

/** The place among the store's epochs of this one, whatever it names. */
export function placeOf(epoch: number): number {
  return epoch % bufferedAbove
}

function isOfBuffered(epoch: number): boolean {
  return epoch > bufferedAbove
}

function epochOf(actor: ActorId): number {
  return Number(actor.slice(actor.indexOf('.') + 1))
}
