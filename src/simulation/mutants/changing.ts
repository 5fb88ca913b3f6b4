/**
 * Rings whose members come, go and are sent away: what owners to be must hold first, who must agree, and what is counted by
 * which ring meanwhile.
 */
import { toBinaryText } from '../../data/bytes.ts'
import { factsKey } from '../../peer/facts-table.ts'
import { limits } from '../../protocol/limits.ts'
import type { Storage } from '../../ports.ts'
import type { FaultKind } from '../faults.ts'
import type { Mutant } from './mutant.ts'
import { wrap } from './wrap.ts'

const leaving = ['member leaves', 'member leaves', 'partition', 'crash'] as const

/** Rings that change again and again while they are cut in two. */
const changing: readonly FaultKind[] = [
  'member joins',
  'member leaves',
  'two changes at once',
  'partition',
  'partition',
  'isolated peer',
  'one-way cut',
]
/** People who ask strictly, again and again, for the same few things. */
const strict = {
  members: 5,
  n: 3,
  r: 2,
  w: 2,
  edges: 0,
  keys: 3,
  clients: 8,
  pauseMs: 200,
  faultPauseMs: 800,
  largeBytes: 0,
  strictness: 1,
} as const
/** Much is written, and little read: what is read is repaired by that. */
const unread = {
  ...strict,
  keys: 24,
  pauseMs: 400,
  tempers: ['stale', 'stale', 'stale', 'careful'],
} as const
/** What is deleted is soon forgotten, while some are away who have it. */
const deleters = {
  edges: 0,
  keys: 6,
  clients: 8,
  pauseMs: 300,
  largeBytes: 0,
  tempers: ['deleter', 'deleter', 'recreator'],
  limits: { ...limits, reapMs: 150, reapPollMs: 30, evictAfterMs: 2000 },
} as const

export const ofChanging: readonly Mutant[] = [
  {
    name: 'a change is completed before anybody holds what it is to own',
    clause: 'a change completes only when its gainers are ready',
    breaks: ['P4', 'P1'],
    changing: { mayConfirm: () => true, fills: () => [] },
    faults: changing,
    swarm: unread,
  },
  {
    name: 'one owner completes a change, and asks nobody',
    clause: 'q owners of every partition of the current ring have confirmed it',
    breaks: ['P4', 'P1'],
    changing: { confirmsNeeded: () => 1, mayConfirm: () => true },
    faults: changing,
    swarm: strict,
  },
  {
    name: 'while the ring goes over a strict write takes any W of both rings',
    clause: 'a strict put needs W in each',
    breaks: ['P4'],
    changing: { ringsCounted: (rings, what) => (what === 'put' ? [] : rings) },
    faults: leaving,
    swarm: strict,
  },
  {
    name: 'while the ring goes over strict requests take any W and R of both rings',
    clause: 'a strict put needs W in each, a strict get R in each',
    breaks: ['P4'],
    changing: { ringsCounted: () => [] },
    faults: changing,
    swarm: strict,
  },
  {
    name: 'while the ring goes over a strict get asks the ring on its way alone',
    clause: 'a strict get needs R in each',
    breaks: ['P4'],
    changing: { ringsCounted: (rings, what) => (what === 'get' ? rings.slice(1) : rings) },
    faults: changing,
    swarm: strict,
  },
  {
    name: 'while the ring goes over a strict write takes W of the ring on its way alone',
    clause: 'a strict put needs W in each',
    breaks: ['P4'],
    changing: { ringsCounted: (rings, what) => (what === 'put' ? rings.slice(1) : rings) },
    faults: changing,
    swarm: strict,
  },
  {
    name: 'while the ring goes over a strict get takes any R of both rings',
    clause: 'a strict get needs R in each',
    breaks: ['P4'],
    changing: { ringsCounted: (rings, what) => (what === 'get' ? [] : rings) },
    faults: changing,
    swarm: strict,
  },
  {
    name: 'who has taken up a change counts by the ring on its way alone',
    clause: 'while a change is under way a view has two rings',
    breaks: ['P4'],
    changing: { ringsCounted: (rings) => rings.slice(1) },
    faults: changing,
    swarm: strict,
  },
  {
    name: 'a change is completed by whoever hears of it',
    clause: 'q owners of every partition of the current ring have confirmed it',
    breaks: ['P4', 'P1'],
    changing: { confirmsNeeded: () => 0 },
    faults: changing,
    swarm: strict,
  },
  {
    name: 'who comes anew keeps what it owned',
    clause: 'an evicted member offers what it owes and drops the rest',
    breaks: ['P6', 'P2'],
    changing: { forgetsOwned: () => false },
    faults: ['member is evicted', 'member is evicted', 'member leaves', 'partition'],
    swarm: deleters,
  },
  {
    name: 'what was said of changes is forgotten with the process',
    clause: 'a restarted peer loads its table before it serves',
    breaks: ['P4', 'P1'],
    storage: forgetChanges,
    faults: ['crash', 'crash', ...changing],
    swarm: strict,
  },
  {
    name: 'until a change is completed all go by the ring that stands',
    clause: 'writes go to the owners of both rings',
    breaks: ['P4', 'P1'],
    changing: { isReleased: () => true, fills: () => [] },
    faults: changing,
    swarm: strict,
  },
  {
    name: 'a change is confirmed though some who gain have not said that they are filled',
    clause: 'a change completes only when its gainers are ready',
    breaks: ['P4', 'P1'],
    changing: { mayConfirm: () => true },
    faults: ['disk lost in a change', 'disk lost in a change', 'partition', 'two changes at once'],
    swarm: strict,
  },
]

/** Nothing that was said of changes is there when the next process asks for it. */
function forgetChanges(storage: Storage): Storage {
  const place = toBinaryText(factsKey)
  return wrap(storage, {
    getMany: async (keys) => {
      const values = await storage.getMany(keys)
      return values.map((value, i) => (toBinaryText(keys[i]!) === place ? undefined : value))
    },
  })
}
