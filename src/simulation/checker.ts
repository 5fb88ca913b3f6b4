/**
 * The promises, each as a function from what happened to what broke.
 *
 * Nothing here trusts a version vector: what a write had seen is known from the history, by the names of the writes
 * that its writer's reads returned. The final states are read off the disks, not asked of the peers.
 */
import { equalBytes } from '../data/bytes.ts'
import type { ObjectState } from '../data/siblings.ts'
import type { History, Operation } from './history.ts'
import type { Violation } from './violation.ts'
import type { Witness } from './witness.ts'

/** Who holds what of one key, read off the disks. */
export interface Holding {
  /** The short name of the peer. */
  readonly peer: string
  readonly host: string
  readonly owner: boolean
  /** Whether there is a record of the key at all. */
  readonly present: boolean
  /** Its check fails: it cannot be read. */
  readonly damaged: boolean
  readonly state: ObjectState
  readonly digest: Uint8Array
  /** The owners that it notes as lacking this. */
  readonly owes: readonly string[]
}

/** The tombstones of a key that its owners have forgotten: what they had seen is gone for good reason. */
export type Forgotten = (key: string) => Iterable<number>

const nothingForgotten: Forgotten = () => []

/** By `bucket/path`. */
export type Holdings = ReadonlyMap<string, readonly Holding[]>

/** P1: each acknowledged write is there at the end, or was seen by the writer of one that is. */
export function lostWrites(
  history: History,
  holdings: Holdings,
  forgiven: ReadonlySet<number> = new Set(),
  forgotten: Forgotten = nothingForgotten,
): Violation[] {
  const violations: Violation[] = []
  for (const operation of history.operations) {
    if (operation.kind === 'get' || operation.outcome !== 'done') continue
    if (operation.forfeited || forgiven.has(operation.write)) continue
    const present = presentWrites(history, holdings.get(operation.key) ?? [])
    const known = [...present, ...forgotten(operation.key)]
    if (history.closure(known).has(operation.write)) continue
    const text = `${describe(operation)} was acknowledged and is gone; what is left: ${listed(present)}`
    violations.push({ promise: 'P1', key: operation.key, text })
  }
  return violations
}

/** P4: a strict get returns each strict write that was acknowledged before it began, or what has seen it. */
export function staleStrictReads(
  history: History,
  isExcused: (put: Operation, get: Operation) => boolean,
  forgotten: Forgotten = nothingForgotten,
): Violation[] {
  const writes = history.operations.filter((each) => each.kind !== 'get' && each.strict)
  return history.operations.flatMap((get) => {
    if (get.kind !== 'get' || !get.strict || get.outcome !== 'done') return []
    const shown = history.closure([...get.returned, ...forgotten(get.key)])
    return writes
      .filter(({ key, quorumMs }) => key === get.key && quorumMs < get.startMs)
      .filter((put) => !shown.has(put.write) && !isExcused(put, get))
      .map(({ write }) => {
        const text = `${describe(get)} does not return w${write}, which was acknowledged before; it returned ${listed(get.returned)}`
        return { promise: 'P4' as const, key: get.key, text }
      })
  })
}

/** P2, at the end: no value stands beside one whose writer had seen it. */
export function falseSiblings(history: History, witness: Witness, holdings: Holdings): Violation[] {
  return [...holdings].flatMap(([key, held]) => {
    const text = 'at the end'
    return falseAmong(history, witness, key, [...presentWrites(history, held)], text)
  })
}

/** P2, at each read: what it returned was concurrent. `isLate`: what a tab may show that was away too long. */
export function falseReads(
  history: History,
  witness: Witness,
  isLate: (get: Operation, write: number) => boolean = () => false,
): Violation[] {
  return history.operations.flatMap((get) => {
    const shown = get.returned.filter((write) => !isLate(get, write))
    return falseAmong(history, witness, get.key, shown, describe(get))
  })
}

