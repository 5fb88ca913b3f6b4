import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { equalBytes, toHex, utf8 } from '../../src/data/bytes.ts'
import {
  apply,
  descends,
  emptyState,
  liveSiblings,
  makeValue,
  type ObjectState,
  sameState,
  stateDigest,
  sync,
} from '../../src/data/siblings.ts'
import {
  covers,
  type Dot,
  highest,
  nothingSeen,
  type Seen,
  trimLoose,
  union,
  withDot,
} from '../../src/data/vector.ts'
import { dotFrom, seenFrom, showDot, showSeen } from './seen-text.ts'

const key = utf8('carts/alice')

describe('two states', () => {
  // Each state: what was seen | the siblings. A sibling's value is its dot's name.
  test.each([
    ['nothing and something', '|', 'a1 | a1', 'a1 | a1'],
    ['the same twice', 'a1 | a1', 'a1 | a1', 'a1 | a1'],
    ['concurrent writes both stay', 'a1 | a1', 'b1 | b1', 'a1 b1 | a1 b1'],
    ['a write supersedes what its context covers', 'a1 | a1', 'a2 | a2', 'a2 | a2'],
    ['and only that', 'a1 b1 | a1 b1', 'a2 | a2', 'a2 b1 | a2 b1'],
    ['a blind write through the same actor is concurrent', 'a1 | a1', 'a+2 | a2', 'a2 | a1 a2'],
    ['a gap is no claim: the dot below may be alive', 'a+2 | a2', 'a1 | a1', 'a2 | a1 a2'],
    ['what both have stays', 'a1 b1 | a1 b1', 'a1 c1 | a1 c1', 'a1 b1 c1 | a1 b1 c1'],
    ['what one side saw superseded goes', 'a1 b1 | b1', 'a1 c1 | a1 c1', 'a1 b1 c1 | b1 c1'],
    ['a loose dot supersedes as the vector does', 'a1+3 | a3', 'a1+3 b1 | b1', 'a1+3 b1 | b1'],
    ['all gone on one side', 'a3 |', 'a1+3 | a1 a3', 'a3 |'],
  ])('%s: %s and %s', (_claim, left, right, both) => {
    const [a, b] = [stateFrom(left), stateFrom(right)]
    expect(showState(sync(a, b))).toBe(both)
    expect(showState(sync(b, a))).toBe(both)
  })

  test('two values under one dot, a forgery, are both kept in one order', () => {
    const honest = apply(emptyState, dotFrom('a1'), nothingSeen, makeValue(utf8('mug'), 1))
    const forged = apply(emptyState, dotFrom('a1'), nothingSeen, makeValue(utf8('gum'), 1))
    const both = sync(honest, forged)
    expect(both.siblings).toHaveLength(2)
    expect(sync(forged, honest)).toEqual(both)
    expect(sync(both, forged)).toBe(both)
    expect(sync(forged, both)).toBe(both)
  })

  test('a tombstone is a sibling that is not live', () => {
    const state = stateFrom('a1 b1 | a1 b1')
    const deleted = apply(state, dotFrom('c1'), seenFrom('a1'), makeValue(undefined, 1))
    expect(deleted.siblings.map(({ dot }) => showDot(dot))).toEqual(['b1', 'c1'])
    expect(liveSiblings(deleted).map(({ dot }) => showDot(dot))).toEqual(['b1'])
  })
})

/** The rules under test, so that broken ones can be planted in their place. */
interface Rules {
  sync(a: ObjectState, b: ObjectState): ObjectState
  apply(object: ObjectState, dot: Dot, context: Seen, value: ObjectValue): ObjectState
}

type ObjectValue = ReturnType<typeof makeValue>

const rules: Rules = { sync, apply }

/** A write as it is, and as what it truly follows: the names of all writes that its context covers. */
interface TrueWrite {
  readonly dot: Dot
  readonly context: Seen
  readonly follows: ReadonlySet<string>
}

/** A replica, and beside it the plain set of writes that reached it in whatever way. */
interface Replica {
  state: ObjectState
  readonly reached: Set<TrueWrite>
}

interface World {
  readonly replicas: readonly Replica[]
  readonly writes: TrueWrite[]
  /** What clients have read or been answered, to be handed back with a later write. */
  readonly contexts: Seen[]
}

type Step =
  | { readonly type: 'read'; readonly at: number; readonly looseDots: number }
  | {
      readonly type: 'write'
      readonly at: number
      readonly actor: string
      readonly context: Basis
      readonly here: boolean
    }
  | { readonly type: 'deliver'; readonly at: number; readonly write: number }
  | { readonly type: 'sync'; readonly at: number; readonly from: number }

