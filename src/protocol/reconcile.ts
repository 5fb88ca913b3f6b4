/**
 * What R answers mean together, and who of the answerers must be told more (read repair, paper §5).
 */
import { descends, emptyState, type ObjectState, sync } from '../data/siblings.ts'
import type { PeerId } from './membership.ts'

export interface Answer {
  readonly peer: PeerId
  readonly owner: boolean
  readonly state: ObjectState
}

export interface Reconciled {
  readonly state: ObjectState
  /** Owners that answered with less than all answers say together. */
  readonly behind: readonly PeerId[]
}

export function reconcile(answers: readonly Answer[]): Reconciled {
  const state = answers.reduce((known, answer) => sync(known, answer.state), emptyState)
  const behind = answers.filter((answer) => answer.owner && !descends(answer.state, state))
  return { state, behind: behind.map(({ peer }) => peer) }
}
