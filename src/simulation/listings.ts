/**
 * What every peer lists once everything is healed: each acknowledged write, or one whose writer had seen it.
 *
 * The other checks read the disks, which say nothing of how a listing puts its pages together. So here the peers are
 * asked, edges too, and what they list is held against the history.
 */
import { type Key, makeKey, showKey, splitKey } from '../data/key.ts'
import { emptyState } from '../data/siblings.ts'
import type { Consistency, Keyed, KeyedRead, ListedRead } from '../peer/keyed.ts'
import { describe } from './checker.ts'
import { RingletError } from '../protocol/errors.ts'
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import type { Scheduler } from './scheduler.ts'
import type { Violation } from './violation.ts'

/** More than any request may take. */
const patienceMs = 10_000
const askAgainMs = 250

interface Listing {
  readonly machine: Machine
  readonly prefix: Key
  /** Undefined as long as there is no answer. */
  outcome: readonly ListedRead[] | Error | undefined
}

/** Page after page of a listing. */
export async function listAll(
  keyed: Keyed,
  prefix: Key,
  from: Consistency,
): Promise<readonly ListedRead[]> {
  const all: ListedRead[] = []
  let after: Key | undefined
  do {
    const { reads, upTo } = await keyed.list({ prefix, after }, from)
    all.push(...reads)
    after = upTo
  } while (after !== undefined)
  return all
}

/** Lists the partition keys of these keys at every peer that serves, and says what is amiss. */
export async function checkListings(
  cluster: Cluster,
  keys: readonly Key[],
): Promise<readonly Violation[]> {
  const { scheduler, serving } = cluster
  const prefixes = new Map(keys.map(partitionKeyOf).map((key) => [key.text, key]))
  const listings = serving.flatMap((machine) =>
    [...prefixes.values()].map((prefix) => begin(scheduler, machine, prefix)),
  )
  const isOver = (): boolean => listings.every(({ outcome }) => outcome !== undefined)
  await scheduler.run(scheduler.nowMs + patienceMs, isOver)
  return listings.flatMap((listing) => amiss(cluster, keys, listing))
}

function begin(scheduler: Scheduler, machine: Machine, prefix: Key): Listing {
  const listing: Listing = { machine, prefix, outcome: undefined }
  const ask = (): void => {
    listAll(machine.process!.keyed!, prefix, 'quorum').then(
      (reads) => {
        listing.outcome = reads
      },
      (error: Error) => {
        // All these questions at once may be more than is let in, here or at those who are asked for their part.
        if (isForACrowd(error)) scheduler.after(askAgainMs, ask)
        else listing.outcome = error
      },
    )
  }
  ask()
  return listing
}

function isForACrowd(error: Error): boolean {
  if (!(error instanceof RingletError)) return false
  return [error.code, ...Object.values(error.answers)].includes('overloaded')
}

function amiss(
  { history, witness, reapings }: Cluster,
  keys: readonly Key[],
  { machine, prefix, outcome }: Listing,
): Violation[] {
  const key = showKey(prefix)
  if (outcome === undefined) {
    return [{ promise: 'P9', key, text: `a listing at ${machine.name} never got an answer` }]
  }
  if (outcome instanceof Error) {
    const text = `a listing at ${machine.name} failed though everything was in reach: ${outcome.message}`
    return [{ promise: 'P5', key, text }]
  }
  const violations: Violation[] = []
  const forgiven = witness.forgiven()
  for (const name of keys.filter(({ text }) => text.startsWith(prefix.text)).map(showKey)) {
    const siblings = outcome
      .filter((read) => showKey(read.key) === name)
      .flatMap(({ state }) => state.siblings)
    const shown = siblings.flatMap(({ value }) => history.writeOf(value) ?? [])
    const seen = history.closure([...shown, ...reapings.tombstonesOf(name)])
    for (const operation of history.operations) {
      if (operation.key !== name || operation.kind === 'get') continue
      if (operation.outcome !== 'done' || seen.has(operation.write)) continue
      if (operation.forfeited || forgiven.has(operation.write)) continue
      const text = `${describe(operation)} was acknowledged and is not listed at ${machine.name}`
      violations.push({ promise: 'P1', key: name, text })
    }
  }
  return violations
}

function partitionKeyOf(key: Key): Key {
  const { bucket, path } = splitKey(key)
  return makeKey(bucket, path[0])
}

/** What a listing of its partition key shows of this key: nothing if it is not listed. */
export async function readListed(
  keyed: Keyed,
  key: Key,
  from: Consistency,
): Promise<Pick<KeyedRead, 'state' | 'source'>> {
  const { bucket, path } = splitKey(key)
  const reads = await listAll(keyed, makeKey(bucket, path[0]), from)
  const source = from === 'local' ? 'local' : 'quorum'
  return reads.find((each) => each.key.text === key.text) ?? { state: emptyState, source }
}
