/**
 * The view of a ring that changes: who is in it and who owns what, by the facts rather than by the newest records.
 *
 * While nothing is known of any change the records are the view, as ever. From the first completed change on the owners are
 * those of the settled roster, and a member is whoever has a seat, is to have one, or is on its way in or out; what others
 * say of themselves is no part of it.
 */
import { compareText, toHex, utf8 } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import type { ChangingRules } from './changing-rules.ts'
import { type Facts, isRemoved } from './facts.ts'
import { seatOf } from './seats.ts'
import { jointChange, type Situation, situationOf } from './situation.ts'
import type { PeerId, SignedRecord, View } from './view.ts'

export interface LaidOut {
  readonly view: View
  readonly situation: Situation
}

/** `raw` is the view that the records alone would give. */
export function laidOut(rules: ChangingRules, raw: View, facts: Facts, self: PeerId): LaidOut {
  const records = new Map(raw.members.map(({ record }) => [record.peer, record]))
  const situation = situationOf(rules, raw.identity, records, facts, raw.ring)
  const joint = jointChange(rules, situation, self)
  if (facts.settled === undefined && joint === undefined) return { view: raw, situation }
  const next =
    joint && joint.ring !== situation.ring ? { change: joint.id, ring: joint.ring } : undefined
  const members = raw.members
    .filter(({ record }) => isMember(situation, record.peer))
    .sort((a, b) => compareText(a.record.peer, b.record.peer))
  const view: View = {
    identity: raw.identity,
    members,
    byPeer: new Map(members.map((signed) => [signed.record.peer, signed])),
    ring: situation.ring,
    digest: digestWith(members, situation.roster.id, joint?.id ?? ''),
    ...(next === undefined ? {} : { next }),
  }
  return { view, situation }
}

function isMember({ facts, roster, changes }: Situation, peer: PeerId): boolean {
  if (facts.settled === undefined) return true
  const course = facts.courses.get(peer)?.said
  if (course !== undefined && !isRemoved(facts, peer, course.join)) return true
  return [roster, ...changes.map((each) => each.roster)].some(
    (each) => seatOf(each, peer) !== undefined,
  )
}

/** Covers what the rings and the debts depend on. */
function digestWith(members: readonly SignedRecord[], roster: string, change: string): string {
  const stores = members.map(({ record: { peer, generation } }) => [peer, generation])
  return toHex(digestOf(utf8(JSON.stringify([stores, roster, change]))))
}
