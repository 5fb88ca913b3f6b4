/**
 * What the matching leaves uneven, made even.
 *
 * Capacities bound loads from above only, and not even there: where the last members with room own the last partitions
 * already, others must take them beyond their capacity. And what is missing may be missing at one member. Heavy members
 * are those who miss most: they own so many partitions that few are left which they do not own.
 *
 * So in the end members below their share take partitions over from owners above theirs, as long as one of the two is off
 * by more than its slack. The best pair goes first, as in the matching, and the owner that gives way is the one that the
 * partition likes least. Loads only come nearer to the shares, so one pass over the pairs is enough. No rule on hosts,
 * zones or classes gives way for it.
 */
import type { Capacity } from './capacity.ts'
import { bestFirst, type Contestant, type Matching, mayJoin, type Rules } from './matching.ts'
import { eachPair } from './pairs.ts'

export interface Levelling {
  readonly capacities: readonly Capacity[]
  readonly rules: Rules
  /** Whether each member is durable. */
  readonly durable: readonly boolean[]
  /** A partition must keep so many durable owners. */
  readonly durableOwners: number
}

export function levelOut(
  contestants: readonly Contestant[],
  matching: Matching,
  levelling: Levelling,
): Matching {
  const owners = [...matching.owners]
  const loads = [...matching.loads]
  const level: Level = { ...levelling, contestants, loads }
  const everyone = [...loads.keys()]
  eachPair(
    contestants.map(({ drawer }) => drawer),
    () => {
      const someIsAbove = everyone.some((member) => isAbove(level, member))
      const mayTake = someIsAbove ? hasRoom : isBelow
      const members = everyone.filter((member) => mayTake(level, member))
      return { partitions: [...owners.keys()], members }
    },
    (member, partition) => {
      const list = owners[partition]!
      if (!hasRoom(level, member) || list.includes(member)) return
      const giver = list.findLast((owner) => givesWay(level, owner, member, list))
      if (giver === undefined) return
      loads[giver]!--
      loads[member]!++
      owners[partition] = bestFirst(contestants, partition, [...without(list, giver), member])
    },
  )
  return { owners, loads }
}

interface Level extends Levelling {
  readonly contestants: readonly Contestant[]
  readonly loads: readonly number[]
}

function givesWay(level: Level, owner: number, taker: number, list: readonly number[]): boolean {
  const { loads, capacities, contestants, rules, durable, durableOwners } = level
  if (loads[owner]! - 1 < capacities[owner]!.share) return false
  if (!isAbove(level, owner) && !isBelow(level, taker)) return false
  const durableOnes = list.filter((other) => durable[other]).length
  if (durable[owner] && !durable[taker] && durableOnes <= durableOwners) return false
  return mayJoin(contestants, rules, taker, without(list, owner))
}

function hasRoom({ loads, capacities }: Level, member: number): boolean {
  return loads[member]! + 1 <= capacities[member]!.share
}

function isBelow({ loads, capacities }: Level, member: number): boolean {
  return loads[member]! < capacities[member]!.least
}

function isAbove({ loads, capacities }: Level, member: number): boolean {
  return loads[member]! > capacities[member]!.most
}

function without(list: readonly number[], owner: number): number[] {
  return list.filter((other) => other !== owner)
}
