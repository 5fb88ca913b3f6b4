/**
 * All pairs of members and partitions, the best score first, without having all of them at once.
 *
 * Of 200 members and 4096 partitions there are 800,000 pairs, and few of them matter: a partition finds its owners among
 * those it likes best. So the pairs are taken in bands of scores, and before each band it is asked who is still looking:
 * in the lower bands few are.
 */
import { maxPartitions } from './ring-shape.ts'
import { type Drawer, scoreOf, scoreRange } from './score.ts'

/** Who is still looking, both ascending. */
export interface Looking {
  readonly partitions: readonly number[]
  readonly members: readonly number[]
}

/** About so many pairs are held and sorted at a time: a large ring must not exhaust a tab. */
export const pairsAtOnce = 2 ** 16

/**
 * Shows `visit` the pairs of those whom `looking` names before each band, until it names none. Of equal scores the
 * lower member goes first, then the lower partition. `bandPairs` changes the memory and time used, never the order.
 */
export function eachPair(
  drawers: readonly Drawer[],
  looking: () => Looking,
  visit: (member: number, partition: number) => void,
  bandPairs = pairsAtOnce,
): void {
  let ceiling = scoreRange
  while (ceiling > 0) {
    const { partitions, members } = looking()
    if (partitions.length === 0 || members.length === 0) return
    const field = { drawers, partitions, members }
    const band = bandBelow(ceiling, field, bandPairs)
    for (const pair of band.pairs) visit(Math.floor(pair / maxPartitions), pair % maxPartitions)
    ceiling = band.floor
  }
}

interface Field extends Looking {
  readonly drawers: readonly Drawer[]
}

/** The pairs with scores from `floor` (included) up to the ceiling, best first: `member × maxPartitions + partition`. */
interface Band {
  readonly floor: number
  readonly pairs: Uint32Array
}

function bandBelow(ceiling: number, field: Field, bandPairs: number): Band {
  const { drawers, partitions, members } = field
  let floor = 0
  if (partitions.length * members.length > bandPairs) {
    const draws = members.reduce((sum, m) => sum + drawers[m]!.weight, 0)
    const width = (scoreRange / (draws * partitions.length)) * bandPairs
    floor = Math.max(0, ceiling - Math.ceil(width))
  }
  for (;;) {
    const pairs = pairsBetween(floor, ceiling, field, 2 * bandPairs)
    if (pairs !== undefined) return { floor, pairs }
    floor = Math.floor((floor + ceiling) / 2)
  }
}

/** Undefined when they are more than `limit`, twice as many as expected: somebody has chosen the members' ids. */
function pairsBetween(
  floor: number,
  ceiling: number,
  { drawers, partitions, members }: Field,
  limit: number,
): Uint32Array | undefined {
  const pairs: number[] = []
  const keys: number[] = []
  for (const member of members) {
    const drawer = drawers[member]!
    for (const partition of partitions) {
      const score = scoreOf(drawer, partition)
      if (score < floor || score >= ceiling) continue
      if (pairs.length === limit) return undefined
      // One number to sort by: the better score first, then the lower member, then the lower partition.
      keys.push((scoreRange - 1 - score) * limit + pairs.length)
      pairs.push(member * maxPartitions + partition)
    }
  }
  return Uint32Array.from(Float64Array.from(keys).sort(), (key) => pairs[key % limit]!)
}