/**
 * Where a write's context comes from: a read or a receipt, by its place among them; or any of the writes so far, bit
 * by bit, because a context may have lost loose dots, or be joined from several.
 */
type Basis = { readonly read: number } | { readonly writes: number }

const basis: fc.Arbitrary<Basis> = fc.oneof(
  fc.record({ read: fc.nat(20) }),
  fc.record({ writes: fc.nat(0x3fff_ffff) }),
)

const replicaCount = 3
const at = fc.nat(replicaCount - 1)
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ type: fc.constant('read' as const), at, looseDots: fc.constantFrom(0, 1, 64) }),
  fc.record({
    type: fc.constant('write' as const),
    at,
    actor: fc.constantFrom('a', 'b', 'c'),
    context: basis,
    // An edge's write reaches owners later, in any order; a member's is applied where it is minted.
    here: fc.boolean(),
  }),
  fc.record({ type: fc.constant('deliver' as const), at, write: fc.nat() }),
  fc.record({ type: fc.constant('sync' as const), at, from: at }),
)
const story = fc.array(step, { maxLength: 30 })

function takeStep(world: World, step: Step, under: Rules): void {
  const replica = world.replicas[step.at]!
  switch (step.type) {
    case 'read':
      world.contexts.push(trimLoose(replica.state.seen, step.looseDots))
      return
    case 'write': {
      const write = mint(world, step.actor, contextFrom(world, step.context))
      if (step.here) deliver(replica, write, under)
      return
    }
    case 'deliver': {
      const write = world.writes[step.write % world.writes.length]
      if (write !== undefined) deliver(replica, write, under)
      return
    }
    case 'sync': {
      const other = world.replicas[step.from]!
      replica.state = under.sync(replica.state, other.state)
      for (const write of other.reached) replica.reached.add(write)
    }
  }
}

function contextFrom(world: World, basis: Basis): Seen {
  if ('read' in basis) return world.contexts[basis.read % world.contexts.length]!
  const chosen = world.writes.filter((_, i) => ((basis.writes >> (i % 30)) & 1) === 1)
  return chosen.map(({ dot }) => dot).reduce(withDot, nothingSeen)
}

function mint(world: World, actor: string, context: Seen): TrueWrite {
  const counter = 1 + world.writes.filter(({ dot }) => dot.actor === actor).length
  const dot = { actor, counter }
  const covered = world.writes.filter((write) => covers(context, write.dot))
  const write = { dot, context, follows: new Set(covered.map((each) => showDot(each.dot))) }
  world.writes.push(write)
  world.contexts.push(withDot(context, dot))
  return write
}

function deliver(replica: Replica, write: TrueWrite, under: Rules): void {
  const { dot, context } = write
  replica.state = under.apply(replica.state, dot, context, valueOf(dot))
  replica.reached.add(write)
}

function valueOf(dot: Dot): ObjectValue {
  return makeValue(utf8(showDot(dot)), dot.counter)
}

/** What a replica must hold, by the true histories alone. */
function expectedOf(reached: Iterable<TrueWrite>): { seen: Set<string>; live: string[] } {
  const all = [...new Set(reached)]
  const followed = new Set(all.flatMap(({ follows }) => [...follows]))
  const names = all.map(({ dot }) => showDot(dot))
  const live = names.filter((name) => !followed.has(name)).toSorted()
  return { seen: new Set([...followed, ...names]), live }
}

function expectTruth(world: World, replica: Replica): void {
  const { seen, live } = expectedOf(replica.reached)
  expect(replica.state.siblings.map(({ dot }) => showDot(dot))).toEqual(live)
  for (const { dot } of world.writes) {
    expect(covers(replica.state.seen, dot)).toBe(seen.has(showDot(dot)))
  }
  for (const actor of ['a', 'b', 'c']) {
    const minted = world.writes.filter(({ dot }) => dot.actor === actor).length
    expect(highest(replica.state.seen, actor)).toBeLessThanOrEqual(minted)
  }
}

function play(steps: readonly Step[], under: Rules, check: (world: World) => void): World {
  const world: World = {
    replicas: Array.from({ length: replicaCount }, () => ({
      state: emptyState,
      reached: new Set<TrueWrite>(),
    })),
    writes: [],
    contexts: [nothingSeen],
  }
  for (const each of steps) {
    takeStep(world, each, under)
    check(world)
  }
  return world
}