/** What still stands between the members and P3, in words; empty when they have converged. */
export function convergenceGaps(holdings: Holdings): { key: string; text: string }[] {
  const gaps: { key: string; text: string }[] = []
  for (const [key, held] of holdings) {
    const owners = held.filter(({ owner }) => owner)
    const first = owners[0]
    for (const { peer, digest } of owners.slice(1)) {
      if (equalBytes(digest, first!.digest)) continue
      gaps.push({ key, text: `owners ${first!.peer} and ${peer} hold different states` })
    }
    for (const { peer, owner, present, damaged, owes } of held) {
      // Where nobody has anything sound of the key, there is nothing to mend it with.
      const mendable = held.some((other) => other.present && !other.damaged)
      if (damaged && mendable) gaps.push({ key, text: `${peer} holds a damaged record` })
      if (!owner && present) gaps.push({ key, text: `${peer} holds what it does not own` })
      if (owes.length > 0)
        gaps.push({ key, text: `${peer} still owes it to ${owes.join(' and ')}` })
    }
  }
  return gaps
}

/** Every operation ends: done, refused or unknown. */
export function endless(history: History): Violation[] {
  return history.operations
    .filter(({ outcome }) => outcome === 'pending')
    .map((operation) => {
      const text = `${describe(operation)} never got an outcome`
      return { promise: 'P9', key: operation.key, text }
    })
}

/** A quorum that was there all the time and did not suffice. */
export function refusedWrites(
  history: History,
  mustSucceed: (operation: Operation) => boolean,
): Violation[] {
  return history.operations
    .filter(
      ({ kind, outcome }) => kind !== 'get' && (outcome === 'refused' || outcome === 'unknown'),
    )
    .filter(({ failure }) => failure !== 'too-many-siblings' && failure !== 'crashed')
    .filter(mustSucceed)
    .map((operation) => {
      const text = `${describe(operation)} failed (${operation.failure}) though all it needed was in reach`
      return { promise: 'P5', key: operation.key, text }
    })
}

/** P7 rests on this: what a crash can still take back is shown to nobody, or its dot may name another write. */
export function prematureReads(history: History): Violation[] {
  return history.operations.flatMap((operation) =>
    operation.premature.map((id) => {
      const text = `${describe(operation)} returned w${id}, which was durable nowhere yet`
      return { promise: 'P7' as const, key: operation.key, text }
    }),
  )
}

export function describe({ id, client, via, kind, key }: Operation): string {
  return `${kind} w${id} of ${key} by ${client} at ${via}`
}

function falseAmong(
  history: History,
  witness: Witness,
  key: string,
  writes: readonly number[],
  where: string,
): Violation[] {
  const violations: Violation[] = []
  for (const newer of writes) {
    for (const older of writes) {
      if (!history.get(newer).seen.has(older) || mayAppearAgain(history, witness, older)) continue
      if (history.wasBound(newer)) continue
      const text = `${where}: w${older} stands beside w${newer}, whose writer had seen it`
      violations.push({ promise: 'P2', key, text })
    }
  }
  return violations
}

/**
 * Retried at another coordinator because the first one's fate was unknown, by its client or by the peer that passed it
 * on, a write may appear again after it was superseded; and so may one whose name a disk gave out again that was set
 * back, and one whose record was damaged, or taken back by a power cut, while it was on its way, so that its minter had to
 * name it anew; and one that a tab brought later than anybody need wait for; and one that a tab kept under a name of its own,
 * not knowing whether the member that it had asked before had written it.
 */
export function mayAppearAgain(history: History, witness: Witness, write: number): boolean {
  if (witness.excused.has(write) || witness.returned.has(write)) return true
  const dots = [...witness.dotsOf(write).values()]
  if (dots.length > 1 && history.wasTakenBack(write)) return true
  if (dots.length > 1 && dots.some(({ actor }) => witness.wasAbandoned(actor))) return true
  // A coordinator that lost its disk meanwhile is another one.
  const stores = witness.namesOf(write).map(({ actor }) => actor.slice(0, actor.indexOf('.')))
  return history.wasRetried(write) || new Set(stores).size > 1
}

