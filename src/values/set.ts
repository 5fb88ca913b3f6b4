/**
 * A set of texts to which several devices add and from which they remove at once.
 *
 * A removal covers the additions that it has seen; an element that is added elsewhere at the same time stays: adding
 * wins. (An observed-remove set; its notes of what was removed are intervals, see `additions.ts`.)
 */
import { compareText } from '../data/bytes.ts'
import {
  type Additions,
  hasAdded,
  isAdditions,
  joinAdditions,
  noAdditions,
  present,
  withAddition,
  withoutAdditions,
} from './additions.ts'
import { checkName, type MergeableType, type WriteId } from './type.ts'

/** Read it with `set.has` and `set.elements`, change it with `set.add` and `set.remove`. */
export type TextSet = Additions<true>

/**
 * The type of buckets that hold sets.
 *
 * ```ts
 * const write = { id: 'phone:1', by: 'phone', count: 1 } // in an update, the second argument
 * set.elements(set.add(set.empty, 'blue', write)) // ['blue']
 * ```
 */
export const set = {
  name: 'set',
  empty: noAdditions as TextSet,

  merge(a: TextSet, b: TextSet): TextSet {
    return joinAdditions(a, b, () => true)
  },

  validate(value: unknown): value is TextSet {
    return isAdditions(value, (payload) => payload === true)
  },

  /**
   * ```ts
   * await tags.update('post-1', (value, write) => set.add(value, 'blue', write))
   * ```
   */
  add(value: TextSet, element: string, write: WriteId): TextSet {
    checkName(element)
    if (hasAdded(value, element, write)) return value
    // This addition stands for the earlier ones, so that one of them is enough.
    return withAddition(set.remove(value, element, write), element, true, write)
  },

  /**
   * ```ts
   * await tags.update('post-1', (value, write) => set.remove(value, 'blue', write))
   * ```
   */
  remove(value: TextSet, element: string, write: WriteId): TextSet {
    checkName(element)
    return withoutAdditions(value, write, ({ name }) => name === element)
  },

  has(value: TextSet, element: string): boolean {
    return present(value).some(({ name }) => name === element)
  },

  /** In alphabetical order. */
  elements(value: TextSet): string[] {
    return [...new Set(present(value).map(({ name }) => name))].sort(compareText)
  },
} satisfies MergeableType<TextSet> & Record<string, unknown>
