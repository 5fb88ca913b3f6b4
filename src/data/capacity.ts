/**
 * How many partitions a member may own: its fair share, and a little slack.
 *
 * A share by weight alone would be unfair where the rules leave no choice: with three zones and three owners, the
 * only member of a zone owns every partition, however many members the other zones have. So the shares rise
 * together, in proportion to weight, and whoever meets a bound (its own, its host's, its zone's, its class's)
 * stays there while the others rise on: weighted max-min fairness. The arithmetic is plain enough (no logarithm,
 * no power) that IEEE 754 fixes every bit of it.
 *
 * The slack buys calm. Every full member must give away partitions when another joins, and the joiner takes too few
 * from some of them; what they give away besides wanders from member to member until it finds room. How many too few
 * is a matter of chance, and grows with the root of the share; so does the slack. It may not have steps of its own, or
 * all give way at once where it takes one. Below the share it is twice as wide, for to bring a member up moves partitions
 * too: with 60 members of 205 partitions each, a join moved 1.14 times what it must, and 1.11 times without a lower bound.
 */
import type { Rules } from './matching.ts'

/** Whose shares rise, and what binds them. */
export interface Sharing {
  readonly members: readonly Sharer[]
  readonly partitions: number
  /** Owners a partition. */
  readonly owners: number
  /** At most so many of them transient. */
  readonly transientOwners: number
  readonly rules: Rules
}

export interface Sharer {
  readonly class: 'durable' | 'transient'
  readonly host: string
  readonly zone: string
  readonly weight: number
}

/** How many partitions a member may own. The fair share alone need not be a whole number. */
export interface Capacity {
  readonly least: number
  readonly share: number
  readonly most: number
}

/** That of each member, in the order of `sharing.members`. */
export function capacitiesOf(sharing: Sharing): Capacity[] {
  return fairShares(sharing).map((share) => {
    // A root would say the same, but no standard says that all engines round it alike.
    let most = Math.ceil(share)
    while (square(most + 1 - share) <= share / 6) most++
    let least = Math.floor(share)
    while (square(share - least + 1) <= (share / 6) * 4) least--
    return { least, share, most }
  })
}

function square(room: number): number {
  return room * room
}

/** Some members, by index, that own at most `left` partitions more, all together. */
interface Bound {
  left: number
  weight: number
  readonly members: readonly number[]
}

function fairShares(sharing: Sharing): number[] {
  const { members } = sharing
  const bounds = boundsOf(sharing)
  const boundsOn: Bound[][] = members.map(() => [])
  for (const bound of bounds) for (const index of bound.members) boundsOn[index]!.push(bound)
  const shares = members.map((): number | undefined => undefined)
  for (;;) {
    const tightest = tightestOf(bounds)
    if (tightest === undefined) return shares.map((share) => share ?? 0)
    const level = Math.max(0, tightest.left / tightest.weight)
    for (const index of tightest.members) {
      if (shares[index] !== undefined) continue
      const { weight } = members[index]!
      shares[index] = level * weight
      for (const bound of boundsOn[index]!) {
        bound.left -= level * weight
        bound.weight -= weight
      }
    }
  }
}

function boundsOf({ members, partitions, owners, transientOwners, rules }: Sharing): Bound[] {
  const everyone = members.map((_, index) => index)
  const transient = everyone.filter((index) => members[index]!.class === 'transient')
  const bound = (group: readonly number[], ownersOfIt: number): Bound => ({
    left: partitions * ownersOfIt,
    weight: group.reduce((sum, index) => sum + members[index]!.weight, 0),
    members: group,
  })
  const groups = (name: (member: Sharer) => string) =>
    Map.groupBy(everyone, (index) => name(members[index]!)).values()
  return [
    bound(everyone, owners),
    bound(transient, transientOwners),
    ...[...groups((member) => member.zone)].map((zone) => bound(zone, rules.perZone)),
    ...[...groups((member) => member.host)].map((host) =>
      bound(host, rules.distinctHosts ? 1 : owners),
    ),
    ...everyone.map((index) => bound([index], 1)),
  ]
}

/** The bound that the rising shares meet first; undefined when nobody rises any more. */
function tightestOf(bounds: readonly Bound[]): Bound | undefined {
  let tightest: Bound | undefined
  for (const bound of bounds) {
    if (bound.weight === 0) continue
    if (tightest === undefined || bound.left * tightest.weight < tightest.left * bound.weight) {
      tightest = bound
    }
  }
  return tightest
}