/** P2: a coordinator that is asked for one write twice mints it once. */
export function doubleMints(
  history: History,
  witness: Witness,
  isMember: (machine: string) => boolean,
): Violation[] {
  return history.operations.flatMap(({ id, kind, key, via, outcome }) => {
    if (kind === 'get' || outcome === 'pending' || !isMember(via)) return []
    if (history.wasRetried(id) || witness.excused.has(id)) return []
    // With the write a power cut has taken the note that it was asked for.
    if (history.wasTakenBack(id)) return []
    const once = new Set<string>()
    return [...witness.dotsOf(id).values()].flatMap((dot) => {
      const { actor } = dot
      const generation = actor.slice(0, actor.indexOf('.'))
      if (witness.wasAbandoned(actor)) return []
      const repeated = once.has(generation)
      once.add(generation)
      const text = `w${id} was minted twice by ${witness.minterOf(dot)}, which was asked once`
      return repeated ? [{ promise: 'P2' as const, key, text }] : []
    })
  })
}

/** A refusal says that the write is nowhere. */
export function falseRefusals(history: History, witness: Witness): Violation[] {
  return history.operations
    .filter(({ kind, outcome, write }) => {
      return kind !== 'get' && outcome === 'refused' && !history.wasRetried(write)
    })
    .filter(({ write }) => witness.exists(write))
    .map((operation) => {
      const text = `${describe(operation)} was refused (${operation.failure}) and is there all the same`
      return { promise: 'outcome', key: operation.key, text }
    })
}

/** What a tab shows of a followed key contains the tab's own writes, or what has seen them. */
export function forgottenOwn(
  history: History,
  isExcused: (put: Operation, get: Operation) => boolean,
  forgotten: Forgotten = nothingForgotten,
): Violation[] {
  return history.operations.flatMap((operation) => {
    const { mustShow, returned, key } = operation
    if (mustShow.length === 0) return []
    const shown = history.closure([...returned, ...forgotten(key)])
    return mustShow
      .filter((write) => !shown.has(write) && history.get(write).outcome === 'done')
      .filter((write) => !isExcused(history.get(write), operation))
      .map((write) => {
        const text = `${describe(operation)} does not show w${write}, which its own tab had taken`
        return { promise: 'P5' as const, key, text }
      })
  })
}

/** P9: where everybody writes and nobody reads, the blind are refused before the crowd is endless. */
export function crowds(holdings: Holdings, limit: number): Violation[] {
  return [...holdings].flatMap(([key, held]) => {
    const live = Math.max(
      0,
      ...held.map(({ state }) => state.siblings.filter(({ value }) => value.bytes).length),
    )
    const text = `${live} values stand side by side, and the limit is ${limit}`
    return live > limit ? [{ promise: 'P9' as const, key, text }] : []
  })
}

/** The keys at which a blind write is refused: as many values stand side by side somewhere as may be. */
export function crowdedKeys(holdings: Holdings, limit: number): ReadonlySet<string> {
  const live = ({ state }: Holding): number =>
    state.siblings.filter(({ value }) => value.bytes !== undefined).length
  const crowded = [...holdings].filter(([, held]) => held.some((each) => live(each) >= limit))
  return new Set(crowded.map(([key]) => key))
}

/** The writes whose values, tombstones included, some owner holds. */
function presentWrites(history: History, holdings: readonly Holding[]): Set<number> {
  const present = new Set<number>()
  for (const { owner, state } of holdings) {
    if (!owner) continue
    for (const { value } of state.siblings) {
      const write = history.writeOf(value)
      if (write !== undefined) present.add(write)
    }
  }
  return present
}

function listed(writes: Iterable<number>): string {
  return [...writes].map((id) => `w${id}`).join(' ') || 'nothing'
}
