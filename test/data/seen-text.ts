/**
 * What was seen, as a text for tables of cases: `a2+4 b1` is every write of a up to 2 and its fourth, and the first
 * of b; `a+3` is the third of a alone.
 */
import { type Dot, makeEntry, type Seen, sortedEntries } from '../../src/data/vector.ts'

export function seenFrom(text: string): Seen {
  const words = text.split(' ').filter((word) => word !== '')
  return new Map(
    words.map((word) => {
      const [upTo = '', ...loose] = word.slice(1).split('+')
      const entry = makeEntry(Number(upTo), loose.map(Number))
      if (entry === undefined) throw new Error(`no entry: ${word}`)
      return [word[0]!, entry]
    }),
  )
}

export function showSeen(seen: Seen): string {
  const words = sortedEntries(seen).map(
    ([actor, { upTo, loose }]) => actor + [upTo || '', ...loose].join('+'),
  )
  return words.join(' ')
}

export function dotFrom(text: string): Dot {
  return { actor: text[0]!, counter: Number(text.slice(1)) }
}

export function showDot(dot: Dot): string {
  return `${dot.actor}${dot.counter}`
}
