/**
 * Strict requests: who counts, and from when on a store that lost something counts again.
 */
import type { Mutant } from './mutant.ts'

/** Every request is strict, and disks are lost while some members do not hear of it. */
const losing = [
  'wiped disk',
  'wiped disk',
  'failed sync',
  'isolated peer',
  'partition',
  'one-way cut',
] as const
const strict = {
  members: 5,
  n: 3,
  r: 2,
  w: 2,
  edges: 0,
  keys: 2,
  clients: 8,
  pauseMs: 250,
  faultPauseMs: 700,
  largeBytes: 0,
  strictness: 1,
} as const

export const ofStrictness: readonly Mutant[] = [
  {
    name: 'fallbacks answer strict requests',
    clause: 'owners only',
    breaks: ['P4'],
    rules: { mayStandIn: () => true, countsStrictly: () => true },
    faults: ['partition', 'isolated peer', 'isolated peer', 'crash', 'crash'],
    swarm: strict,
  },
  {
    name: 'two owners on one host are two votes of a strict request',
    clause: 'distinct hosts are counted',
    breaks: ['P1', 'P4'],
    rules: { voteOf: (peer) => ({ peer, host: peer }) },
    faults: ['partition', 'isolated peer', 'wiped disk'],
    swarm: { ...strict, members: 3, sharedHost: true },
  },
  {
    name: 'one answer is enough for a strict get',
    clause: 'R and W are at least a majority',
    breaks: ['P4'],
    rules: { strictLeast: () => 1 },
    swarm: { ...strict, r: 1 },
  },
  {
    name: 'who sees other lists is counted',
    clause: 'same lists or no count',
    breaks: ['P4'],
    rules: { countsStrictly: ({ isOwner, readiness }) => isOwner && readiness === 'ready' },
    // Who cannot store it does not learn that an owner has lost its disk.
    faults: ['full disk', 'full disk', 'full disk', 'wiped disk', 'wiped disk', ...losing],
    swarm: strict,
  },
  {
    name: 'a wiped owner counts at once',
    clause: 'one that lost its disk is not ready',
    breaks: ['P4'],
    rules: { readinessOf: () => 'ready' },
    faults: losing,
    swarm: strict,
  },
  {
    name: 'a wiped owner is ready after one other has told what it holds',
    clause: 'N−q+1 ready owners make it whole',
    breaks: ['P4'],
    rules: { sourcesNeeded: (n) => Math.min(1, n - 1) },
    faults: losing,
    swarm: strict,
  },
  {
    name: 'a wiped owner is ready after an exchange that compared nothing',
    clause: 'it has synced',
    breaks: ['P4'],
    rules: { compares: () => false },
    faults: losing,
    // What is read is repaired by that: so these keys are many, and mostly written.
    swarm: { ...strict, keys: 24, pauseMs: 600, tempers: ['stale', 'stale', 'stale', 'careful'] },
  },
  {
    name: 'that an owner is not ready is in no list',
    clause: 'the lists say which owners are ready',
    breaks: ['P4'],
    rules: {
      countsStrictly: ({ isOwner }, { agrees }) => isOwner && agrees,
    },
    faults: losing,
    swarm: strict,
  },
  {
    name: 'a damaged record is counted',
    clause: 'a quarantined key is not ready',
    breaks: ['P4'],
    rules: { isInDoubt: () => false },
    faults: ['flipped bit', 'flipped bit', 'flipped bit', 'torn batch', 'isolated peer'],
    swarm: strict,
  },
]
