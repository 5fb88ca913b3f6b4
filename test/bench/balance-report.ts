/**
 * `npm run bench -- ring`: all that is measured of the ring, row by row, and which aims it misses and where.
 *
 * The aims were set before anything was measured, and are not bent to what came out. With `--json` each row is a line, and
 * the last line has the misses.
 */
import { showTable } from '../../node/cli/table.ts'
import { type BalanceRow, measureBalance, partitions, sizes } from './balance.ts'
import { type LayoutRow, layouts, measureLayout, measureWeights, type WeightRow } from './uneven.ts'

export const aims = {
  /** At 30 members and 4096 partitions; the paper's strategy 3 has 0.97 in its Figure 8. */
  balance: 0.975,
  /** From so many partitions on, the ring is as even as strategy 3. */
  partitionsAsEven: 1024,
  moved: 1.2,
  /** Of at most so many members. */
  membersMoved: 60,
  weightsOff: 0.03,
  crowded: 0,
} as const

export interface Measured {
  readonly even: readonly BalanceRow[]
  readonly weighted: readonly WeightRow[]
  readonly laidOut: readonly LayoutRow[]
}

export interface Miss {
  readonly aim: string
  readonly Q: number
  readonly S: number
  readonly figure: number
  readonly limit: number
}

const weightedPartitions = [1024, 4096, 16384]
/** Of fewer members the heaviest would own more than everything. */
const weightedSizes = [6, ...sizes.filter((s) => s > 6)]
const weightedDraws = 8
const laidOutPartitions = 1024
const layoutDraws = 4

export function* reportRing(json: boolean): Generator<string> {
  const measured = {
    even: [] as BalanceRow[],
    weighted: [] as WeightRow[],
    laidOut: [] as LayoutRow[],
  }
  for (const q of partitions) {
    for (const s of sizes) {
      const row = measureBalance(q, s)
      measured.even.push(row)
      if (json) yield JSON.stringify(row)
    }
  }
  for (const q of weightedPartitions) {
    for (const s of weightedSizes) {
      const row = measureWeights(q, s, weightedDraws)
      measured.weighted.push(row)
      if (json) yield JSON.stringify(row)
    }
  }
  for (const layout of Object.keys(layouts)) {
    for (const s of sizes) {
      const row = measureLayout(laidOutPartitions, s, layout, layoutDraws)
      measured.laidOut.push(row)
      if (json) yield JSON.stringify(row)
    }
  }
  if (json) yield JSON.stringify({ missed: missedBy(measured) })
  else yield* shown(measured)
}

/** Every row that misses its aim. */
export function missedBy({ even, weighted, laidOut }: Measured): Miss[] {
  const misses: Miss[] = []
  for (const { Q, S, balance, moved, strategy3 } of even) {
    if (Q === 4096 && S === 30 && balance < aims.balance) {
      misses.push({ aim: 'balance', Q, S, figure: balance, limit: aims.balance })
    }
    if (Q >= aims.partitionsAsEven && balance < strategy3.balance) {
      misses.push({ aim: 'strategy 3', Q, S, figure: balance, limit: strategy3.balance })
    }
    if (S <= aims.membersMoved && moved > aims.moved) {
      misses.push({ aim: 'moved', Q, S, figure: moved, limit: aims.moved })
    }
  }
  for (const { Q, S, off } of weighted) {
    if (off <= aims.weightsOff) continue
    misses.push({ aim: 'weights', Q, S, figure: off, limit: aims.weightsOff })
  }
  for (const { Q, S, crowded, layout } of laidOut) {
    if (crowded <= aims.crowded) continue
    misses.push({ aim: `hosts and zones, ${layout}`, Q, S, figure: crowded, limit: aims.crowded })
  }
  return misses
}

function* shown(measured: Measured): Generator<string> {
  yield* showEven(measured.even)
  yield ''
  yield* showWeighted(measured.weighted)
  yield ''
  yield* showLaidOut(measured.laidOut)
  yield ''
  yield* verdict(measured)
}

function showEven(rows: readonly BalanceRow[]): string[] {
  const own = ['Q', 'S', 'draws', 'balance', 'lowest', 'lightest', 'most', 'join', 'leave']
  const theirs = [1, 2, 3].flatMap((k) => [`(${k})`, `(${k}) join`, `(${k}) leave`])
  const cells = rows.map((row) => [
    ...[row.Q, row.S, row.draws].map(String),
    ...[row.balance, row.lowestBalance, row.lightest, row.most, row.join, row.leave].map(figure),
    ...[row.strategy1, row.strategy2, row.strategy3].flatMap(({ balance, join, leave }) =>
      [balance, join, leave].map(figure),
    ),
  ])
  return showTable([...own, ...theirs], cells, [...own, ...theirs])
}

function showWeighted(rows: readonly WeightRow[]): string[] {
  const titles = ['Q', 'S', 'draws', 'weight 1', 'weight 2', 'weight 4', 'off', 'one member off']
  const cells = rows.map(({ Q, S, draws, shares, off, memberOff }) => [
    ...[Q, S, draws].map(String),
    ...[shares['1'], shares['2'], shares['4'], off, memberOff].map(figure),
  ])
  return showTable(titles, cells, titles)
}

/** A line for each layout, whatever the number of members. */
function showLaidOut(rows: readonly LayoutRow[]): string[] {
  const numbers = ['rings', 'partitions', 'crowded']
  const cells = [...Map.groupBy(rows, ({ layout }) => layout)].map(([layout, some]) => {
    const rings = some.reduce((sum, { draws }) => sum + draws, 0)
    const all = some.reduce((sum, { Q, draws }) => sum + Q * draws, 0)
    const crowded = some.reduce((sum, row) => sum + row.crowded, 0)
    return [layout, ...[rings, all, crowded].map(String)]
  })
  return showTable(['hosts and zones', ...numbers], cells, numbers)
}

function* verdict(measured: Measured): Generator<string> {
  const usual = measured.even.find(({ Q, S }) => Q === 4096 && S === 30)!
  yield (
    `Balance is mean load over highest, moved is over the least that must. With 4096 partitions and 30 members: ` +
      `${figure(usual.balance)} (strategies 1, 2, 3: ${[
        usual.strategy1,
        usual.strategy2,
        usual.strategy3,
      ]
        .map(({ balance }) => figure(balance))
        .join(', ')}), and a join moves ${figure(usual.join)}, a leave ${figure(usual.leave)}.`
  )
  const misses = missedBy(measured)
  if (misses.length === 0) yield 'No aim is missed.'
  for (const [aim, some] of Map.groupBy(misses, (miss) => miss.aim)) {
    const where = some.map(({ Q, S, figure: is, limit }) => {
      return `Q ${Q} S ${S}: ${figure(is)} for ${figure(limit)}`
    })
    yield `Missed (${aim}): ${where.join('; ')}.`
  }
}

function figure(value: number | undefined): string {
  return value?.toFixed(3) ?? '-'
}
