/**
 * A map from texts to structured data, in which each key is written by itself.
 *
 * A write of one key replaces what it has seen under that key and touches no other, so that two devices that fill in
 * different fields lose neither. Where two write one key at the same time, both values are kept: `get` shows one of
 * them, everywhere the same, and `all` shows each, until a later write replaces them. A removal that has not seen a
 * concurrent write does not undo it.
 */
import { compareBytes, compareText } from '../data/bytes.ts'
import { encodeStructured } from '../data/structured.ts'
import {
  type Addition,
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

/** In a list of one, because null is structured data too. */
type Entry<T> = readonly [T]

/** Read it with `map.get` and its neighbours, change it with `map.set` and `map.remove`. */
export type TextMap<T = unknown> = Additions<Entry<T>>

/**
 * The type of buckets that hold maps.
 *
 * ```ts
 * const write = { id: 'phone:1', by: 'phone', count: 1 } // in an update, the second argument
 * map.get(map.set(map.empty, 'name', 'Ada', write), 'name') // 'Ada'
 * ```
 */
export const map = {
  name: 'map',
  empty: noAdditions as TextMap,

  merge(a: TextMap, b: TextMap): TextMap {
    return joinAdditions(a, b, greaterEntry)
  },

  validate(value: unknown): value is TextMap {
    return isAdditions(value, isEntry)
  },

  /**
   * ```ts
   * await profiles.update('ada', (value, write) => map.set(value, 'name', 'Ada', write))
   * ```
   */
  set<T>(value: TextMap<T>, key: string, item: T, write: WriteId): TextMap<T> {
    checkName(key)
    if (hasAdded(value, key, write)) return value
    return withAddition(map.remove(value, key, write), key, [item], write)
  },

  /**
   * ```ts
   * await profiles.update('ada', (value, write) => map.remove(value, 'name', write))
   * ```
   */
  remove<T>(value: TextMap<T>, key: string, write: WriteId): TextMap<T> {
    checkName(key)
    return withoutAdditions(value, write, ({ name }) => name === key)
  },

  /** The key's value; of several concurrent ones, one and everywhere the same. */
  get<T>(value: TextMap<T>, key: string): T | undefined {
    return map.all(value, key)[0]
  },

  /** Every value that was written under the key and not replaced: more than one where writes were concurrent. */
  all<T>(value: TextMap<T>, key: string): T[] {
    return ordered(value)
      .filter(({ name }) => name === key)
      .map(({ payload: [item] }) => item)
  },

  /** Every key with what `get` says of it, in alphabetical order. */
  entries<T>(value: TextMap<T>): [key: string, item: T][] {
    const first = new Map<string, T>()
    for (const { name, payload } of ordered(value)) {
      if (!first.has(name)) first.set(name, payload[0])
    }
    return [...first].sort(([a], [b]) => compareText(a, b))
  },
} satisfies MergeableType<TextMap> & Record<string, unknown>

/** The more often a device wrote, the earlier: as good as any order, and the same everywhere. */
function ordered<T>(value: TextMap<T>): Addition<Entry<T>>[] {
  return present(value).sort((a, b) => b.count - a.count || compareText(a.by, b.by))
}

function isEntry(value: unknown): value is Entry<unknown> {
  return Array.isArray(value) && value.length === 1
}

/** One write that was tried twice with different outcomes: either will do, if it is the same one everywhere. */
function greaterEntry(a: Entry<unknown>, b: Entry<unknown>): Entry<unknown> {
  return compareBytes(encodeStructured(a), encodeStructured(b)) >= 0 ? a : b
}
