/**
 * What tabs have taken and not delivered, or were refused for good, read off their disks.
 *
 * Most of what waits must be gone from there once all is healed. But a key at which as many values stand side by side as may be
 * takes no blind write, and a tab that has tried one before, in vain for all that it knows, may not give up: somebody
 * may have it. It goes on until somebody has merged the crowd, which in a run that is over nobody does.
 */
import { showKey } from '../data/key.ts'
import { decode } from '../protocol/codec.ts'
import { edgeCopy } from '../protocol/copy.ts'
import { dotOfId, includesId } from '../protocol/receipt-id.ts'
import { keyOfStored, shelfRange } from '../protocol/record.ts'
import { crowdedKeys, type Holding } from './checker.ts'
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import { inspect } from './inspection.ts'

/** Acknowledged by this tab alone so far: its pending writes, and those that these stand for. */
export function undeliveredBy(
  cluster: Cluster,
  { disk }: Machine,
  isMeant: (key: string) => boolean = () => true,
): Set<number> {
  const { history } = cluster
  const { from, to } = shelfRange('edge')
  const holdings = inspect(cluster)
  const writes = new Set<number>()
  for (const { key, value } of disk.entries(from, to)) {
    const name = showKey(keyOfStored(key))
    if (!isMeant(name)) continue
    const held = safeAmong(cluster, holdings.get(name) ?? [])
    for (const own of decode(edgeCopy, value).writes) {
      const write = own.stage === 'device' ? history.writeOf(own.value) : undefined
      if (write === undefined) continue
      for (const each of history.closure([write])) if (!held(each)) writes.add(each)
      writes.add(write)
    }
  }
  return writes
}

/**
 * Whether a write is safe without its tab: a quorum has acknowledged it and somebody holds it, or has seen it, now (what a
 * member had once may have gone with its disk), or as many hold it as a quorum takes. Else one disk more may be its last.
 */
function safeAmong(
  { history, settings }: Cluster,
  holdings: readonly Holding[],
): (write: number) => boolean {
  const seen = holdings.map(({ state }) => {
    return history.closure(state.siblings.flatMap(({ value }) => history.writeOf(value) ?? []))
  })
  const acknowledged = new Set(
    history.operations.filter(({ quorumMs }) => quorumMs < Infinity).map(({ write }) => write),
  )
  return (write) => {
    const count = seen.filter((each) => each.has(write)).length
    return count >= (acknowledged.has(write) ? 1 : settings.w)
  }
}

/**
 * Hears of writes that were refused for good in the moment in which their tab was killed: its disk has noted it, and its
 * receipts say so to whoever asks, though nobody was told any more.
 */
export function hearRefusals({ edges, history }: Cluster): void {
  const { from, to } = shelfRange('edge')
  for (const { name, disk } of edges) {
    const refusals = [...disk.entries(from, to)].flatMap(({ value }) => {
      return decode(edgeCopy, value).past.refusals
    })
    for (const operation of history.operations) {
      const { via, outcome, quorumMs, receipt = '' } = operation
      if (via !== name || outcome !== 'done' || quorumMs < Infinity) continue
      const dot = dotOfId(receipt)
      const refusal = dot && refusals.find(({ ids }) => includesId(ids, dot))
      if (refusal === undefined) continue
      operation.outcome = 'refused'
      operation.failure = refusal.code
    }
  }
}

/** What tabs have to deliver and could. */
export function deliverable(cluster: Cluster): { key: string; text: string }[] {
  const crowded = crowdedOf(cluster)
  return cluster.edges.flatMap(({ name, process }) => {
    const copies = process?.edge?.copies
    return (copies?.unsettled() ?? []).flatMap((key) => {
      const pending = copies!.standing(key).pending
      if (pending === 0 || crowded.has(showKey(key))) return []
      return [{ key: showKey(key), text: `${name} has ${pending} writes to deliver` }]
    })
  })
}

/** What waits at a crowded key is neither lost nor settled. */
export function forgiveCrowded(cluster: Cluster): void {
  const { history, edges } = cluster
  const crowded = crowdedOf(cluster)
  for (const tab of edges) {
    const waiting = undeliveredBy(cluster, tab, (key) => crowded.has(key))
    for (const write of waiting) history.forfeit(write)
    // The receipt of what the tab has superseded goes with that of what superseded it, also if some member has it.
    const stood = history.closure([...waiting])
    for (const each of history.operations) {
      if (waiting.has(each.write) || (each.via === tab.name && stood.has(each.write)))
        each.receipt = undefined
    }
  }
}

export function crowdedOf(cluster: Cluster): ReadonlySet<string> {
  return crowdedKeys(inspect(cluster), cluster.settings.limits.siblings)
}
