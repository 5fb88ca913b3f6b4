/**
 * Reads the disks of all machines: who holds what, whose it is, and what is owed to whom.
 *
 * The checker asks the disks and not the peers, so that a peer that answers wrongly is caught, and so that looking
 * changes nothing: no event, no promise, no repair.
 */
import { type Bytes, equalBytes, toBinaryText } from '../data/bytes.ts'
import { type Key, partitionOf, showKey } from '../data/key.ts'
import { sameState } from '../data/siblings.ts'
import { includes } from '../data/vector.ts'
import { decode } from '../protocol/codec.ts'
import { generationsIn, isDead } from '../protocol/reaping.ts'
import {
  absentObject,
  digestOfStored,
  marker,
  shelfRange,
  storageKeys,
} from '../protocol/record.ts'
import { deadEntries } from '../protocol/shortening.ts'
import { keyAtRest, objectAtRest } from './at-rest.ts'
import type { Holding, Holdings } from './checker.ts'
import type { Cluster } from './cluster.ts'
import type { Ground, GroundMember } from './ground.ts'
import { told } from './life.ts'

/** Every key that any disk holds, with a holding for each owner and for whoever else has a record or a debt. */
export function inspect(ground: Ground): Holdings {
  const keys = new Map<
    string,
    { key: Key; records: Map<GroundMember, Bytes>; debts: Map<GroundMember, Bytes> }
  >()
  for (const machine of ground.members) {
    for (const shelf of ['object', 'marker'] as const) {
      const { from, to } = shelfRange(shelf)
      for (const entry of machine.disk.entries(from, to)) {
        const key = keyAtRest(entry.key)
        const found = keys.get(key.text) ?? { key, records: new Map(), debts: new Map() }
        keys.set(key.text, found)
        found[shelf === 'object' ? 'records' : 'debts'].set(machine, entry.value)
      }
    }
  }
  const holdings = new Map<string, Holding[]>()
  for (const { key, records, debts } of keys.values()) {
    const owners = ground.ring.ownersOf(partitionOf(key.position, ground.settings.q))
    const holders = ground.members.filter(
      (machine) => owners.includes(machine.peer) || records.has(machine) || debts.has(machine),
    )
    holdings.set(
      showKey(key),
      holders.map((machine) => ({
        peer: machine.name,
        host: machine.host,
        owner: owners.includes(machine.peer),
        ...readRecord(key, records.get(machine)),
        owes: debtsIn(debts.get(machine)).map((peer) => ground.nameOf(peer)),
      })),
    )
  }
  return holdings
}

/** The followed copies that are not what the owners hold. */
export function staleCopies(
  cluster: Cluster,
  keys: readonly Key[],
): { key: string; text: string }[] {
  const gaps: { key: string; text: string }[] = []
  for (const { name, process } of cluster.edges) {
    for (const key of keys) {
      const held = process?.edge?.copies.of(key)
      if (held?.followed !== true) continue
      const [owner] = cluster.ring.ownersOf(partitionOf(key.position, cluster.settings.q))
      const disk = cluster.members.find(({ peer }) => peer === owner)!.disk
      const stored = disk.read(toBinaryText(storageKeys.object(key)))
      const text = `${name} shows an older copy`
      const { state } = readRecord(key, stored)
      // Nobody is told that a key was forgotten, and nothing else is shown until a tab asks again.
      const isOver = state.seen.size === 0 && isDead(held.copy, Infinity)
      // Nor that the vector got shorter: of the same values the copy may have seen more.
      const isSame = sameState({ ...held.copy, seen: state.seen }, state)
      if (!isOver && !(isSame && includes(held.copy.seen, state.seen))) {
        gaps.push({ key: showKey(key), text })
      }
    }
  }
  return gaps
}

