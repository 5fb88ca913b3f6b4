/**
 * A state in parts, each a state of its own: for one that is larger than a message may be.
 *
 * To cut the siblings up and send all of `seen` with each cut would delete what the cut leaves out: seen and not there
 * means superseded. So a part has not seen the siblings of the other parts. And what a part supersedes may be superseded
 * by a value of another part, which may never come: so all but the last have seen only their own values, and take nothing
 * away. Whoever syncs all parts, in any order and with whatever else in between, has synced the state; whoever gets them in
 * order, and not all, has missed the rest, and lost nothing.
 */
import { compareSiblings, type ObjectState, type Sibling } from './siblings.ts'
import { nothingSeen, sameDot, type Seen, withDot, withoutDots } from './vector.ts'

/** About how many bytes a state takes on the wire. */
export function weightOf({ siblings }: ObjectState): number {
  return siblings.reduce((sum, sibling) => sum + weightOfSibling(sibling), 100)
}

/** The state itself, if it weighs no more than this; else parts of which each but for its last sibling does. */
export function partsOf(state: ObjectState, mostBytes: number): readonly ObjectState[] {
  if (weightOf(state) <= mostBytes) return [state]
  const cuts: Sibling[][] = [[]]
  let weight = 0
  for (const [i, sibling] of state.siblings.entries()) {
    const previous = state.siblings[i - 1]
    // Two values under one dot are seen together or not at all.
    const isTwin = previous !== undefined && sameDot(previous.dot, sibling.dot)
    if (weight >= mostBytes && !isTwin) {
      cuts.push([])
      weight = 0
    }
    cuts.at(-1)!.push(sibling)
    weight += weightOfSibling(sibling)
  }
  return cuts.map((siblings, i) => {
    return i < cuts.length - 1 ? { seen: seenOf(siblings), siblings } : only(state, siblings)
  })
}

/** What of a state somebody lacks who has another: without the siblings that both have. */
export function lacking(state: ObjectState, of: ObjectState): ObjectState {
  const has = (sibling: Sibling): boolean =>
    of.siblings.some((each) => compareSiblings(each, sibling) === 0)
  const lacked = state.siblings.filter((sibling) => !has(sibling))
  const twins = state.siblings.filter(({ dot }) => lacked.some((each) => sameDot(each.dot, dot)))
  return only(state, twins)
}

function only(state: ObjectState, siblings: readonly Sibling[]): ObjectState {
  const others = state.siblings.filter((sibling) => !siblings.includes(sibling))
  const unseen = others.map(({ dot }) => dot)
  return { seen: withoutDots(state.seen, unseen), siblings }
}

/** The values' own dots, and nothing that they supersede. */
function seenOf(siblings: readonly Sibling[]): Seen {
  return siblings.reduce((seen, { dot }) => withDot(seen, dot), nothingSeen)
}

function weightOfSibling({ value }: Sibling): number {
  return 100 + (value.bytes?.length ?? 0)
}
