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

/**
 * Whether a write that these have acknowledged was let go of, with its key or with the entry of its minter: an owner that
 * had it holds nothing of its minter any more, and neither does any other. Of what only stand-ins have, nothing follows.
 */
export function isForgotten(
  { owners, without = 0 }: { readonly owners: number; readonly without?: number | undefined },
  acks: readonly PeerId[],
  present: readonly PeerId[],
): boolean {
  return without === owners && acks.some((peer) => present.includes(peer))
}
