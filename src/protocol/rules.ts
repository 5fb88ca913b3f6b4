/**
 * The decisions that the promises rest on, each a pure function, in one object: what a peer does about any of them
 * is said here and nowhere else, so that the simulation can break one at a time and show that its checker notices.
 */
import { equalBytes, utf8 } from '../data/bytes.ts'
import { type Digest, digestOf } from '../data/hash.ts'
import { apply, type ObjectState, sync, type Value } from '../data/siblings.ts'
import { type ActorId, type Dot, highest, type Seen } from '../data/vector.ts'
import { deviceRules } from './device-rules.ts'
import { isGenuine } from './genuine.ts'
import type { MemberRecord, PeerId, Readiness, RingIdentity, SignedRecord } from './membership.ts'
import { type Coverage, isEverywhere } from './reconcile.ts'
import type { StoredObject } from './record.ts'

export const rules = {
  ...deviceRules,

  /** What a replica holds after a state arrived: by replication, handoff, repair or exchange. */
  merge: (held: ObjectState, arrived: ObjectState): ObjectState => sync(held, arrived),

  /** What a replica holds after a write: whoever minted it, and however often it comes. */
  apply: (held: ObjectState, dot: Dot, context: Seen, value: Value): ObjectState =>
    apply(held, dot, context, value),

  /**
   * Under whom this store mints the key's next write; undefined asks for a fresh epoch. Only what stands in the
   * store's own record of the key counts, never what was learnt from the wire; and neither does a record of a
   * generation that is not the store's, nor one that a context shows to be behind (an older disk image).
   */
  minterOf: (object: StoredObject, generation: string, context: Seen): ActorId | undefined => {
    const { minter, state } = object
    if (minter === undefined || !minter.startsWith(`${generation}.`)) return undefined
    return highest(context, minter) > highest(state.seen, minter) ? undefined : minter
  },

  /** Whether an epoch that this store hands out is new to the key: a store that was set back hands out old ones. */
  isFresh: (epoch: ActorId, held: ObjectState, context: Seen): boolean =>
    highest(context, epoch) === 0 && highest(held.seen, epoch) === 0,

  /** The minter that stays after a state or a context arrived: one that is ahead there of this store is abandoned. */
  minterAfter: (object: StoredObject, arrived: Seen): ActorId | undefined => {
    const { minter, state } = object
    if (minter === undefined) return undefined
    return highest(arrived, minter) > highest(state.seen, minter) ? undefined : minter
  },

  /** Whether an answer shows that another disk has seen more of this actor than its minter ever minted. */
  mintedBehind: (minted: Dot, highestElsewhere: number): boolean =>
    highestElsewhere > minted.counter,

  /** Whether a write is refused whose request was refused before: a copy of that may come when there is room again. */
  isRefusedAgain: (refusedBefore: boolean): boolean => refusedBefore,

  /** What counts as one vote: two replicas on one host die together. */
  voteOf: (peer: PeerId, host: string): { peer: PeerId; host: string } => ({ peer, host }),

  /** How many hosts must have a write durably before it is acknowledged. */
  votesNeeded: (w: number): number => w,

  /** Whom this peer owes a key that it does not own: all present owners. */
  debtOf: (self: PeerId, owners: readonly PeerId[]): readonly PeerId[] =>
    owners.includes(self) ? [] : [...owners].sort(),

  /** What is still owed after one delivery: an answer counts only when the target has it durably. */
  debtAfter: (owed: readonly PeerId[], target: PeerId, taken: boolean): readonly PeerId[] =>
    taken ? owed.filter((peer) => peer !== target) : owed,

  /** Whether what was delivered is still what is held: else the debt stands. */
  isUnmoved: (held: Digest, delivered: Digest): boolean => equalBytes(held, delivered),

  /** Whether what is owed was derived from this view: of any other, all debts are looked at anew. */
  isDerived: (from: string, view: string): boolean => from === view,

  /** Whether a record that is kept for others may grow so: one that does not grow always may. */
  hasRoom: (used: number, before: number, after: number, limit: number): boolean =>
    after <= before || used + after - before <= limit,

  /** How much is kept for others once a record that weighed so much weighs so much. */
  bytesAfter: (used: number, before: number, after: number): number => used + after - before,

  /** How much it is after a count, which began while so much was known of. */
  bytesCounted: (_known: number, counted: number): number => counted,

  /** Whether a write that this peer cannot take itself is passed on, to members that may have the room. */
  passesOn: (code: string): boolean => code === 'too-many-hints',

  /** Whether a refusal is the last word on an edge's write: not while an attempt at it may have arrived. */
  isFinal: (mayHaveArrived: boolean): boolean => !mayHaveArrived,

  /** Whether an answer says that all owners have a write. */
  isEverywhere: (answer: Coverage, present: readonly PeerId[]): boolean =>
    isEverywhere(answer, present),

  /** Whether two owners compare this partition. */
  compares: (_partition: number): boolean => true,

  /** Whether this exchange, counted from the first, reads and verifies what it compares. */
  isSalted: (exchange: number, every: number): boolean => exchange % every === 0,

  /** Whether a member's record is its subject's own word, for this ring. */
  isGenuine: (ring: RingIdentity, signed: SignedRecord): boolean => isGenuine(ring, signed),

  /** What two peers must see alike before one counts the other: a key's owners, their stores, and what these lost. */
  listsDigest: (owners: readonly MemberRecord[]): Digest => {
    const facts = owners.map(({ peer, generation, readiness, losses }) => {
      return `${peer} ${generation} ${readiness} ${losses}`
    })
    return digestOf(utf8(facts.sort().join()))
  },

  /** Whether an answer counts in a strict request: of an owner that is ready, and sees the same lists. */
  countsStrictly: (owner: Owner, { ready, agrees }: Standing): boolean =>
    owner.isOwner && owner.readiness === 'ready' && ready && agrees,

  /** Whether an owner's answer to a sloppy get counts although it says nothing: only if nothing is missing there. */
  countsEmpty: (owner: boolean, { ready }: Pick<Standing, 'ready'>): boolean => owner && ready,

  /** Whether an answer can say that there is no more: what a follower may replace its copy by. */
  isWhole: ({ owner, whole }: { readonly owner: boolean; readonly whole: boolean }): boolean =>
    owner && whole,

  /** What a store states of itself when it starts, or must speak above what the ring has heard of it. */
  readinessOf: (known: Readiness | undefined, isPast: boolean): Readiness =>
    isPast ? 'refilling' : (known ?? 'new'),

  /** Whether a member calls its store new though an earlier one is remembered here. */
  isFalselyNew: (known: MemberRecord | undefined, said: MemberRecord): boolean =>
    known !== undefined &&
    said.readiness === 'new' &&
    (known.generation !== said.generation || known.readiness !== 'new'),

  /** How many other owners must have told all they hold before a store that lost something counts again. */
  sourcesNeeded: (n: number): number => Math.min(n - Math.floor(n / 2), n - 1),

  /** Whether what this owner tells makes a store whole: one that lost something itself does not. */
  isSource: ({ readiness }: Pick<MemberRecord, 'readiness'>): boolean => readiness !== 'refilling',

  /** Whether an exchange for a store that lost something compares what stands in the records, and not their digests. */
  verifiesRefill: (): boolean => true,

  /** Whether the two sides of such an exchange see the lists alike. */
  vouches: (own: Digest, theirs: Digest): boolean => equalBytes(own, theirs),

  /** Whether this peer's word on a key counts for nothing strict: its record of it was found damaged. */
  isInDoubt: (wasDamaged: boolean): boolean => wasDamaged,

  /** Whether members that do not own a key may answer for its owners. */
  mayStandIn: (strict: boolean): boolean => !strict,
}

/** An owner as the asker's view has it. */
interface Owner {
  readonly isOwner: boolean
  readonly readiness: Readiness
}

/** What an answer says of its answerer. */
interface Standing {
  readonly ready: boolean
  readonly agrees: boolean
}

export type Rules = typeof rules
