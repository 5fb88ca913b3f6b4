/**
 * What a receipt says of its write's name: the dots that its context covers and the writer's own context did not.
 *
 * Nothing else of a context is believed here, and this only to find out whether two receipts give one name to two writes.
 */
import type { Key } from '../../src/data/key.ts'
import { covers, type Dot } from '../../src/data/vector.ts'
import { contextFromText } from '../../src/protocol/context.ts'

export function dotsBetween(key: Key, before: string, after: string): Dot[] {
  const seen = contextFromText(key, before)
  const dots: Dot[] = []
  for (const [actor, { upTo, loose }] of contextFromText(key, after)) {
    const from = (seen.get(actor)?.upTo ?? 0) + 1
    const counters = [...loose]
    for (let counter = from; counter <= upTo; counter++) counters.push(counter)
    dots.push(...counters.map((counter) => ({ actor, counter })))
  }
  return dots.filter((dot) => !covers(seen, dot))
}