/** Every replica holds, after every step, what the true histories say. */
function truthful(under: Rules) {
  return fc.property(story, (steps) => {
    play(steps, under, (world) => {
      for (const replica of world.replicas) expectTruth(world, replica)
    })
  })
}

/** Any writes that are all delivered, in any order and any number of times, give one state. */
function orderless(under: Rules) {
  const deliveries = fc.array(fc.nat(), { maxLength: 20 })
  return fc.property(
    story,
    deliveries,
    fc.array(fc.nat(), { maxLength: 20 }),
    (steps, some, ranks) => {
      const { writes } = play(steps, rules, () => {})
      if (writes.length === 0) return
      const chosen = some.map((index) => writes[index % writes.length]!)
      const once = [...new Set(chosen)]
      const otherwise = once.toSorted((x, y) => rankOf(x, ranks) - rankOf(y, ranks))
      const states = [chosen, once, otherwise].map((each) => {
        const replica: Replica = { state: emptyState, reached: new Set() }
        for (const write of each) deliver(replica, write, under)
        return replica.state
      })
      for (const state of states) {
        expect(state).toEqual(states[0])
        expect(stateDigest(key, state)).toEqual(stateDigest(key, states[0]!))
      }
    },
  )

  function rankOf({ dot }: TrueWrite, ranks: readonly number[]): number {
    return ranks[(dot.counter + dot.actor.charCodeAt(0)) % ranks.length] ?? 0
  }
}

/** Commutative, associative, idempotent, on states that truly arise. */
function lawful(under: Rules) {
  return fc.property(story, (steps) => {
    const [a, b, c] = play(steps, rules, () => {}).replicas.map(({ state }) => state)
    if (a === undefined || b === undefined || c === undefined) return
    expect(under.sync(a, b)).toEqual(under.sync(b, a))
    expect(under.sync(under.sync(a, b), c)).toEqual(under.sync(a, under.sync(b, c)))
    expect(under.sync(a, a)).toEqual(a)
    expect(under.sync(a, under.sync(a, b))).toEqual(under.sync(a, b))
  })
}

describe('sync and apply', () => {
  test('hold what the true histories say, at every replica after every step', () => {
    fc.assert(truthful(rules), { numRuns: 500 })
  })

  test('give the same for any order, number and subset of deliveries', () => {
    fc.assert(orderless(rules), { numRuns: 500 })
  })

  test('are commutative, associative and idempotent', () => {
    fc.assert(lawful(rules), { numRuns: 500 })
  })

  test('change nothing, by reference, where nothing is news', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const [a, b] = play(steps, rules, () => {}).replicas.map(({ state }) => state)
        const both = sync(a!, b!)
        expect(sync(both, a!)).toBe(both)
        expect(sync(both, b!)).toBe(both)
        expect(sync(a!, a!)).toBe(a)
      }),
    )
  })
})

describe('comparing states', () => {
  test('a state descends from another exactly when every write of it got there too', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const { replicas } = play(steps, rules, () => {})
        for (const a of replicas) {
          for (const b of replicas) {
            const [ours, theirs] = [expectedOf(a.reached), expectedOf(b.reached)]
            const both = expectedOf([...a.reached, ...b.reached])
            expect(descends(a.state, b.state)).toBe(same(both, ours))
            expect(sameState(a.state, b.state)).toBe(same(ours, theirs))
          }
        }
      }),
    )
  })

  test('equal states have equal digests, and different ones different digests', () => {
    fc.assert(
      fc.property(story, (steps) => {
        const { replicas } = play(steps, rules, () => {})
        for (const a of replicas) {
          for (const b of replicas) {
            const equal = equalBytes(stateDigest(key, a.state), stateDigest(key, b.state))
            expect(equal).toBe(sameState(a.state, b.state))
          }
        }
      }),
    )
  })

  test('the digest covers the key, what was seen, and each value', () => {
    const states = ['a1 | a1', 'a2 | a1', 'a1 |', 'a1 b1 | a1', 'a1+3 | a1', 'b1 | b1'].map(
      stateFrom,
    )
    const digests = [
      ...states.map((state) => toHex(stateDigest(key, state))),
      toHex(stateDigest(utf8('carts/bob'), states[0]!)),
      toHex(
        stateDigest(key, apply(emptyState, dotFrom('a1'), nothingSeen, makeValue(undefined, 1))),
      ),
    ]
    expect(new Set(digests).size).toBe(digests.length)
  })

  function same(a: ReturnType<typeof expectedOf>, b: ReturnType<typeof expectedOf>): boolean {
    return (
      a.seen.size === b.seen.size && a.live.join() === b.live.join() && isWithin(a.seen, b.seen)
    )
  }

  function isWithin(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
    return [...a].every((name) => b.has(name))
  }
})

