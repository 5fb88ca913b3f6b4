/**
 * A counter that several devices raise and lower at once.
 *
 * One number would lose what is counted on both sides of a cut. One number per device would do, if a device always
 * knew its own; but one that starts from nothing while it is offline does not, and a retry might count twice. So each
 * write's amount stands under its count, and neighbours are summed up: in *blocks* of 1, 2, 4, 8… counts, each
 * starting where a block of its size starts (the first of 8 is 1 to 8, the next 9 to 16). Two such blocks are either
 * apart or one within the other, so whatever two sides have summed up can be merged exactly; any number of writes
 * without a gap leaves a few blocks.
 */
import { isCount } from './intervals.ts'
import { type ByName, isRecord, joinRecords, own } from './records.ts'
import { BadArgumentError, type MergeableType, type WriteId } from './type.ts'

/** The sum of the amounts of the writes `from` to `to`. */
type Block = readonly [from: number, to: number, sum: number]

/** By writer, its blocks in ascending order. Read it with `counter.total`, change it with `counter.add`. */
export interface Counter {
  readonly sums: ByName<readonly Block[]>
}

/** The most that one write may add or take away. */
const mostAtOnce = 1_000_000_000

/**
 * The type of buckets that hold counters.
 *
 * ```ts
 * const write = { id: 'phone:1', by: 'phone', count: 1 } // in an update, the second argument
 * counter.total(counter.add(counter.empty, 5, write)) // 5
 * ```
 */
export const counter = {
  name: 'counter',
  empty: { sums: {} } as Counter,

  merge(a: Counter, b: Counter): Counter {
    return { sums: joinRecords(a.sums, b.sums, joinBlocks) }
  },

  validate(value: unknown): value is Counter {
    if (!isRecord(value) || Object.keys(value).length !== 1 || !isRecord(value['sums']))
      return false
    return Object.values(value['sums']).every(isBlocks)
  },

  /**
   * Adds a whole number, below zero too. A write adds once: two calls with one `write` are a retry.
   *
   * ```ts
   * await visits.update('home', (value, write) => counter.add(value, 1, write))
   * ```
   */
  add(value: Counter, amount: number, { by, count }: WriteId): Counter {
    if (!Number.isInteger(amount) || Math.abs(amount) > mostAtOnce) {
      throw new BadArgumentError(`an amount is a whole number up to ±${mostAtOnce}, not ${amount}`)
    }
    const blocks = own(value.sums, by) ?? []
    if (blocks.some(([from, to]) => from <= count && count <= to)) return value
    return { sums: { ...value.sums, [by]: joinBlocks(blocks, [[count, count, amount]]) } }
  },

  total(value: Counter): number {
    return Object.values(value.sums)
      .flat()
      .reduce((total, [, , sum]) => total + sum, 0)
  },
} satisfies MergeableType<Counter> & Record<string, unknown>

/** The outermost blocks of both sides, with halves made whole. */
function joinBlocks(a: readonly Block[], b: readonly Block[]): readonly Block[] {
  // Of two sums of one block (a write that was tried with two amounts) the greater comes first and stays.
  const inOrder = [...a, ...b].sort((x, y) => x[0] - y[0] || y[1] - x[1] || y[2] - x[2])
  const joined: Block[] = []
  for (const block of inOrder) {
    if (block[0] > (joined.at(-1)?.[1] ?? 0)) pushBlock(joined, block)
  }
  return joined
}

function pushBlock(blocks: Block[], block: Block): void {
  const last = blocks.at(-1)
  const whole = last === undefined ? undefined : wholeOf(last, block)
  if (whole === undefined) {
    blocks.push(block)
    return
  }
  blocks.pop()
  pushBlock(blocks, whole)
}

/** The block of which these two are the halves, if they are; not beyond what a number holds exactly. */
function wholeOf([from, middle, some]: Block, [next, to, more]: Block): Block | undefined {
  const size = to - from + 1
  const halves = next === middle + 1 && to - next === middle - from && (from - 1) % size === 0
  return halves && Number.isSafeInteger(some + more) ? [from, to, some + more] : undefined
}

/** Whether these are blocks in their one form; total. */
function isBlocks(value: unknown): value is readonly Block[] {
  if (!Array.isArray(value) || value.length === 0 || !value.every(isBlock)) return false
  const joined = joinBlocks(value, [])
  return joined.length === value.length && joined.every((block, i) => block === value[i])
}

function isBlock(value: unknown): value is Block {
  if (!Array.isArray(value) || value.length !== 3) return false
  const [from, to, sum] = value as unknown[]
  if (!isCount(from) || !isCount(to) || !Number.isSafeInteger(sum) || from > to) return false
  let size = to - from + 1
  if ((from - 1) % size !== 0) return false
  while (size > 1) size /= 2
  return size === 1
}
