/**
 * What a receipt claims, held against the disks at the moment of the claim.
 *
 * That an acknowledged write is there at the end says little of how it was acknowledged: most lies are never found out,
 * because nothing else goes wrong. So each claim is checked when it is made: *W hosts have it*, *these have synced it*, *all
 * owners have it durably*.
 */
import { type Key, partitionOf, showKey } from '../data/key.ts'
import { emptyState, type ObjectState } from '../data/siblings.ts'
import type { Ring } from '../data/ring.ts'
import { covers } from '../data/vector.ts'
import { keyOfStored, shelfRange, storageKeys } from '../protocol/record.ts'
import { type Bytes, toBinaryText } from '../data/bytes.ts'
import type { Edge } from '../peer/edge.ts'
import { objectAtRest } from './at-rest.ts'
import type { Ground, GroundMember } from './ground.ts'
import type { Violation } from './violation.ts'

const objectLetter = shelfRange('object').from[0]

/** So long after a disk was lost, somebody may still say what was true before. */
const staleMs = 12_000

/** P1: what a quorum has acknowledged is, or was, on the disks of W hosts. */
export function falseQuorum(ground: Ground, key: Key, write: number): Violation[] {
  const { witness, settings, members } = ground
  const hosts = hostsWith(ground, key, write)
  if (hosts.size >= settings.w || witness.excused.has(write)) return []
  for (const member of members) if (holds(ground, member, key, write)) hosts.add(member.host)
  if (hosts.size >= settings.w || wasLostLately(ground)) return []
  const where = [...hosts].join(', ') || 'no host at all'
  const text = `w${write} is acknowledged by ${settings.w} hosts and durable on ${where}`
  return [{ promise: 'P1', key: showKey(key), text }]
}

/** What is said to be everywhere is on every owner's disk. */
export function falseEverywhere(ground: Ground, key: Key, write: number): Violation[] {
  const { witness } = ground
  const hosts = durableHostsWith(ground, key, write)
  const lacking = ownersLacking(ground, key, (member) => {
    return hosts.has(member.host) || holdsDurably(ground, member, key, write)
  })
  if (lacking.length === 0 || witness.excused.has(write) || wasLostLately(ground)) return []
  const names = lacking.map(({ name }) => name).join(' and ')
  const text = `w${write} is said to be everywhere, and is not durable at ${names}`
  return [{ promise: 'outcome', key: showKey(key), text }]
}

/** What a receipt does not call buffered is on those disks, and on as many as its writer asked for. */
export function falselySynced(
  ground: Ground,
  key: Key,
  write: number,
  { acks, buffered }: { readonly acks: readonly string[]; readonly buffered: readonly string[] },
  dw: number,
): Violation[] {
  const { witness, members } = ground
  if (witness.excused.has(write) || wasLostLately(ground)) return []
  const hosts = durableHostsWith(ground, key, write)
  const durable = members.filter((member) => {
    return hosts.has(member.host) || holdsDurably(ground, member, key, write)
  })
  const falsely = acks.filter((peer) => {
    const member = members.find((each) => each.peer === peer)
    return member !== undefined && !buffered.includes(peer) && !durable.includes(member)
  })
  const violations: Violation[] = []
  const complain = (text: string): void =>
    void violations.push({ promise: 'outcome', key: showKey(key), text: `w${write} ${text}` })
  if (falsely.length > 0) {
    const names = falsely.map((peer) => ground.nameOf(peer)).join(' and ')
    complain(`is said to be synced at ${names}, and is in a buffer there`)
  }
  if (durable.length < dw) complain(`was to be synced at ${dw} when it was acknowledged`)
  return violations
}

