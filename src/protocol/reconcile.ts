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

/** What a member says who was asked which owners have a write. */
export interface Coverage {
  readonly by: readonly PeerId[]
  /** How many owners there are as the answerer sees it. */
  readonly owners: number
  /** How many of them hold nothing of the key at all. */
  readonly without?: number | undefined
}

/** Whether all owners have it, those of the asker's view among them: who lost its disk may know of none but itself. */
export function isEverywhere({ by, owners }: Coverage, present: readonly PeerId[]): boolean {
  return by.length >= owners && present.every((peer) => by.includes(peer))
}

/**
 * Whether a write that these have acknowledged was let go of, with its key or with the entry of its minter: an owner that
 * had it holds nothing of its minter any more, and neither does any other. Of what only stand-ins have, nothing follows.
 */
export function isForgotten(
  { owners, without = 0 }: Pick<Coverage, 'owners' | 'without'>,
  acks: readonly PeerId[],
  present: readonly PeerId[],
): boolean {
  const isKnown = owners >= present.length
  return isKnown && without === owners && acks.some((peer) => present.includes(peer))
}
