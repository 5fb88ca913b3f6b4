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
import { type Drawer, scoreOf, scoreRange } from './score.ts'

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

/** At most so many pairs are held and sorted at a time: a large ring must not exhaust a tab. */
const pairsAtOnce = 2 ** 20

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
  for (const [partition, list] of owners.entries()) {
    const scores = new Map(list.map((m) => [m, scoreOf(contestants[m]!.drawer, partition)]))
    list.sort((a, b) => scores.get(b)! - scores.get(a)! || a - b)
  }
  return { owners, loads }
}

interface State {
  readonly contestants: readonly Contestant[]
  readonly owners: number[][]
  readonly loads: number[]
  readonly bandPairs: number
}

/** Takes the pairs band by band, the highest scores first; each band has only whoever still has room. */
function runRound(state: State, round: Round): void {
  const { owners, loads } = state
  let ceiling = scoreRange
  while (ceiling > 0) {
    const partitions = [...owners.keys()].filter((p) => owners[p]!.length < round.upTo)
    const members = round.eligible.filter((m) => loads[m]! < round.capacities[m]!)
    if (partitions.length === 0 || members.length === 0) return
    const band = bandBelow(ceiling, state, partitions, members)
    for (const pair of band.pairs) {
      const partition = pair % owners.length
      const member = (pair - partition) / owners.length
      if (!mayTake(state, round, member, partition)) continue
      owners[partition]!.push(member)
      loads[member]!++
    }
    ceiling = band.floor
  }
}

function mayTake(state: State, round: Round, member: number, partition: number): boolean {
  const list = state.owners[partition]!
  if (list.length >= round.upTo || state.loads[member]! >= round.capacities[member]!) return false
  const { host, zone } = state.contestants[member]!
  let inZone = 0
  for (const owner of list) {
    if (owner === member) return false
    const other = state.contestants[owner]!
    if (round.rules.distinctHosts && other.host === host) return false
    if (other.zone === zone) inZone++
  }
  return inZone < round.rules.perZone
}

/** The pairs with scores from `floor` (included) up to the ceiling, best first, as `member × partitions + partition`. */
interface Band {
  readonly floor: number
  readonly pairs: Uint32Array
}

function bandBelow(
  ceiling: number,
  state: State,
  partitions: readonly number[],
  members: readonly number[],
): Band {
  let floor = 0
  if (partitions.length * members.length > state.bandPairs) {
    const draws = members.reduce((sum, m) => sum + state.contestants[m]!.drawer.weight, 0)
    const width = (scoreRange / (draws * partitions.length)) * state.bandPairs
    floor = Math.max(0, ceiling - Math.ceil(width))
  }
  for (;;) {
    const pairs = pairsBetween(floor, ceiling, state, partitions, members)
    if (pairs !== undefined) return { floor, pairs }
    floor = Math.floor((floor + ceiling) / 2)
  }
}

/** Undefined when they are more than twice as many as expected: somebody has chosen the members' ids. */
function pairsBetween(
  floor: number,
  ceiling: number,
  state: State,
  partitions: readonly number[],
  members: readonly number[],
): Uint32Array | undefined {
  const limit = 2 * state.bandPairs
  const pairs: number[] = []
  const keys: number[] = []
  for (const member of members) {
    const { drawer } = state.contestants[member]!
    for (const partition of partitions) {
      const score = scoreOf(drawer, partition)
      if (score < floor || score >= ceiling) continue
      if (pairs.length === limit) return undefined
      // One number to sort by: the better score first, then the lower member, then the lower partition.
      keys.push((scoreRange - 1 - score) * limit + pairs.length)
      pairs.push(member * state.owners.length + partition)
    }
  }
  return Uint32Array.from(Float64Array.from(keys).sort(), (key) => pairs[key % limit]!)
}