/** Rules built on another `sync`, as `apply` is. */
function rulesOn(broken: Rules['sync']): Rules {
  return {
    sync: broken,
    apply: (object, dot, context, value) =>
      broken(object, { seen: withDot(context, dot), siblings: [{ dot, value }] }),
  }
}

const mutants: Record<string, Rules> = {
  'a gap is closed by raising the vector': rulesOn((a, b) => {
    const { seen, siblings } = sync(a, b)
    const raised = [...seen.keys()].map((actor): [string, { upTo: number; loose: number[] }] => [
      actor,
      { upTo: highest(seen, actor), loose: [] },
    ])
    return { seen: new Map(raised), siblings }
  }),
  'a sibling that both sides have is dropped': rulesOn((a, b) => {
    const { seen, siblings } = sync(a, b)
    return { seen, siblings: siblings.filter(({ dot }) => !(has(a, dot) && has(b, dot))) }
  }),
  'what one side saw superseded is kept': rulesOn((a, b) => {
    const siblings = [...a.siblings, ...b.siblings.filter(({ dot }) => !has(a, dot))]
    return inOrder({ seen: union(a.seen, b.seen), siblings })
  }),
  'the left side wins what it has seen': rulesOn((a, b) => {
    const news = b.siblings.filter(({ dot }) => !covers(a.seen, dot))
    return inOrder({ seen: union(a.seen, b.seen), siblings: [...a.siblings, ...news] })
  }),
  'the longer vector replaces the shorter one and its loose dots': rulesOn((a, b) => {
    const { siblings } = sync(a, b)
    const seen = new Map(a.seen)
    for (const [actor, entry] of b.seen) {
      if (entry.upTo > (seen.get(actor)?.upTo ?? -1)) seen.set(actor, entry)
    }
    return { seen, siblings }
  }),
  'an entry without a live value is pruned': rulesOn((a, b) => {
    const { seen, siblings } = sync(a, b)
    const alive = [...seen].filter(([actor]) => siblings.some(({ dot }) => dot.actor === actor))
    return { seen: new Map(alive), siblings }
  }),
  'siblings stay in the order of arrival': rulesOn((a, b) => {
    const { seen, siblings } = sync(a, b)
    const arrival = [...a.siblings, ...b.siblings].map(({ dot }) => showDot(dot))
    const order = (dot: Dot) => arrival.indexOf(showDot(dot))
    return { seen, siblings: siblings.toSorted((x, y) => order(x.dot) - order(y.dot)) }
  }),
  'a write covers what the object has seen': {
    sync,
    apply: (object, dot, context, value) => apply(object, dot, union(context, object.seen), value),
  },
  'a write whose dot is known is skipped, and its context with it': {
    sync,
    apply: (object, dot, context, value) =>
      covers(object.seen, dot) ? object : apply(object, dot, context, value),
  },
  'a write ignores its context': {
    sync,
    apply: (object, dot, _context, value) => apply(object, dot, nothingSeen, value),
  },
}

describe('the properties catch', () => {
  test.each(Object.entries(mutants))('%s', (_name, broken) => {
    const runs = { numRuns: 5000, seed: 1 }
    const failed =
      fc.check(truthful(broken), runs).failed ||
      fc.check(orderless(broken), runs).failed ||
      fc.check(lawful(broken), runs).failed
    expect(failed).toBe(true)
  })
})

function has(state: ObjectState, dot: Dot): boolean {
  return state.siblings.some((sibling) => showDot(sibling.dot) === showDot(dot))
}

function inOrder({ seen, siblings }: ObjectState): ObjectState {
  return {
    seen,
    siblings: siblings.toSorted((x, y) => (showDot(x.dot) < showDot(y.dot) ? -1 : 1)),
  }
}

function stateFrom(text: string): ObjectState {
  const [seen = '', siblings = ''] = text.split('|')
  const names = siblings.split(' ').filter((name) => name !== '')
  return {
    seen: seenFrom(seen),
    siblings: names.map(dotFrom).map((dot) => ({ dot, value: valueOf(dot) })),
  }
}

function showState({ seen, siblings }: ObjectState): string {
  const names = siblings.map(({ dot }) => ` ${showDot(dot)}`)
  return `${showSeen(seen)} |${names.join('')}`
}
