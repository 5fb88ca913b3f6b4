/**
 * Rings whose members leave and come back: what owners to be must hold first, and who must agree.
 */
import type { Mutant } from './mutant.ts'

const leaving = ['member leaves', 'member leaves', 'partition', 'crash'] as const
const ring = { strictness: 0.6, edges: 0 } as const

export const ofChanging: readonly Mutant[] = [
  {
    name: 'a change is completed before anybody holds what it is to own',
    clause: 'a change completes only when its gainers are ready',
    breaks: ['P4', 'P1'],
    changing: { mayConfirm: () => true, fills: () => [] },
    faults: leaving,
    swarm: ring,
  },
  {
    name: 'one owner completes a change',
    clause: 'q owners of every partition of the current ring have confirmed it',
    breaks: ['P4', 'P1'],
    changing: { confirmsNeeded: () => 1 },
    faults: leaving,
    swarm: ring,
  },
]
