/**
 * The tally of one request: is it enough, can it still be enough?
 *
 * A quorum is a value with three verdicts, not a counter inside a loop. Answers count once per *host*: two replicas
 * on one disk die together, and P1 promises W disks. Some requests ask for more than hosts: so many of the answers from
 * owners, so many from durable members. Each such demand has a verdict of its own, and the tally has the worst of them.
 */

export type Verdict = 'pending' | 'met' | 'lost'

/** So many hosts among these peers. */
export interface Quota {
  readonly needed: number
  among(peer: string): boolean
}

export interface Tally {
  readonly needed: number
  readonly quotas: readonly Quota[]
  /** Who answered well, in order, and the host of each. */
  readonly acks: readonly Vote[]
  /** Who was asked and has not answered. */
  readonly waiting: readonly Vote[]
  /** Why each of the others failed. */
  readonly failures: Readonly<Record<string, string>>
}

export interface Vote {
  readonly peer: string
  readonly host: string
}

export function newTally(needed: number, quotas: readonly Quota[] = []): Tally {
  return { needed, quotas, acks: [], waiting: [], failures: {} }
}

export function asked(tally: Tally, vote: Vote): Tally {
  return { ...tally, waiting: [...tally.waiting, vote] }
}

export function acknowledged(tally: Tally, vote: Vote): Tally {
  return { ...tally, acks: [...tally.acks, vote], waiting: without(tally.waiting, vote) }
}

export function failed(tally: Tally, vote: Vote, why: string): Tally {
  const failures = { ...tally.failures, [vote.peer]: why }
  return { ...tally, waiting: without(tally.waiting, vote), failures }
}

/** How many distinct hosts have answered. */
export function hostsOf(votes: readonly Vote[]): number {
  return new Set(votes.map(({ host }) => host)).size
}

/** `more`: peers that could still be asked (fallbacks not tried yet). */
export function verdict(tally: Tally, more: readonly Vote[] = []): Verdict {
  const { acks, waiting, needed, quotas } = tally
  let worst = verdictOf(needed, acks, waiting, more)
  for (const quota of quotas) {
    const [ours, theirs, others] = [acks, waiting, more].map((votes) => {
      return votes.filter(({ peer }) => quota.among(peer))
    })
    const one = verdictOf(quota.needed, ours!, theirs!, others!)
    if (one === 'lost' || worst === 'met') worst = one === 'met' ? worst : one
  }
  return worst
}

function verdictOf(
  needed: number,
  acks: readonly Vote[],
  waiting: readonly Vote[],
  more: readonly Vote[],
): Verdict {
  if (hostsOf(acks) >= needed) return 'met'
  return hostsOf([...acks, ...waiting, ...more]) >= needed ? 'pending' : 'lost'
}

function without(votes: readonly Vote[], gone: Vote): Vote[] {
  return votes.filter(({ peer }) => peer !== gone.peer)
}
