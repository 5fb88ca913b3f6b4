/**
 * Asking the owners at once and letting fallbacks stand in (the sloppy quorum, paper §4.6).
 *
 * The healthy come first: every owner that is not suspect is asked in the same turn, and each suspect, refusal or
 * missed deadline brings in the next fallback. A suspicion may be stale, so suspects are not given up: they are asked
 * when nobody healthier is left. The verdict resolves the caller; what is still on its way goes on behind it.
 *
 * A get asks only as many as it needs, and waits for none of them longer than is usual: then the next owner is asked too.
 */
import { type Key, showKey } from '../data/key.ts'
import { RingletError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Placement } from '../protocol/placement.ts'
import {
  acknowledged,
  asked,
  failed,
  hostsOf,
  newTally,
  type Quota,
  type Tally,
  verdict,
  type Vote,
} from '../protocol/quorum.ts'
import type { Failure } from './failure.ts'
import type { Hedging } from './hedging.ts'
import type { MemberWorld } from './world.ts'

/** One stand-in: the holder keeps what the owner lacks. */
export interface Hint {
  readonly holder: PeerId
  readonly owner: PeerId
}

export interface Fanned<A> {
  readonly met: boolean
  readonly tally: Tally
  readonly answers: readonly A[]
  readonly hints: readonly Hint[]
  /** Whether some peer that failed may have acted all the same. */
  readonly uncertain: boolean
}

export interface FanoutOptions<A> {
  readonly label: string
  readonly needed: number
  /** What else is needed: so many of owners, so many of durable members. */
  readonly quotas?: readonly Quota[]
  /** By when, in awake time, the whole of the request must be over. */
  readonly endMs: number
  /** Ask every healthy owner at once (a put wants N copies), or only as many as are needed (a get). */
  readonly breadth: 'all' | 'needed'
  /** Where to ask one owner more when another takes long, as far as that is allowed. */
  readonly hedging?: Hedging
  /** The coordinator's own answer, if it has given one. */
  readonly own: A | undefined
  /** Asks one peer, for no longer than this; `insteadOf` names the owner it stands in for. */
  send(peer: PeerId, deadlineMs: number, insteadOf: PeerId | undefined): Promise<A | Failure>
  /** Whether an answer counts as a vote: a fallback that holds nothing gives no answer to a get. */
  weigh?(answer: A): Weight
}

/** What an answer is worth: a vote; or only what it says; or, for this reason, nothing at all. */
export type Weight = 'counts' | { readonly merges: boolean; readonly why: string }

type Attempt = { readonly peer: PeerId; readonly insteadOf: PeerId | undefined }

