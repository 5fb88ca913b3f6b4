/**
 * What an edge keeps of a key: a copy to show, and its own writes until the ring has them.
 *
 * The copy is a cache, replaced and never synced: the owners may have reaped what it still remembers. The writes are
 * the opposite, durable and owed, and stand on top of the copy until it covers them. The epoch and how far it has
 * counted stand apart from both and never fall, whatever becomes of the copy.
 */
import { type Bytes, Reader } from '../data/bytes.ts'
import {
  apply,
  descends,
  emptyState,
  type ObjectState,
  sameState,
  type Value,
} from '../data/siblings.ts'
import {
  type ActorId,
  covers,
  type Dot,
  highest,
  includes,
  sameDot,
  type Seen,
  withDot,
} from '../data/vector.ts'
import {
  added,
  boolean,
  type Codec,
  list,
  mapped,
  oneOf,
  optional,
  struct,
  text,
  varint,
} from './codec.ts'
import { joinDemands, type WriteDemands } from './demands.ts'
import type { RingletError } from './errors.ts'
import { noPast, type Past, past, withEpoch, withRefusal } from './past.ts'
import { asRuns, idOfDot } from './receipt-id.ts'
import { actor, dot, seen, skipState, state, value } from './state.ts'

export type Stage = 'device' | 'quorum' | 'everywhere'

export const stages: readonly Stage[] = ['device', 'quorum', 'everywhere']

/**
 * A write of this device. `ids` are its receipts: its own, and those of writes that it speaks for, as runs
 * (`receipt-id.ts`).
 */
export interface OwnWrite {
  readonly ids: readonly string[]
  readonly dot: Dot
  readonly context: Seen
  readonly value: Value
  readonly stage: Stage
  readonly acks: readonly string[]
  readonly hints: readonly { readonly holder: string; readonly owner: string }[]
  /** What it asks for, where that is not what the ring asks for anyway. */
  readonly demands?: WriteDemands | undefined
}

/** An epoch is taken for one key only: a write's first dot names it on this device, whatever dot it gets later. */
export function lastingName({ ids }: OwnWrite): string {
  return ids[0]!
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
  /** What is left to remember of writes that are not listed any more. */
  readonly past: Past
}

