/**
 * The rules of the matching and the order in which they give way.
 *
 * Owners stand on distinct hosts, spread over the zones, and enough of them are durable. A single greedy pass under
 * all three rules can paint itself into a corner: the transient members it took first may fill the zones that the
 * durable ones need. So the places that only durable members may have are filled first and the open places after
 * them; in each of the two fillings the rules are nested (a host is within a zone), and then a list that keeps them
 * is found whenever one exists.
 *
 * Where it comes out short all the same, the rules give way one at a time, for that partition alone, the cheapest
 * first: capacity costs balance, a zone or a durable owner costs safety in rarer faults, a host shared by two owners
 * costs a promise, as one disk lost is then two copies lost. What balance it cost, `levelling` brings back.
 */
import { type Sharer, capacitiesOf } from './capacity.ts'
import type { Levelling } from './levelling.ts'
import type { Round, Rules } from './matching.ts'

export interface Wanted {
  readonly partitions: number
  /** Owners a partition. */
  readonly owners: number
  /** So many of them durable, if there are durable members on as many hosts. */
  readonly durableOwners: number
}

/** The rounds of the matching: the reserved places, then the open ones, each under rules that give way. */
export function roundsOf(wanted: Wanted, members: readonly Sharer[]): Round[] {
  const everyone = [...members.keys()]
  const durable = everyone.filter((index) => members[index]!.class === 'durable')
  const { reserved, strict } = termsOf(wanted, members)
  const anyZone = { distinctHosts: true, perZone: wanted.owners }
  const anyHost = { distinctHosts: false, perZone: wanted.owners }

  const unbounded = members.map(() => Infinity)
  const rounds = (eligible: readonly number[], upTo: number, rules: Rules): Round[] => {
    const transientOwners = wanted.owners - reserved
    const capacities = capacitiesOf({ ...wanted, members, transientOwners, rules })
    const bounded = capacities.map(({ most }) => most)
    const most = Math.min(upTo, rules.distinctHosts ? count(members, 'host') : members.length)
    return [bounded, unbounded].map((room) => ({
      eligible,
      upTo: most,
      rules,
      capacities: room,
    }))
  }
  return [
    ...rounds(durable, reserved, strict),
    ...rounds(durable, reserved, anyZone),
    ...rounds(everyone, wanted.owners, strict),
    ...rounds(everyone, wanted.owners, anyZone),
    ...rounds(durable, wanted.owners, anyHost),
    ...rounds(everyone, wanted.owners, anyHost),
  ]
}

/** How the loads are levelled once all rounds are done: under all rules. */
export function levellingOf(wanted: Wanted, members: readonly Sharer[]): Levelling {
  const { reserved, strict: rules } = termsOf(wanted, members)
  const transientOwners = wanted.owners - reserved
  return {
    capacities: capacitiesOf({ ...wanted, members, transientOwners, rules }),
    rules,
    durable: members.map((member) => member.class === 'durable'),
    durableOwners: reserved,
  }
}

interface Terms {
  /** The places that only durable members may have: never more than they have hosts. */
  readonly reserved: number
  readonly strict: Rules
}

function termsOf(wanted: Wanted, members: readonly Sharer[]): Terms {
  const durable = members.filter((member) => member.class === 'durable')
  const reserved = Math.min(wanted.durableOwners, count(durable, 'host'))
  // Zones where only transient members live count for nothing if these are to own nothing.
  const zones = count(reserved === wanted.owners ? durable : members, 'zone')
  return {
    reserved,
    strict: { distinctHosts: true, perZone: Math.ceil(wanted.owners / zones) },
  }
}

/** How many different hosts or zones they have. */
function count(members: readonly Sharer[], what: 'host' | 'zone'): number {
  return new Set(members.map((member) => member[what])).size
}