/** Resolves as soon as `needed` votes are in or can no longer come; never rejects. */
export function fanout<A extends object>(
  world: MemberWorld,
  placement: Placement,
  options: FanoutOptions<A>,
): Promise<Fanned<A>> {
  const { clock, limits, links, self, rules, say, tasks } = world
  const { endMs, hedging } = options
  const vote = (peer: PeerId): Vote => rules.voteOf(peer, placement.hostOf(peer))
  const answered = (peer: PeerId): boolean => peer === self && options.own !== undefined
  const targets = placement.owners.filter((peer) => !answered(peer))
  const healthy = targets.filter((peer) => !links.isSuspect(peer))
  const suspects = targets.filter((peer) => links.isSuspect(peer))
  const fallbacks = placement.fallbacks.filter((peer) => !answered(peer))
  const weigh = (answer: A): Weight => options.weigh?.(answer) ?? 'counts'
  const ownWeight = options.own === undefined ? undefined : weigh(options.own)
  const quotas = options.quotas ?? []
  const most = Math.max(options.needed, ...quotas.map(({ needed }) => needed))
  const enough = most - (ownWeight === 'counts' ? 1 : 0)
  const first = options.breadth === 'all' ? healthy : links.fastestFirst(healthy).slice(0, enough)
  // Whom to turn to when somebody fails: other owners, live fallbacks, then the suspects after all.
  const spares = [
    ...healthy.filter((peer) => !first.includes(peer)),
    ...fallbacks.filter((peer) => !links.isSuspect(peer)),
    ...suspects,
    ...fallbacks.filter((peer) => links.isSuspect(peer)),
  ]
  const answers: A[] = options.own === undefined ? [] : [options.own]
  const hints: Hint[] = []
  let uncertain = false
  let resolved = false
  let hedges = 0
  let tally = newTally(options.needed, quotas)
  if (ownWeight === 'counts') tally = acknowledged(tally, vote(self))
  else if (ownWeight !== undefined) tally = failed(tally, vote(self), ownWeight.why)

  return new Promise((resolve) => {
    const settle = (): void => {
      const decided = verdict(tally, spares.map(vote))
      if (decided === 'pending') {
        // Two answers from one host are one: somebody else must be asked, unless the time for that is over.
        if (tally.waiting.length === 0) replace(undefined)
        if (tally.waiting.length > 0) return
      }
      resolved = true
      resolve({ met: decided === 'met', tally, answers, hints, uncertain })
    }

    const attempt = async ({ peer, insteadOf }: Attempt): Promise<void> => {
      const deadlineMs = Math.min(limits.ownerMs, endMs - clock.elapsed())
      const askedMs = clock.elapsed()
      const stopWaiting = hedge(peer)
      const answer = await sound(options.send(peer, deadlineMs, insteadOf))
      stopWaiting()
      if ('failed' in answer) {
        uncertain ||= answer.sent
        fail(peer, insteadOf, answer.why)
      } else {
        hedging?.took(peer, clock.elapsed() - askedMs)
        take(peer, insteadOf, answer)
      }
      settle()
    }

    /** Asks the next owner too, unless this one answers in its usual time. */
    const hedge = (peer: PeerId): (() => void) => {
      const patienceMs = peer === self ? undefined : hedging?.patienceMs(peer)
      const isOwner = placement.owners.includes(peer)
      if (patienceMs === undefined || !isOwner) return () => {}
      return clock.after(patienceMs, () => {
        // Whether or not one more may be asked now, those who come next turn to others first.
        links.waitedFor(peer, patienceMs)
        const [next] = spares
        if (resolved || next === undefined || !healthy.includes(next)) return
        if (hedging?.take(hedges) !== true) return
        hedges++
        say({ type: 'hedge', from: peer, to: next })
        start({ peer: spares.shift()!, insteadOf: undefined })
      })
    }

    const take = (peer: PeerId, insteadOf: PeerId | undefined, answer: A): void => {
      const weight = weigh(answer)
      if (weight === 'counts' || weight.merges) answers.push(answer)
      if (weight !== 'counts') return fail(peer, insteadOf, weight.why)
      if (insteadOf !== undefined) hints.push({ holder: peer, owner: insteadOf })
      tally = acknowledged(tally, vote(peer))
    }

    const fail = (peer: PeerId, insteadOf: PeerId | undefined, why: string): void => {
      tally = failed(tally, vote(peer), why)
      // A copy that is missing is to be made all the same; an answer that nobody waits for any more is not.
      if (!resolved || options.breadth === 'all') replace(insteadOf ?? peer)
    }

    const start = (next: Attempt): void => {
      tally = asked(tally, vote(next.peer))
      tasks.run(options.label, attempt(next))
    }

    const replace = (owner: PeerId | undefined): void => {
      // However many could still be asked: a request takes no longer than it may.
      if (clock.elapsed() >= endMs) spares.length = 0
      const spare = spares.shift()
      if (spare === undefined) return
      start({ peer: spare, insteadOf: placement.owners.includes(spare) ? undefined : owner })
    }

    for (const peer of first) start({ peer, insteadOf: undefined })
    const short = options.breadth === 'all' ? suspects.length : enough - first.length
    for (const peer of suspects.slice(0, Math.max(0, short))) {
      tally = failed(tally, vote(peer), 'suspect')
      replace(peer)
    }
    settle()
  })
}

/** A defect on the way to one answer costs that answer, and never leaves the caller waiting. */
async function sound<A extends object>(answer: Promise<A | Failure>): Promise<A | Failure> {
  try {
    return await answer
  } catch {
    return { failed: true, why: 'defect', sent: true, refusal: undefined }
  }
}

/** Too few hosts have answered, and no more can. */
export function quorumError<A>(
  what: 'put' | 'get' | 'list',
  key: Key,
  needed: number,
  result: Fanned<A>,
): RingletError {
  const got = hostsOf(result.tally.acks)
  const answers = {
    ...result.tally.failures,
    ...Object.fromEntries(result.tally.acks.map(({ peer }) => [peer, 'ok'])),
  }
  return new RingletError(
    'quorum-not-reached',
    got < needed
      ? `${what} ${showKey(key)}: ${got} of the ${needed} hosts needed have answered`
      : `${what} ${showKey(key)}: of the ${got} hosts that have answered too few are of the kind needed`,
    {
      needed,
      got,
      answers,
      outcome: result.uncertain ? 'unknown' : 'refused',
      remedy:
        what === 'put'
          ? 'Start the peers that are down; a retry with a context is safe.'
          : "Start the peers that are down, or read this device's own copy.",
    },
  )
}
