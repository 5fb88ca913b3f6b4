/**
 * What goes by itself: values that expire, and entries of long vectors that stand for nothing any more.
 */
import { asOf, type ObjectState, sync } from '../../data/siblings.ts'
import type { Seen } from '../../data/vector.ts'
import { limits } from '../../protocol/limits.ts'
import { isDead } from '../../protocol/reaping.ts'
import { deadEntries } from '../../protocol/shortening.ts'
import { networkSettings } from '../weather.ts'
import type { Mutant } from './mutant.ts'

const hasty = { ...limits, reapMs: 150, reapPollMs: 30, evictAfterMs: 500 } as const

/** Much is written that expires soon. */
const brief = {
  members: 5,
  n: 3,
  r: 2,
  w: 2,
  edges: 0,
  clients: 10,
  keys: 24,
  hotness: 0,
  pauseMs: 700,
  tempers: ['shopper', 'careful', 'blind', 'stale', 'careful'],
  expiry: { chance: 0.8, meanMs: 2000 },
  limits: hasty,
} as const

/** Many tabs write few keys, and any vector is long. */
const crowd = {
  ...brief,
  edges: 5,
  keys: 6,
  tempers: ['shopper', 'careful', 'careful', 'stale'],
  expiry: { chance: 0, meanMs: 1 },
  limits: { ...hasty, vectorEntries: 1 },
} as const

export const ofExpiring: readonly Mutant[] = [
  {
    name: 'an expiry is reaped by the clock of who asks',
    clause: "an expiry is reaped only if every member's own clock agrees",
    breaks: ['P6'],
    reaping: { agreesDead: (state) => isDead(state, Infinity) },
    faults: ['clock skew', 'clock skew', 'clock jump'],
    swarm: brief,
  },
  {
    name: 'a value is shown that has expired',
    clause: 'an expired value is a tombstone with the same dot',
    breaks: ['P6'],
    rules: { shownAt: (state) => state },
    swarm: brief,
  },
  {
    name: 'a value expires before its time',
    clause: 'a value that has not expired is no tombstone',
    breaks: ['P6'],
    rules: { shownAt: (state, nowMs) => asOf(state, nowMs + 1000) },
    swarm: brief,
  },
  {
    name: 'dead entries are pruned alone, without a round',
    clause: 'nobody prunes alone: a pruned vector resurrects what it forgot',
    breaks: ['P6', 'P2'],
    rules: { merge: (held, arrived) => pruned(sync(held, arrived)) },
    swarm: crowd,
  },
  {
    name: 'an entry is let go of that a value stands under',
    clause: 'entries of what was seen without a live value are dropped',
    breaks: ['P6', 'P10'],
    reaping: {
      deadEntries: ({ seen }) => seen,
      holdsAsAgreed: () => true,
      withoutEntries: without,
    },
    swarm: crowd,
  },
  {
    name: 'an entry of a present member is let go of',
    clause: 'a minter counts on from its entry, which stays as long as its store is a member',
    breaks: ['P7'],
    reaping: { deadEntries: (state) => deadEntries(state, new Set()) },
    swarm: crowd,
  },
  {
    name: 'an entry is let go of that has risen since it was agreed on',
    clause: 'each drops an entry if it has not moved',
    breaks: ['P6', 'P2', 'P10'],
    reaping: { holdsAsAgreed: () => true, withoutEntries: without },
    faults: ['slow peer', 'delay tails', 'isolated peer'],
    swarm: { ...crowd, pauseMs: 250 },
  },
  {
    name: 'entries are let go of though some have not taken the state in',
    clause: 'a round counts only what every member holds',
    breaks: ['P6', 'P2'],
    reaping: { isHeldByAll: (held) => held >= 2 },
    faults: ['crash', 'isolated peer', 'isolated peer', 'partition', 'flapping link'],
    swarm: crowd,
  },
  {
    name: 'entries are let go of though a tab may deliver again',
    clause: 'the copy has not risen by a stranger for evictAfter',
    breaks: ['P6', 'P2'],
    reaping: { mayComeAgain: () => false },
    faults: ['isolated peer', 'isolated peer', 'loss', 'duplication'],
    swarm: {
      ...crowd,
      members: 3,
      clients: 4,
      pauseMs: 300,
      network: { ...networkSettings, delayMs: [40, 60] },
      limits: { ...crowd.limits, evictAfterMs: 100_000 },
    },
  },
]

function pruned(state: ObjectState): ObjectState {
  const dead = deadEntries(state, new Set())
  return dead.size === 0 ? state : without(state, dead)
}

function without(state: ObjectState, entries: Seen): ObjectState {
  return { ...state, seen: new Map([...state.seen].filter(([actor]) => !entries.has(actor))) }
}
