/**
 * What a receipt claims, held against the disks at the moment of the claim.
 *
 * That an acknowledged write is there at the end says little of how it was acknowledged: most lies are never found out,
 * because nothing else goes wrong. So each claim is checked when it is made: *W hosts have it durably*, *all owners do*.
 */
import { type Key, partitionOf, showKey } from '../data/key.ts'
import { covers } from '../data/vector.ts'
import { decodeObject, storageKeys } from '../protocol/record.ts'
import { toBinaryText } from '../data/bytes.ts'
import type { Cluster, Machine } from './cluster.ts'
import type { Violation } from './violation.ts'

/** So long after a disk was lost, somebody may still say what was true before. */
const staleMs = 12_000

/** P1: what a quorum has acknowledged is, or was, on the disks of W hosts. */
export function falseQuorum(cluster: Cluster, key: Key, write: number): Violation[] {
  const { witness, settings, members } = cluster
  const hosts = hostsWith(cluster, key, write)
  if (hosts.size >= settings.w || witness.excused.has(write)) return []
  for (const member of members) if (holds(cluster, member, key, write)) hosts.add(member.host)
  if (hosts.size >= settings.w || wasLostLately(cluster)) return []
  const where = [...hosts].join(', ') || 'no host at all'
  const text = `w${write} is acknowledged by ${settings.w} hosts and durable on ${where}`
  return [{ promise: 'P1', key: showKey(key), text }]
}

/** What is said to be everywhere is on every owner's disk. */
export function falseEverywhere(cluster: Cluster, key: Key, write: number): Violation[] {
  const { witness, ring, members, settings } = cluster
  const owners = ring.ownersOf(partitionOf(key.position, settings.q))
  const hosts = hostsWith(cluster, key, write)
  const lacking = members.filter(
    (member) =>
      owners.includes(member.peer) &&
      !hosts.has(member.host) &&
      !holds(cluster, member, key, write),
  )
  if (lacking.length === 0 || witness.excused.has(write) || wasLostLately(cluster)) return []
  const names = lacking.map(({ name }) => name).join(' and ')
  const text = `w${write} is said to be everywhere, and is not durable at ${names}`
  return [{ promise: 'outcome', key: showKey(key), text }]
}

/** Where it ever was durable, or a write whose writer had seen it: a tab sends only the last of its own. */
function hostsWith({ witness, history }: Cluster, key: Key, write: number): Set<string> {
  const hosts = new Set(witness.hostsOf(write))
  for (const other of witness.writesOf(showKey(key))) {
    if (history.get(other).seen.has(write))
      for (const host of witness.hostsOf(other)) hosts.add(host)
  }
  return hosts
}

/** Whether the member's disk holds the write, or something that has seen it. */
function holds({ witness }: Cluster, { disk }: Machine, key: Key, write: number): boolean {
  try {
    const { seen } = decodeObject(key, disk.read(toBinaryText(storageKeys.object(key)))).state
    return [...witness.dotsOf(write).values()].some((dot) => covers(seen, dot))
  } catch {
    return false
  }
}

function wasLostLately({ scheduler, lostAtMs }: Cluster): boolean {
  return scheduler.nowMs - lostAtMs < staleMs
}
