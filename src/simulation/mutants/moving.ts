/**
 * Owners that change: what is said, by whom, of debts to those of before and those of now.
 */
import type { FaultKind } from '../faults.ts'
import type { Mutant } from './mutant.ts'
import { tampering } from './wrap.ts'

const moving: readonly FaultKind[] = [
  'another weight',
  'another weight',
  'one-way cut',
  'partition',
]

export const ofMoving: readonly Mutant[] = [
  {
    name: 'who is offered a debt has taken it, whoever owns the key',
    clause: 'an answer to a debt counts only if the target owns the key in its own view',
    breaks: ['P1', 'P3'],
    transport: tampering({
      tell: (reply) =>
        reply.type === 'taken' ? { ...reply, taken: reply.taken.map(() => true) } : reply,
    }),
    faults: moving,
    swarm: { members: 5, n: 3, r: 2, w: 2, keys: 8 },
  },
]
