/**
 * The decisions that a change of the ring rests on, replaceable one by one like the other rules: a model of the whole and
 * the simulation break one at a time, and show that acknowledged writes are then missed.
 *
 * The first design let a member take up another change once its own was withdrawn, and left it to any durable member to
 * withdraw. That is a race: one peer counts a quorum of adoptions and goes on by the new ring while another, who has given
 * the change up, counts a write by the old one. So votes are final. A change is completed by q owners of every partition
 * who have *confirmed* it, withdrawn by so many owners of some partition who have *rejected* it that no q are left there,
 * and nobody does both. Whoever writes by both rings goes on to do so until one of the two has come about.
 */
import type { Ballot } from './statement.ts'
import type { PeerId } from './view.ts'

export type Fate = 'open' | 'completed' | 'withdrawn'

export const changingRules = {
  /** How many of a partition's owners must confirm a change: two of as many always have a member in common. */
  confirmsNeeded: (n: number, owners: number): number => Math.min(Math.floor(n / 2) + 1, owners),

  /** How many of a partition's owners must reject a change until so many are left no more. */
  rejectsNeeded: (n: number, owners: number): number =>
    owners - Math.min(Math.floor(n / 2) + 1, owners) + 1,

  /** Whether a change may be confirmed: everybody holds what it is to own. */
  mayConfirm: (allFilled: boolean): boolean => allFilled,

  /** Whether a vote may still become a rejection. */
  mayReject: (ballot: Ballot): boolean => ballot === 'open',

  /**
   * Whether a change that was taken up may be let go of, for the ring as it was or for another change. One that is
   * completed never: until its roster stands, both rings do. Nor one that this peer alone has rejected.
   */
  isReleased: (fate: Fate, _own: Ballot): boolean => fate === 'withdrawn',

  /** Whether what a peer says of a store is said of the one that it has. */
  isFilled: (filled: string | undefined, generation: string): boolean => filled === generation,

  /**
   * Who must hold all that a partition's owners hold before the ring goes over: those who were no owners. Where the list gets
   * shorter all of them: who goes may be the only one left that holds a write, if another has lost its disk.
   */
  fills: (now: readonly PeerId[], next: readonly PeerId[]): readonly PeerId[] =>
    next.length < now.length ? next : next.filter((peer) => !now.includes(peer)),

  /**
   * How many ready owners must have told what they hold, the one itself among them if it is one: one more than may have
   * missed what was acknowledged. Of a list that is shorter than a quorum nothing strict was acknowledged without all.
   */
  tellersNeeded: (n: number, owners: number): number => Math.max(1, owners - Math.floor(n / 2)),

  /** Whether what an owner tells fills another: it has taken up the same change, and misses nothing itself. */
  mayTell: (isJoint: boolean, isReady: boolean): boolean => isJoint && isReady,

  /** The rings in each of which a strict request needs its number: in both, for nobody knows by which others go already. */
  ringsCounted: (rings: readonly (readonly PeerId[])[], _what: 'put' | 'get'): typeof rings =>
    rings,

  /** Whether an owner may vote: of a store that has lost something nobody knows yet how it has voted. */
  mayVote: (isWhole: boolean): boolean => isWhole,

  /** Whether a store that has lost something asks first how it has voted on what is open: it may have, and has forgotten. */
  asksForVotes: (): boolean => true,

  /** Whether what is said and heard is durable before it is acted on: a vote that a crash takes back may be cast otherwise. */
  isDurableFirst: (): boolean => true,

  /** Whether a member that has given up its seat may go: not while it keeps anything that it owes. */
  mayGo: (owes: boolean): boolean => !owes,

  /** Whether a peer that comes anew lets go of what it owned: what was deleted and forgotten since would come back. */
  forgetsOwned: (wasRemoved: boolean): boolean => wasRemoved,

  /** Whether a member hands over what it holds and does not own: not once it was sent away, for it may be out of date. */
  handsOver: (isDismissed: boolean): boolean => !isDismissed,
}

export type ChangingRules = typeof changingRules