export const noCopy: EdgeCopy = {
  copy: emptyState,
  followed: false,
  minter: undefined,
  minted: 0,
  count: 0,
  writes: [],
  past: noPast,
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

const demands: Codec<WriteDemands> = struct({
  w: varint,
  pw: optional(varint),
  dw: optional(varint),
  strict: boolean,
})

/** `demands` stands behind all that earlier versions wrote: by the writes' places, and empty where none has any. */
const laidOut = struct({
  copy: state,
  followed: boolean,
  minter: optional(actor),
  minted: varint,
  count: varint,
  writes: list(ownWrite),
  past: added(past, noPast),
  demands: added(list(optional(demands)), []),
})

export const edgeCopy: Codec<EdgeCopy> = mapped(
  laidOut,
  (held: EdgeCopy) => {
    const isAny = held.writes.some((own) => own.demands !== undefined)
    return { ...held, demands: isAny ? held.writes.map((own) => own.demands) : [] }
  },
  ({ demands, writes, ...held }) => ({
    ...held,
    writes: writes.map((own, i) =>
      demands[i] === undefined ? own : { ...own, demands: demands[i] },
    ),
  }),
)

/** What must be known of every entry at a start, when there may be thousands. */
export interface Gist {
  readonly followed: boolean
  /** Whether it has writes that are not everywhere yet. */
  readonly unsettled: boolean
  readonly minter: ActorId | undefined
  /** How many writes of the key this device has made. */
  readonly count: number
}

/** Reads past the copy, whose values are neither decoded nor checked: that can wait until somebody looks at it. */
export function gistOf(stored: Bytes): Gist {
  const reader = new Reader(stored)
  skipState(reader)
  const followed = boolean.read(reader)
  const minter = optional(actor).read(reader)
  varint.read(reader)
  const count = varint.read(reader)
  return { followed, unsettled: varint.read(reader) > 0, minter, count }
}

/** What this device shows: the copy, with its own writes on top. */
export function shown({ copy, writes }: EdgeCopy): ObjectState {
  return writes.reduce((object, own) => apply(object, own.dot, own.context, own.value), copy)
}

/** Adds a write, minted here. `unsent` says which earlier writes nobody can have seen yet. */
export function withWrite(
  held: EdgeCopy,
  minting: {
    readonly context: Seen
    readonly value: Value
    readonly demands?: WriteDemands | undefined
    /** W, where a write does not say what it asks for. */
    readonly w?: number
    readonly generation: string
    readonly takeEpoch: () => ActorId
    readonly unsent: (own: OwnWrite) => boolean
  },
): EdgeCopy {
  const { context, value: written, generation, unsent } = minting
  const goesOn = mayGoOn(held, generation, context)
  const before = goesOn ? held : mintedAgain(held, minting.takeEpoch(), unsent)
  const dot = { actor: before.minter!, counter: before.minted + 1 }
  // What nobody saw and the new write supersedes altogether is not sent: its receipts follow the new one.
  const superseded = before.writes.filter(
    (own) =>
      own.stage === 'device' && unsent(own) && includes(context, withDot(own.context, own.dot)),
  )
  const own: OwnWrite = {
    ids: [idOfDot(dot), ...runsOf(superseded)],
    dot,
    context,
    value: written,
    stage: 'device',
    acks: [],
    hints: [],
    // It speaks for these, and owes what they were promised.
    demands: joinDemands(
      [minting.demands, ...superseded.map((each) => each.demands)],
      minting.w ?? 1,
    ),
  }
  const writes = [...before.writes.filter((each) => !superseded.includes(each)), own]
  return { ...before, minted: dot.counter, count: held.count + 1, writes }
}

/**
 * The minter's epoch is abandoned for a fresh one: all that still waits under it is minted again, or the owners, who
 * saw other writes under those dots, would take it and show it to nobody. Each context covers the dot that the write
 * was sent under, and goes on covering what it covered, under the new names.
 */
export function mintedAgain(
  held: EdgeCopy,
  fresh: ActorId,
  unsent: (own: OwnWrite) => boolean,
): EdgeCopy {
  const renamed: { readonly from: Dot; readonly to: Dot }[] = []
  const writes = held.writes.map((own) => {
    if (own.stage !== 'device' || own.dot.actor !== held.minter) return own
    const to = { actor: fresh, counter: renamed.length + 1 }
    let context = unsent(own) ? own.context : withDot(own.context, own.dot)
    for (const earlier of renamed) {
      if (covers(own.context, earlier.from)) context = withDot(context, earlier.to)
    }
    renamed.push({ from: own.dot, to })
    return { ...own, dot: to, context }
  })
  const left = withEpoch(held.past, held.minter, held.minted)
  return { ...held, minter: fresh, minted: renamed.length, writes, past: left }
}

/** Without a write that was refused for good, whose dot stays a gap: the next one takes a fresh epoch. */
export function withoutRefused(held: EdgeCopy, refused: Dot, error: RingletError): EdgeCopy {
  const own = held.writes.find(({ dot }) => sameDot(dot, refused))
  if (own === undefined) return held
  const rest = changeWrite(held, refused, () => undefined)
  const after = withRefusal(held.past, own.ids, error)
  if (held.minter !== refused.actor) return { ...rest, past: after }
  const left = withEpoch(after, held.minter, held.minted)
  return { ...rest, minter: undefined, minted: 0, past: left }
}

/** A write speaks for so many runs of ids at most. */
const keptRuns = 256

/** The ids of these writes, the latest first; with too many runs the earliest are forgotten. */
function runsOf(spokenFor: readonly OwnWrite[]): string[] {
  return asRuns(
    spokenFor.toReversed().flatMap(({ ids }) => ids),
    keptRuns,
  )
}

/**
 * A quorum has this write. From now on it speaks for earlier ones of that stage which it supersedes: owners that cover
 * it cover them, and while an owner is away for days there is one write to ask about and not a thousand.
 */
export function withQuorum(
  held: EdgeCopy,
  target: Dot,
  { acks, hints }: Pick<OwnWrite, 'acks' | 'hints'>,
): EdgeCopy {
  const own = held.writes.find(({ dot }) => sameDot(dot, target))
  if (own === undefined) return held
  const spokenFor = held.writes.filter(
    (each) => each.stage === 'quorum' && includes(own.context, withDot(each.context, each.dot)),
  )
  const [first] = own.ids
  const earlier = { ...own, ids: own.ids.slice(1) }
  const ids = [first!, ...runsOf([...spokenFor, earlier])]
  const rest = { ...held, writes: held.writes.filter((each) => !spokenFor.includes(each)) }
  return changeWrite(rest, target, () => ({ ...own, ids, stage: 'quorum', acks, hints }))
}

/** Replaces what stands of one write; undefined removes it. */
export function changeWrite(
  held: EdgeCopy,
  target: Dot,
  change: (own: OwnWrite) => OwnWrite | undefined,
): EdgeCopy {
  const writes = held.writes.flatMap((own) => {
    const next = sameDot(own.dot, target) ? change(own) : own
    return next === undefined ? [] : [next]
  })
  return { ...held, writes }
}

/**
 * The copy after an answer of R owners: replaced, also when it is less. Settled writes that it covers go; and where the
 * owners were asked after these had settled (`isAfter`), those of whose actor it knows nothing any more: the key was
 * deleted and forgotten, or its vector shortened, for they were superseded. Returns `held` itself where nothing changes.
 */
export function refreshed(held: EdgeCopy, answer: ObjectState, isAfter = false): EdgeCopy {
  const { seen } = answer
  const writes = held.writes.filter(({ stage, dot }) => {
    const isLetGo = isAfter && !seen.has(dot.actor)
    return stage !== 'everywhere' || !(isLetGo || covers(seen, dot))
  })
  const same = writes.length === held.writes.length && sameState(held.copy, answer)
  return same ? held : { ...held, copy: answer, writes }
}

/**
 * What is worth keeping. Of a key that is not followed the copy goes with the last write; the epoch and the counts
 * stay, or a dot or a write's identity could be used twice.
 */
export function trimmed(held: EdgeCopy): EdgeCopy {
  if (held.followed) return held
  const writes = held.writes.filter(({ stage }) => stage !== 'everywhere')
  const copy = writes.length === 0 ? emptyState : held.copy
  const same = writes.length === held.writes.length && sameState(copy, held.copy)
  return same ? held : { ...held, copy, writes }
}

/** Whether there is nothing to keep: nothing was ever written here, and nothing is shown. */
export function isBlank({ followed, writes, minter, count }: EdgeCopy): boolean {
  return !followed && writes.length === 0 && minter === undefined && count === 0
}

/** Whether a pushed state may replace the copy: else the owners must be asked. */
export function mayReplace(held: EdgeCopy, pushed: ObjectState): boolean {
  return descends(pushed, held.copy)
}

/** A minter goes on only within its generation, and only while nobody has seen more of it than it has minted. */
function mayGoOn(held: EdgeCopy, generation: string, context: Seen): boolean {
  const { minter, minted, copy } = held
  if (minter === undefined || !minter.startsWith(`${generation}.`)) return false
  return Math.max(highest(context, minter), highest(copy.seen, minter)) <= minted
}
