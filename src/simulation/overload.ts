/**
 * What overload excuses, and no more (P5, P9).
 *
 * A ring that refuses may always say that it has too much to do. So each `overloaded` that a client hears is held against
 * the doors: a tab was turned away by two members, or by all that it could reach; a member's own application had as much
 * under way as it may. And when the load is gone, every place is free again.
 */
import type { Cluster } from './cluster.ts'
import { describe } from './checker.ts'
import type { Operation } from './history.ts'
import type { Machine } from './machine.ts'
import type { Violation } from './violation.ts'

/** Where so many members turn a tab away, it need not ask the others. */
const enoughMembers = 2
/** By then every place is free, and has been for a moment. */
const freedMs = 10_000

/**
 * Whether a write need not have succeeded: two members turned its tab away, or every owner the member that had to find
 * one (a strict write), or its own application had too much under way.
 */
export function excuses(cluster: Cluster, operation: Operation): boolean {
  const { via, failure, strict, key, startMs, endMs } = operation
  const machine = cluster.machines.find(({ name }) => name === via)
  if (machine === undefined) return false
  const turned = cluster.doors.whoTurnedAway(machine.peer, startMs, endMs)
  if (machine.kind === 'edge') return turned.size >= enoughMembers
  if (failure === 'overloaded') return isCrowdedByItself(cluster, operation)
  const owners = cluster.ownersOf(key, cluster.rings.at(startMs))
  return strict && owners.every(({ peer }) => turned.has(peer))
}

/** `overloaded` is the word for a crowd, and for nothing else. `wereWell`: all that the operation could ask. */
export function falseOverloads(
  cluster: Cluster,
  wereWell: (operation: Operation) => boolean,
): Violation[] {
  return cluster.history.operations.flatMap((operation) => {
    if (operation.failure !== 'overloaded') return []
    const { via, startMs, endMs, key } = operation
    const machine = cluster.machines.find(({ name }) => name === via)
    const turned =
      machine === undefined ? 0 : cluster.doors.whoTurnedAway(machine.peer, startMs, endMs).size
    const needed = wereWell(operation) ? enoughMembers : 1
    const isTrue =
      machine?.kind === 'edge' ? turned >= needed : isCrowdedByItself(cluster, operation)
    const text = `${describe(operation)} was refused for a crowd, and ${turned} members had turned it away`
    return isTrue ? [] : [{ promise: 'P5' as const, key, text }]
  })
}

/** Whether so many operations of the same process were under way when it was refused. */
function isCrowdedByItself(
  { history, settings }: Cluster,
  { via, life, endMs }: Operation,
): boolean {
  const others = history.operations.filter((each) => {
    return each.via === via && each.life === life && each.startMs <= endMs && each.endMs >= endMs
  })
  // It is among them itself.
  return others.length > settings.limits.ownUnderWay
}

/** Whose places are not free when nobody asks for much any more: somebody did not give one back. */
export async function heldPlaces({ members, scheduler }: Cluster): Promise<Violation[]> {
  const holding = new Set<Machine>(members.filter(({ process }) => process?.member !== undefined))
  const areFree = (): boolean => {
    for (const machine of holding) {
      if ((machine.process?.member?.intake.underWay ?? 0) === 0) holding.delete(machine)
    }
    return holding.size === 0
  }
  await scheduler.run(scheduler.nowMs + freedMs, areFree)
  return [...holding].map(({ name, process }) => {
    const text = `${name} holds ${process?.member?.intake.underWay} places, and nobody asks it for anything`
    return { promise: 'P9', key: '', text }
  })
}
