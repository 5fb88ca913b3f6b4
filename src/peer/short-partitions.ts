/**
 * Which part of the ring can serve no strict request: the partitions that have too few ready owners.
 *
 * A disk that was lost is refilled by itself. Where several were lost before that, nobody may be left who could refill
 * them: then only an operator can go on, who should hear of it before an application does.
 */
import type { View } from '../protocol/membership.ts'
import type { Rules } from '../protocol/rules.ts'

/** How many partitions have fewer ready owners, on distinct hosts, than a strict request needs. */
export function shortPartitions({ identity, ring, byPeer }: View, rules: Rules): number {
  const needed = rules.strictLeast(identity.n)
  let count = 0
  for (let partition = 0; partition < identity.q; partition++) {
    const ready = ring
      .ownersOf(partition)
      .flatMap((peer) => byPeer.get(peer)?.record ?? [])
      .filter(({ readiness }) => readiness === 'ready')
    if (new Set(ready.map(({ host }) => host)).size < needed) count++
  }
  return count
}

/** A sentence for people; none while every store that was lost is on its way to be whole, or none was. */
export function shortWarnings(view: View, rules: Rules): string[] {
  const isRefilling = view.members.some(({ record }) => record.readiness === 'refilling')
  const count = isRefilling ? shortPartitions(view, rules) : 0
  if (count === 0) return []
  const least = rules.strictLeast(view.identity.n)
  return [
    `${count} of ${view.identity.q} partitions have fewer than ${least} ready owners: strict requests for ` +
      'their keys are refused until members that lost their disks are refilled.',
  ]
}
