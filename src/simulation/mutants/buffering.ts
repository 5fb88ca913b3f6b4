/**
 * Buffered buckets: who syncs, what is said of it, and what a power cut may not bring about.
 */
import type { Mutant } from './mutant.ts'

const cuts = ['power cut', 'power cut', 'power cut', 'crash'] as const
const ring = { members: 4, n: 3, r: 2, w: 2, edges: 0, strictness: 0, sharedHost: false } as const

export const ofBuffering: readonly Mutant[] = [
  {
    name: 'nobody makes a buffered write durable',
    clause: 'one of the N makes the durable write',
    breaks: ['P1'],
    buffering: { durableOne: () => undefined },
    swarm: { buffering: 1 },
  },
  {
    name: 'whoever does not make a durable write is not replaced',
    clause: 'if the chosen one fails, another is asked',
    breaks: ['P1'],
    buffering: { passesOn: () => false },
    faults: ['isolated peer', 'isolated peer', 'one-way cut'],
    // A fallback would hand over, and each durable write syncs what stands before it.
    swarm: {
      ...ring,
      members: 3,
      clients: 2,
      pauseMs: 3000,
      faultPauseMs: 1500,
      tempers: ['blind'],
      buffering: 1,
    },
  },
  {
    name: 'a replica calls its buffer a disk',
    clause: 'a receipt says which acknowledgements were buffered',
    breaks: ['outcome'],
    buffering: { saysSynced: () => true },
    swarm: { buffering: 1 },
  },
  {
    name: 'a buffer counts as a durable copy',
    clause: 'dw counts what is synced',
    breaks: ['outcome'],
    buffering: { waitsForDurable: () => false },
    swarm: { buffering: 1 },
  },
  {
    name: 'a process goes on under an epoch of buffered names',
    clause: 'an epoch of buffered names ends with its process',
    breaks: ['P7'],
    buffering: { goesOn: () => true },
    faults: cuts,
    swarm: { ...ring, buffering: 1, keys: 2 },
  },
  {
    name: 'epochs for buffered names are set aside in a buffer',
    clause: 'epochs for buffered names are on the disk as taken before the first one is',
    breaks: ['P7'],
    buffering: { setsAside: () => 'buffered' },
    faults: cuts,
    swarm: { ...ring, buffering: 1, keys: 2 },
  },
  {
    name: 'a debt is taken into a buffer',
    clause: 'an acknowledgement that was buffered settles no debt',
    breaks: ['P1'],
    buffering: { settles: () => 'buffered' },
    faults: ['isolated peer', 'isolated peer', 'partition', 'crash'],
    swarm: { ...ring, members: 6, buffering: 0.3 },
  },
  {
    name: 'an owner covers what it has in a buffer',
    clause: 'everywhere is on the disks of all owners',
    breaks: ['outcome'],
    buffering: { syncsToCover: () => false },
    swarm: { ...ring, edges: 2, buffering: 1 },
  },
]
