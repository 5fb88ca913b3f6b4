/**
 * What an operator asks of a ring's members, and how far it is: to leave, to weigh more, to send another away.
 *
 * A change takes as long as its transfer does, so each of these is answered once it is wanted; how far it is can be looked
 * at, and the peer goes on by itself. What would leave keys with too few ready owners is refused, unless the operator says
 * that it is meant.
 */
import { maxWeight } from '../src/data/ring.ts'
import { atRiskWithout, mayShrink } from '../src/protocol/at-risk.ts'
import { RingletError } from '../src/protocol/errors.ts'
import type { Alteration } from '../src/protocol/seats.ts'
import { lackingIn } from '../src/protocol/situation.ts'
import { changingRules } from '../src/protocol/changing-rules.ts'
import type { Standing } from '../src/peer/changing.ts'
import type { Member } from '../src/peer/member.ts'

export interface ChangeReport {
  /** That of the ring it leads to: one more with each change. */
  readonly number: number
  readonly moves: readonly Move[]
  /** Members that must hold more, or make sure that they do, before the change is completed. */
  readonly fills: readonly { readonly peer: string; readonly isFilled: boolean }[]
  readonly isFilled: boolean
}

export interface Move {
  readonly peer: string
  readonly what: 'joins' | 'leaves' | 'changes'
  /** Of the seat that it is to have; null where it is to have none. */
  readonly weight: number | null
  readonly zone: string | null
}

export interface StandingReport {
  readonly peer: string
  readonly standing: Standing
  /** Null where it has no seat that a change gave it. */
  readonly weight: number | null
  readonly change: ChangeReport | null
  /** What a change of the ring makes this peer's own, in partitions, and how much of it is here. */
  readonly filling: { readonly done: number; readonly of: number } | null
  /** Keys that it holds for others. */
  readonly hints: number
}

export async function reportStanding(member: Member): Promise<StandingReport> {
  const { filling, hints } = await member.report()
  const { standing, seat } = member.changing
  return {
    peer: member.id,
    standing,
    weight: seat?.weight ?? null,
    change: reportChange(member),
    filling: filling ?? null,
    hints,
  }
}

/** The change that is under way; null where there is none. */
export function reportChange(member: Member): ChangeReport | null {
  const { situation } = member.changing
  const open = situation?.changes.filter(({ fate }) => fate !== 'withdrawn') ?? []
  const { next } = member.view
  const change = open.find(({ id }) => id === next?.change) ?? open[0]
  if (situation === undefined || change === undefined) return null
  const lacking = lackingIn(changingRules, situation, change)
  return {
    number: change.roster.number,
    moves: change.change.alterations.map(moveOf),
    fills: [...change.toFill].map((peer) => ({ peer, isFilled: !lacking.includes(peer) })),
    isFilled: lacking.length === 0,
  }
}

/** Rejects with `RingletError` where too few would be left, unless `force` says that it is meant. */
export function leave(member: Member, force: boolean): Promise<StandingReport> {
  const { view, world } = member
  if (view.ring.members.length < 2) throw refused('The last member of a ring cannot leave it.')
  if (!force && !mayShrink(view)) {
    throw refused(
      `A ring of ${view.ring.members.length} members cannot spare one: N is ${view.identity.n}.`,
      'Let another join first, or say --force.',
    )
  }
  world.tasks.run('leave', member.leave())
  return reportStanding(member)
}

/** Resolves once it is said; it is done when the others hold what it owned. */
export async function evict(member: Member, peer: string, force: boolean): Promise<object> {
  const { view, world } = member
  if (peer === member.id) {
    throw refused('A member does not send itself away.', 'Let it leave: `ringlet leave`.')
  }
  if (!view.byPeer.has(peer)) throw refused(`There is no member ${peer} in this ring.`)
  const isThere = (other: string): boolean => other === member.id || !world.links.isSuspect(other)
  const atRisk = atRiskWithout(view, peer, isThere)
  if (!force && atRisk > 0) {
    throw refused(
      `Without it ${atRisk} of ${view.identity.q} partitions have fewer than ${Math.max(1, view.identity.n - 1)} ready owners.`,
      'Wait until the others are up and ready, or say --force: what it alone holds is then lost.',
    )
  }
  await member.evict(peer)
  return { peer, evicted: true }
}

/** Asks for another share of the ring; it has it once those that gain by it hold what they gain. */
export async function weigh(member: Member, text: string | null): Promise<StandingReport> {
  const weight = /^\d{1,9}$/.test(text ?? '') ? Number(text) : Number.NaN
  if (!(weight >= 1 && weight <= maxWeight)) {
    throw new RingletError(
      'bad-argument',
      `weight ${text ?? ''} is no whole number from 1 to ${maxWeight}`,
    )
  }
  const {
    class: kind,
    host,
    zone,
  } = member.changing.seat ?? member.view.byPeer.get(member.id)!.record
  member.want({ seat: { class: kind, host, zone, weight } })
  return reportStanding(member)
}

function moveOf({ before, after }: Alteration): Move {
  return {
    peer: (after ?? before)!.peer,
    what: before === undefined ? 'joins' : after === undefined ? 'leaves' : 'changes',
    weight: after?.weight ?? null,
    zone: after?.zone ?? null,
  }
}

function refused(message: string, remedy?: string): RingletError {
  return new RingletError('bad-argument', message, remedy === undefined ? {} : { remedy })
}
