/**
 * Causality: what a write covers, what survives a merge, and what a reader has seen.
 */
import { apply, compareSiblings, type ObjectState, sync } from '../../data/siblings.ts'
import { type Dot, type Entry, nothingSeen, type Seen, union, withDot } from '../../data/vector.ts'
import type { Mutant } from './mutant.ts'
import { tampering } from './wrap.ts'

export const ofCausality: readonly Mutant[] = [
  {
    name: 'a merge keeps a sibling that the other side has superseded',
    clause: 'a sibling survives if the side without it has not seen its dot',
    breaks: ['P2'],
    rules: { merge: keepAll },
  },
  {
    name: 'of two concurrent values the later clock wins',
    clause: 'concurrent writes both survive',
    breaks: ['P1'],
    rules: { merge: (held, arrived) => latest(sync(held, arrived)) },
  },
  {
    name: 'a merge keeps only the siblings that it held',
    clause: 'a sibling survives if the side without it has not seen its dot',
    breaks: ['P1'],
    rules: { merge: keepOwn },
  },
  {
    name: 'a context is clipped of its loose dots',
    clause: 'a context is a vector and loose dots',
    breaks: ['P2'],
    rules: { contextAfterPut: (given, own) => clipped(withDot(given, own)) },
  },
  {
    name: 'a gap in a context is closed by raising the vector',
    clause: 'no gap is closed by raising the vector',
    breaks: ['P1'],
    rules: { contextAfterPut: (given, own) => raised(withDot(given, own)) },
  },
  {
    name: 'a gap in a state is closed by raising the vector',
    clause: 'no gap is closed by raising the vector',
    breaks: ['P1'],
    rules: { merge: (held, arrived) => closed(sync(held, arrived)) },
    faults: ['reordering', 'loss', 'isolated peer', 'partition'],
    swarm: { edges: 3, members: 4, n: 3, r: 2, w: 2, keys: 2 },
  },
  {
    name: 'a loose dot stays loose when the gap below it is closed',
    clause: 'a loose dot just above its entry is absorbed at once',
    breaks: ['P10', 'P3'],
    rules: { apply: (...write) => loosened(apply(...write), write[1]) },
  },
  {
    name: 'a context loses its loose dots where it comes in',
    clause: 'a context is a vector and loose dots',
    breaks: ['P2'],
    limits: { looseDots: 0 },
  },
  {
    name: 'an answer to a read leaves out what was seen',
    clause: 'a read returns all that was seen',
    breaks: ['P2'],
    transport: tampering({
      hear: (reply) =>
        reply.type === 'read' && reply.state !== undefined
          ? { ...reply, state: { ...reply.state, seen: dotsOf(reply.state) } }
          : reply,
    }),
  },
  {
    name: 'a delete leaves no tombstone',
    clause: 'a delete is a write like any other',
    breaks: ['P1'],
    rules: { apply: withoutTombstone },
  },
  {
    name: 'a write supersedes all that it meets',
    clause: 'a write supersedes what its context covers',
    breaks: ['P1'],
    rules: {
      apply: (held, own, context, value) => apply(held, own, union(context, held.seen), value),
    },
  },
  {
    name: 'a write supersedes nothing',
    clause: 'a write supersedes what its context covers',
    breaks: ['P2'],
    rules: { apply: (held, own, _context, value) => apply(held, own, nothingSeen, value) },
  },
]

function keepAll(held: ObjectState, arrived: ObjectState): ObjectState {
  const siblings = [...held.siblings]
  for (const one of arrived.siblings) {
    if (!siblings.some((other) => compareSiblings(one, other) === 0)) siblings.push(one)
  }
  return { seen: union(held.seen, arrived.seen), siblings: siblings.sort(compareSiblings) }
}

/** The same object where nothing is news, or each repair would call for another. */
function keepOwn(held: ObjectState, arrived: ObjectState): ObjectState {
  const seen = union(held.seen, arrived.seen)
  return seen === held.seen ? held : { ...held, seen }
}

function latest(state: ObjectState): ObjectState {
  const time = Math.max(...state.siblings.map(({ value }) => value.writtenAt))
  return { ...state, siblings: state.siblings.filter(({ value }) => value.writtenAt === time) }
}

function clipped(context: Seen): Seen {
  const kept = [...context].filter(([, { upTo }]) => upTo > 0)
  return new Map(kept.map(([id, { upTo }]): [string, Entry] => [id, { upTo, loose: [] }]))
}

function raised(context: Seen): Seen {
  return new Map(
    [...context].map(([id, { upTo, loose }]): [string, Entry] => [
      id,
      { upTo: loose.at(-1) ?? upTo, loose: [] },
    ]),
  )
}

function closed(state: ObjectState): ObjectState {
  const isWhole = [...state.seen.values()].every(({ loose }) => loose.length === 0)
  return isWhole ? state : { ...state, seen: raised(state.seen) }
}

function loosened({ seen, siblings }: ObjectState, { actor }: Dot): ObjectState {
  const { upTo, loose } = seen.get(actor)!
  const entry = upTo === 0 ? { upTo, loose } : { upTo: upTo - 1, loose: [upTo, ...loose] }
  return { seen: new Map([...seen, [actor, entry]]), siblings }
}

function dotsOf({ siblings }: ObjectState): Seen {
  return siblings.reduce((seen, { dot }) => withDot(seen, dot), nothingSeen)
}

function withoutTombstone(...[held, own, context, value]: Parameters<typeof apply>): ObjectState {
  const after = apply(held, own, context, value)
  return { ...after, siblings: after.siblings.filter((each) => each.value.bytes !== undefined) }
}