/** P1: a copy that was kept for others goes only when every owner has what it holds, or has forgotten it with its key. */
export function falseDrop(
  ground: Ground,
  holder: string,
  storedKey: Bytes,
  dropped: Bytes,
  reapings: { isLetGo(key: string, write: number): boolean },
): Violation[] {
  if (storedKey[0] !== objectLetter) return []
  const { history, witness } = ground
  const key = keyOfStored(storedKey)
  const held = stateIn(key, dropped)
  // Of what all have let go of no owner shows any more that it had it.
  const missed = held.siblings.filter(({ value }) => {
    const write = history.writeOf(value)
    return write === undefined || !reapings.isLetGo(showKey(key), write)
  })
  if (missed.length === 0) return []
  const haveMoved = ground.rings?.hasChanged === true
  const lacking = ownersLacking(ground, key, ({ host, disk }) => {
    const stored = durableOn({ disk }, toBinaryText(storedKey))
    const { seen } = stateIn(key, stored)
    // An owner of then that is none any more may have paid and dropped it in its turn.
    const hadIt = (write: number | undefined): boolean =>
      haveMoved &&
      write !== undefined &&
      hostsWith(ground, key, write, (each) => witness.hostsOf(each)).has(host)
    return missed.every(({ dot, value }) => covers(seen, dot) || hadIt(history.writeOf(value)))
  })
  if (lacking.length === 0) return []
  const names = lacking.map(({ name }) => name).join(' and ')
  const text = `${holder} drops its copy, and ${names} never got what it holds`
  return [{ promise: 'P1', key: showKey(key), text }]
}

/** The owners that do not have something. Whoever speaks of owners means those of the ring that it sees. */
function ownersLacking(
  { ring, rings, members, settings }: Ground,
  key: Key,
  hasIt: (member: GroundMember) => boolean,
): readonly GroundMember[] {
  const lacking = members.filter((member) => !hasIt(member))
  const among = ({ ownersOf }: Ring): readonly GroundMember[] => {
    const owners = ownersOf(partitionOf(key.position, settings.q))
    return lacking.filter(({ peer }) => owners.includes(peer))
  }
  const byRing = [ring, ...(rings?.seen ?? [])].map(among)
  return byRing.find((those) => those.length === 0) ?? byRing[0]!
}

/** Of a record that is damaged, nothing. */
function stateIn(key: Key, stored: Bytes | undefined): ObjectState {
  const object = stored && objectAtRest(key, stored)
  return object?.state ?? emptyState
}

/** A tab that has nothing of a key, and could ask nobody, does not say that there is nothing. */
export function falseEmptiness(edge: Edge | undefined, key: Key, shown: ObjectState): Violation[] {
  if (edge === undefined || shown.seen.size > 0) return []
  const { followed, writes } = edge.copies.of(key)
  if (followed || writes.length > 0) return []
  const text = 'a tab calls the key empty, and has neither followed it nor asked for it'
  return [{ promise: 'outcome', key: showKey(key), text }]
}

/** Where it ever was, or a write whose writer had seen it: a tab sends only the last of its own. */
function hostsWith(
  { witness, history }: Ground,
  key: Key,
  write: number,
  hostsOf = (each: number): ReadonlySet<string> => witness.hostsOf(each),
): Set<string> {
  const hosts = new Set(hostsOf(write))
  for (const other of witness.writesOf(showKey(key))) {
    if (history.get(other).seen.has(write)) for (const host of hostsOf(other)) hosts.add(host)
  }
  return hosts
}

/** Where it ever was durable. */
function durableHostsWith(ground: Ground, key: Key, write: number): Set<string> {
  const { witness, settings } = ground
  const isAll = (settings.buffering ?? 0) === 0
  return hostsWith(ground, key, write, (each) =>
    isAll ? witness.hostsOf(each) : witness.syncedHostsOf(each),
  )
}

function holdsDurably(
  { witness }: Ground,
  { disk }: GroundMember,
  key: Key,
  write: number,
): boolean {
  const { seen } = stateIn(key, durableOn({ disk }, toBinaryText(storageKeys.object(key))))
  return [...witness.dotsOf(write).values()].some((dot) => covers(seen, dot))
}

function durableOn({ disk }: Pick<GroundMember, 'disk'>, stored: string): Bytes | undefined {
  return disk.afterPowerCut === undefined ? disk.read(stored) : disk.afterPowerCut(stored)
}

/** Whether the member's disk holds the write, or something that has seen it. */
function holds({ witness }: Ground, { disk }: GroundMember, key: Key, write: number): boolean {
  const { seen } = stateIn(key, disk.read(toBinaryText(storageKeys.object(key))))
  return [...witness.dotsOf(write).values()].some((dot) => covers(seen, dot))
}

function wasLostLately({ scheduler, lostAtMs, isMoving = false }: Ground): boolean {
  return isMoving || scheduler.nowMs - lostAtMs < staleMs
}
