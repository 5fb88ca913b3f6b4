/**
 * Keys that so many have written that a member writes them for one tab more: what that tab shows and says of such a write.
 */
import { StorageError } from '../../protocol/errors.ts'
import type { Edge } from '../../peer/edge.ts'
import type { Keyed } from '../../peer/keyed.ts'
import { simulatedLimits } from '../swarm.ts'
import type { Mutant } from './mutant.ts'
import { inMemory } from './tabs.ts'
import { refusal, tampering, wrap } from './wrap.ts'

/** Two writers are a crowd, and there are more tabs than that. */
const shared = {
  edges: 3,
  members: 4,
  n: 3,
  r: 2,
  w: 2,
  keys: 2,
  pauseMs: 500,
  limits: { ...simulatedLimits, vectorActors: 2 },
} as const

export const ofCrowdedKeys: readonly Mutant[] = [
  {
    name: 'a tab does not show what a member wrote for it',
    clause: 'what a tab has written it shows, whoever wrote it for it',
    breaks: ['P5'],
    // Who has a write made elsewhere has no id for it.
    storage: (storage) =>
      inMemory(storage, (copy) => ({
        ...copy,
        writes: copy.writes.filter(({ ids }) => ids.length > 0),
      })),
    faults: ['loss', 'clogged link', 'delay tails', 'isolated peer'],
    swarm: shared,
  },
  {
    name: 'a member that was to write for a tab and is silent has not written',
    clause:
      'an attempt that may have arrived keeps what is written here from being refused for good',
    breaks: ['outcome'],
    transport: tampering({
      miss: (request) => (request.type === 'put' ? refusal() : undefined),
    }),
    faults: ['one-way cut', 'one-way cut', 'clogged link', 'clogged link', 'loss'],
    swarm: {
      ...shared,
      tempers: ['blind', 'careful', 'careful'],
      limits: { ...shared.limits, siblings: 3 },
    },
  },
  {
    name: 'what a member wrote for a tab without room is called refused',
    clause: 'what a tab had a member write is not refused for want of room on the device',
    breaks: ['outcome'],
    keyed: withoutRoom,
    faults: ['full disk', 'full disk', 'full disk'],
    swarm: shared,
  },
]

/** It says of its own device what it should say of the write. */
function withoutRoom(edge: Edge): Keyed {
  return wrap<Keyed>(edge, {
    write: (order) =>
      edge.write(order).catch((error: unknown) => {
        const { cause } = error as Error
        throw cause instanceof StorageError ? cause : error
      }),
  })
}
