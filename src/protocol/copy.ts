/**
 * What an edge keeps of a key: a copy to show, and its own writes until the ring has them.
 *
 * The copy is a cache, replaced and never synced: the owners may have reaped what it still remembers. The writes are
 * the opposite, durable and owed, and stand on top of the copy until it covers them. The epoch and how far it has
 * counted stand apart from both and never fall, whatever becomes of the copy.
 */
import { apply, descends, emptyState, type ObjectState, type Value } from '../data/siblings.ts'
import {
  type ActorId,
  covers,
  type Dot,
  highest,
  includes,
  type Seen,
  withDot,
} from '../data/vector.ts'
import { boolean, type Codec, list, oneOf, optional, struct, text, varint } from './codec.ts'
import { actor, dot, seen, state, value } from './state.ts'

export type Stage = 'device' | 'quorum' | 'everywhere'

export const stages: readonly Stage[] = ['device', 'quorum', 'everywhere']

/** A write of this device. `ids` are its receipts: its own, and those of unsent writes that it superseded. */
export interface OwnWrite {
  readonly ids: readonly string[]
  readonly dot: Dot
  readonly context: Seen
  readonly value: Value
  readonly stage: Stage
  readonly acks: readonly string[]
  readonly hints: readonly { readonly holder: string; readonly owner: string }[]
}

export interface EdgeCopy {
  readonly copy: ObjectState
  readonly followed: boolean
  /** Under whom this device mints its next write of the key, and how many it has minted so. */
  readonly minter: ActorId | undefined
  readonly minted: number
  /** How many writes of the key this device has made in all: what `WriteId.count` goes on from. */
  readonly count: number
  readonly writes: readonly OwnWrite[]
}

export const noCopy: EdgeCopy = {
  copy: emptyState,
  followed: false,
  minter: undefined,
  minted: 0,
  count: 0,
  writes: [],
}

const ownWrite: Codec<OwnWrite> = struct({
  ids: list(text),
  dot,
  context: seen,
  value,
  stage: oneOf('device', 'quorum', 'everywhere'),
  acks: list(text),
  hints: list(struct({ holder: text, owner: text })),
})

export const edgeCopy: Codec<EdgeCopy> = struct({
  copy: state,
  followed: boolean,
  minter: optional(actor),
  minted: varint,
  count: varint,
  writes: list(ownWrite),
})

/** What this device shows: the copy, with its own writes on top. */
export function shown({ copy, writes }: EdgeCopy): ObjectState {
  return writes.reduce((object, own) => apply(object, own.dot, own.context, own.value), copy)
}

/** Adds a write, minted here. `unsent` says which earlier writes nobody can have seen yet. */
export function withWrite(
  held: EdgeCopy,
  minting: {
    readonly id: string
    readonly context: Seen
    readonly value: Value
    readonly generation: string
    readonly takeEpoch: () => ActorId
    readonly unsent: (own: OwnWrite) => boolean
  },
): EdgeCopy {
  const { id, context, value: written, generation } = minting
  const kept = mayGoOn(held, generation, context)
  const minter = kept ?? minting.takeEpoch()
  const minted = (kept === undefined ? 0 : held.minted) + 1
  // What nobody saw and the new write supersedes altogether is not sent: its receipts follow the new one.
  const superseded = held.writes.filter(
    (own) =>
      own.stage === 'device' &&
      minting.unsent(own) &&
      includes(context, withDot(own.context, own.dot)),
  )
  const own: OwnWrite = {
    ids: [id, ...superseded.flatMap(({ ids }) => ids)],
    dot: { actor: minter, counter: minted },
    context,
    value: written,
    stage: 'device',
    acks: [],
    hints: [],
  }
  const writes = [...held.writes.filter((each) => !superseded.includes(each)), own]
  return { ...held, minter, minted, count: held.count + 1, writes }
}

/** The same write under a fresh dot, its context covering the abandoned one. */
export function mintedAgain(held: EdgeCopy, abandoned: Dot, minter: ActorId): EdgeCopy {
  const writes = held.writes.map((own) =>
    own.dot.actor === abandoned.actor && own.dot.counter === abandoned.counter
      ? { ...own, dot: { actor: minter, counter: 1 }, context: withDot(own.context, abandoned) }
      : own,
  )
  return { ...held, minter, minted: 1, writes }
}

/** Replaces what stands of one write; undefined removes it. */
export function changeWrite(
  held: EdgeCopy,
  target: Dot,
  change: (own: OwnWrite) => OwnWrite | undefined,
): EdgeCopy {
  const writes = held.writes.flatMap((own) => {
    const same = own.dot.actor === target.actor && own.dot.counter === target.counter
    const next = same ? change(own) : own
    return next === undefined ? [] : [next]
  })
  return { ...held, writes }
}

/** The copy after an answer of R owners: replaced, also when it is less. Settled writes that it covers go. */
export function refreshed(held: EdgeCopy, answer: ObjectState): EdgeCopy {
  const writes = held.writes.filter(
    (own) => own.stage !== 'everywhere' || !covers(answer.seen, own.dot),
  )
  return { ...held, copy: answer, writes }
}

/** Whether a pushed state may replace the copy: else the owners must be asked. */
export function mayReplace(held: EdgeCopy, pushed: ObjectState): boolean {
  return descends(pushed, held.copy)
}

/** A minter goes on only within its generation, and only while nobody has seen more of it than it has minted. */
function mayGoOn(held: EdgeCopy, generation: string, context: Seen): ActorId | undefined {
  const { minter, minted, copy } = held
  if (minter === undefined || !minter.startsWith(`${generation}.`)) return undefined
  const elsewhere = Math.max(highest(context, minter), highest(copy.seen, minter))
  return elsewhere > minted ? undefined : minter
}
