/**
 * Deletes stay deleted: what a round of reaping must have asked, and of whom, before anybody forgets a tombstone.
 */
import { limits } from '../../protocol/limits.ts'
import { networkSettings } from '../weather.ts'
import type { Mutant } from './mutant.ts'

/** Much is deleted, and forgotten as soon as may be. */
const deleters = {
  members: 5,
  n: 3,
  r: 2,
  w: 2,
  edges: 0,
  clients: 10,
  keys: 24,
  hotness: 0,
  pauseMs: 700,
  tempers: ['deleter', 'recreator', 'deleter', 'recreator', 'careful'],
  limits: { ...limits, reapMs: 150, reapPollMs: 30, evictAfterMs: 2000 },
} as const

/** Messages come late, and come twice: what is forgotten in between may come then. */
const late = {
  ...deleters,
  members: 4,
  keys: 12,
  pauseMs: 900,
  network: { ...networkSettings, delayMs: [0.3, 2] },
} as const

/** Now and then a message takes longer than a round. */
const hasty = {
  ...late,
  clients: 4,
  keys: 4,
  pauseMs: 200,
  network: { ...networkSettings, delayMs: [0.3, 2], jitterMs: 8, spikes: 0.015 },
} as const

/** Tabs that are cut off while the answers to what they have delivered are on their way. */
const tabs = {
  ...deleters,
  members: 3,
  edges: 5,
  clients: 4,
  keys: 16,
  pauseMs: 300,
  network: { ...networkSettings, delayMs: [40, 60] },
  limits: { ...deleters.limits, evictAfterMs: 100_000 },
} as const

export const ofReaping: readonly Mutant[] = [
  {
    name: 'a round asks two members only',
    clause: 'all members are asked that are in the table',
    breaks: ['P6'],
    reaping: {
      askedOf: ({ members }) => members.map(({ record }) => record.peer).slice(0, 2),
    },
    faults: ['crash', 'isolated peer', 'isolated peer', 'partition'],
    swarm: deleters,
  },
  {
    name: 'who lost its disk begins rounds',
    clause: 'a member begins rounds when it knows of all who must be asked',
    breaks: ['P6'],
    reaping: { mayBegin: () => true },
    faults: ['wiped disk', 'wiped disk', 'partition', 'isolated peer', 'clock jump'],
    swarm: deleters,
  },
  {
    name: 'a member is clean while its earlier work goes on',
    clause: 'all that had begun before the question has ended',
    breaks: ['P6'],
    reaping: { waitsForWork: () => false },
    faults: ['duplication', 'duplication', 'slow disk'],
    swarm: hasty,
  },
  {
    name: 'a member is clean while its messages are on their way',
    clause: 'the others discard what was sent in earlier sessions',
    breaks: ['P6'],
    reaping: { waitsForOthers: () => false },
    faults: ['duplication', 'duplication', 'clogged link', 'delay tails'],
    swarm: late,
  },
  {
    name: 'what comes late of an earlier session is taken',
    clause: 'receivers discard input of superseded sessions',
    breaks: ['P6'],
    reaping: { isCurrent: () => true },
    faults: ['duplication', 'duplication', 'clogged link', 'delay tails'],
    swarm: late,
  },
  {
    name: 'a round goes on though some have not taken the tombstone in',
    clause: 'a member answers once it has synced this tombstone into whatever it holds',
    breaks: ['P6'],
    reaping: { isHeldByAll: (held) => held >= 3 },
    faults: ['crash', 'isolated peer', 'isolated peer', 'partition', 'flapping link'],
    swarm: deleters,
  },
  {
    name: 'a tombstone is dropped though the key has been written since',
    clause: 'each drops the key if its state has not moved',
    breaks: ['P6', 'P1'],
    reaping: { mayDrop: () => true },
    faults: ['slow peer', 'delay tails', 'reordering'],
    swarm: deleters,
  },
  {
    name: 'a tombstone that was lent goes after a while',
    clause: 'what is lent goes when the asker ends the round, never by a timeout',
    breaks: ['P6'],
    reaping: { keepsLent: (awakeMs) => awakeMs < 20 },
    faults: ['duplication', 'delay tails', 'slow disk', 'broken links'],
    swarm: { ...late, n: 2, r: 1, w: 2, pauseMs: 700 },
  },
  {
    name: 'a key is forgotten though an edge may deliver again',
    clause: 'the copy has not risen by a stranger for evictAfter',
    breaks: ['P6'],
    reaping: { mayComeAgain: () => false },
    faults: ['isolated peer', 'isolated peer', 'crash', 'loss'],
    swarm: tabs,
  },
]