/** The members that still count for nothing strict, though enough others could have told them all they lack. */
export function notWhole(cluster: Cluster): { key: string; text: string }[] {
  const { members, ring, settings } = cluster
  const needed = Math.min(settings.n - Math.floor(settings.n / 2), settings.n - 1)
  const readinessOf = (peer: string): string | undefined => {
    const member = members.find((each) => each.peer === peer)?.process?.member
    return member?.view.byPeer.get(peer)?.record.readiness
  }
  return members.flatMap(({ name, peer, process }) => {
    if (process?.member === undefined || readinessOf(peer) === 'ready') return []
    const canBe = Array.from({ length: settings.q }, (_, partition) => ring.ownersOf(partition))
      .filter((owners) => owners.includes(peer))
      .every((owners) => {
        const others = owners.filter((each) => each !== peer && readinessOf(each) !== 'refilling')
        return others.length >= needed
      })
    return canBe ? [{ key: '', text: `${name} does not become ready` }] : []
  })
}

/** The tombstones that nobody has forgotten, though everybody can be asked, where that does not take days. */
export function unreaped(cluster: Cluster): { key: string; text: string }[] {
  const { evictAfterMs } = cluster.settings.limits
  if (evictAfterMs > longestWaitMs) return []
  const clocks = cluster.members.map(({ wall }) => told(cluster.scheduler, wall))
  const overMs = Math.min(...clocks) - 2 * longestWaitMs
  return [...inspect(cluster)].flatMap(([key, held]) => {
    const owners = held.filter(({ owner }) => owner)
    // Of a record that is damaged nobody can say what it was.
    const isLeft =
      owners.some(({ present, damaged }) => present && !damaged) &&
      owners.every(({ state }) => state.seen.size === 0 || isDead(state, overMs))
    return isLeft ? [{ key, text: 'its tombstone is not forgotten' }] : []
  })
}

/**
 * The vectors that are too long for what they stand for, where that does not take days to be sure of. Of keys in doubt
 * that is known once the doubt is over: `withDoubts` names them meanwhile.
 */
export function unshortened(
  cluster: Cluster,
  withDoubts: boolean,
): { key: string; text: string }[] {
  const { evictAfterMs, vectorEntries } = cluster.settings.limits
  const view = cluster.members[0]?.process?.member?.view
  if (evictAfterMs > longestWaitMs || view === undefined) return []
  return [...inspect(cluster)].flatMap(([key, held]) => {
    // Whoever is in doubt of its record takes part in no round.
    const isInDoubt = cluster.members.some(({ process }) => {
      return process?.member?.records.doubts.keys.some((each) => showKey(each) === key) === true
    })
    if (isInDoubt && !withDoubts) return []
    const isLong = held.some(({ owner, state }) => {
      // Of what has expired by some clocks the whole key is to go, once it has by all.
      const isTooLong = owner && state.seen.size > vectorEntries && !isDead(state, Infinity)
      return isTooLong && deadEntries(state, generationsIn(view)).size > 0
    })
    return isLong ? [{ key, text: 'its long vector is not shortened' }] : []
  })
}

const longestWaitMs = 30_000

/** The member that alone holds its state of the most keys. */
export function loneliest<M extends GroundMember>(ground: Ground<M>): M {
  const alone = new Map<string, number>()
  for (const held of inspect(ground).values()) {
    for (const { peer, present, digest } of held) {
      const shared = held.some((other) => other.peer !== peer && equalBytes(other.digest, digest))
      if (present && !shared) alone.set(peer, (alone.get(peer) ?? 0) + 1)
    }
  }
  const count = ({ name }: GroundMember): number => alone.get(name) ?? 0
  return ground.members.reduce((most, each) => (count(each) > count(most) ? each : most))
}

type Content = Pick<Holding, 'present' | 'damaged' | 'digest' | 'state'>

function readRecord(key: Key, stored: Bytes | undefined): Content {
  const { digest, state } = absentObject
  if (stored === undefined) return { present: false, damaged: false, digest, state }
  const object = objectAtRest(key, stored)
  return {
    present: true,
    digest: digestOfStored(stored),
    damaged: object === undefined,
    state: object?.state ?? state,
  }
}

function debtsIn(stored: Bytes | undefined): readonly string[] {
  return stored === undefined ? [] : decode(marker, stored)
}
