/**
 * Owners by stable matching (Gale and Shapley, 1962): each partition asks members in its order of preference, each
 * member keeps the partitions it prefers up to its capacity, and whoever is sent away asks on. The paper's strategy 3
 * (§6.2) reaches the same balance by handing tokens around, which members must agree on.
 *
 * Here both sides rank each other by one number, the score of the pair. Then there is exactly one stable matching,
 * whatever the order of asking, and it is found without sending anybody away: take all pairs from the best down, and
 * seal each that both sides have room for. What is sealed earlier is preferred by both, so nothing is ever taken back,
 * and a pair that the partition's rules forbid is forbidden by owners that the partition prefers.
 *
 * Rounds with other rules follow for the partitions that came out short, and only for them.
 */
import { eachPair, pairsAtOnce } from './pairs.ts'
import { type Drawer, scoreOf } from './score.ts'

/** What the owners of one partition must keep to. */
export interface Rules {
  readonly distinctHosts: boolean
  readonly perZone: number
}

/** Members are known by their index, which settles ties: the lower goes first. */
export interface Contestant {
  readonly drawer: Drawer
  readonly host: string
  readonly zone: string
}

/** One pass over the pairs, for the partitions that have fewer than `upTo` owners. */
export interface Round {
  /** The members that may be taken, ascending. */
  readonly eligible: readonly number[]
  readonly upTo: number
  readonly rules: Rules
  /** The most partitions of each member. */
  readonly capacities: readonly number[]
}

export interface Matching {
  /** The owners of each partition, best score first. */
  readonly owners: readonly (readonly number[])[]
  /** How many partitions each member owns. */
  readonly loads: readonly number[]
}

/** The matching that `rounds` lead to, one after the other. `bandPairs` changes the memory used, never the result. */
export function matchOwners(
  contestants: readonly Contestant[],
  partitions: number,
  rounds: readonly Round[],
  bandPairs = pairsAtOnce,
): Matching {
  const owners = Array.from({ length: partitions }, (): number[] => [])
  const loads = contestants.map(() => 0)
  for (const round of rounds) runRound({ contestants, owners, loads, bandPairs }, round)
  return {
    owners: owners.map((list, partition) => bestFirst(contestants, partition, list)),
    loads,
  }
}

/** Whether the rules let the member join these owners. */
export function mayJoin(
  contestants: readonly Contestant[],
  rules: Rules,
  member: number,
  owners: readonly number[],
): boolean {
  const { host, zone } = contestants[member]!
  let inZone = 0
  for (const owner of owners) {
    if (owner === member) return false
    const other = contestants[owner]!
    if (rules.distinctHosts && other.host === host) return false
    if (other.zone === zone) inZone++
  }
  return inZone < rules.perZone
}

/** The members, whom the partition prefers first. */
export function bestFirst(
  contestants: readonly Contestant[],
  partition: number,
  members: readonly number[],
): number[] {
  const scores = new Map(members.map((m) => [m, scoreOf(contestants[m]!.drawer, partition)]))
  return members.toSorted((a, b) => scores.get(b)! - scores.get(a)! || a - b)
}

interface State {
  readonly contestants: readonly Contestant[]
  readonly owners: number[][]
  readonly loads: number[]
  readonly bandPairs: number
}

function runRound({ contestants, owners, loads, bandPairs }: State, round: Round): void {
  const hasRoom = (member: number) => loads[member]! < round.capacities[member]!
  const isShort = (partition: number) => owners[partition]!.length < round.upTo
  eachPair(
    contestants.map(({ drawer }) => drawer),
    () => ({
      partitions: [...owners.keys()].filter(isShort),
      members: round.eligible.filter(hasRoom),
    }),
    (member, partition) => {
      if (!isShort(partition) || !hasRoom(member)) return
      if (!mayJoin(contestants, round.rules, member, owners[partition]!)) return
      owners[partition]!.push(member)
      loads[member]!++
    },
    bandPairs,
  )
}
