/**
 * Plain objects with any text for a name.
 *
 * Names come from users, and one of them may be `constructor` or `__proto__`. Read with `record[name]`, these give
 * what every object inherits; assigned, the latter changes what the object inherits. So records are only read by
 * their own properties and only made whole, from entries.
 */

export type ByName<T> = { readonly [name: string]: T }

export function own<T>(record: ByName<T>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

export function mapRecord<T, U>(
  record: ByName<T>,
  change: (item: T, name: string) => U,
): ByName<U> {
  return Object.fromEntries(
    Object.entries(record).map(([name, item]) => [name, change(item, name)]),
  )
}

/** What either has, and `join` of what both have under one name. */
export function joinRecords<T>(
  a: ByName<T>,
  b: ByName<T>,
  join: (ours: T, theirs: T) => T,
): ByName<T> {
  const joined = new Map(Object.entries(a))
  for (const [name, theirs] of Object.entries(b)) {
    const ours = joined.get(name)
    joined.set(name, ours === undefined ? theirs : join(ours, theirs))
  }
  return Object.fromEntries(joined)
}

/** Of structured data, what is neither a list nor bytes. */
export function isRecord(value: unknown): value is ByName<unknown> {
  if (typeof value !== 'object' || value === null) return false
  return !Array.isArray(value) && !ArrayBuffer.isView(value)
}
