/**
 * What becomes of rings whose members are not alike: what is simulated of the paper's strategies knows nothing of that.
 *
 * Weights: of members that weigh 1, 2 and 4 by turns, does the load of each weight, per unit of it, keep to that of all?
 * Hosts and zones: how many partitions have owners that share a host or crowd a zone though other members were there? What
 * is possible is counted here from the members alone, and not by the ring's own rules.
 */
import { makeRing, type RingMember } from '../../src/data/ring.ts'
import { seededRandom } from '../../src/simulation/random.ts'
import { n, namesOf, plainMember } from './balance.ts'
import { divisionOf, loadsOf } from './division.ts'

export interface WeightRow {
  readonly Q: number
  readonly S: number
  readonly weights: string
  readonly draws: number
  /** The load of all members of one weight, per unit of it, over that of all members. */
  readonly shares: Readonly<Record<string, number>>
  /** How far the farthest of `shares` is from 1. */
  readonly off: number
  /** The same of the farthest single member, in any draw. */
  readonly memberOff: number
}

export interface LayoutRow {
  readonly Q: number
  readonly S: number
  readonly layout: string
  readonly draws: number
  /** Partitions, of all draws, whose owners share a host or crowd a zone though they need not. */
  readonly crowded: number
}

type Place = Pick<RingMember, 'host' | 'zone'>

const weights = [1, 2, 4]

/** Where the member of this index is. A host lies in one zone. */
export const layouts: Readonly<Record<string, (index: number, draw: number) => Place>> = {
  'a zone each three': (i) => ({ host: `${i}`, zone: `${i % 3}` }),
  'two zones': (i) => ({ host: `${i}`, zone: `${i % 2}` }),
  'one alone in its zone': (i) => ({ host: `${i}`, zone: i === 0 ? 'alone' : 'rest' }),
  'one zone of half, six of the rest': (i) => ({
    host: `${i}`,
    zone: i % 2 ? `${i % 12}` : 'half',
  }),
  'two on a host': (i) => ({ host: `${i >> 1}`, zone: '' }),
  'one host of half': (i) => ({ host: i % 2 ? `${i}` : 'half', zone: '' }),
  'hosts and zones at random': (i, draw) => {
    const host = Math.floor(seededRandom(`layout ${draw}/${i}`).fraction() ** 2 * 12)
    return { host: `${host}`, zone: `${host % 5}` }
  },
}

/** For `s` of 6 or more: of fewer, the heaviest would own more than everything. */
export function measureWeights(q: number, s: number, draws: number): WeightRow {
  const loads = new Map(weights.map((weight) => [weight, { sum: 0, units: 0 }]))
  const members = namesOf(s, 0).map((_, i) => weights[i % weights.length]!)
  const units = members.reduce((sum, weight) => sum + weight, 0)
  let memberOff = 0
  for (let draw = 0; draw < draws; draw++) {
    const list = namesOf(s, draw).map((id, i) => ({ ...plainMember(id), weight: members[i]! }))
    const found = loadsOf(divisionOf(makeRing({ n, q, durableOwners: n }, list)))
    for (const { id, weight } of list) {
      const perUnit = (found.get(id) ?? 0) / weight / (n / units)
      memberOff = Math.max(memberOff, Math.abs(perUnit - 1))
      const all = loads.get(weight)!
      all.sum += perUnit * weight
      all.units += weight
    }
  }
  const shares = Object.fromEntries([...loads].map(([w, { sum, units: all }]) => [w, sum / all]))
  const off = Math.max(...Object.values(shares).map((share) => Math.abs(share - 1)))
  return { Q: q, S: s, weights: weights.join(':'), draws, shares, off, memberOff }
}

export function measureLayout(q: number, s: number, layout: string, draws: number): LayoutRow {
  let crowded = 0
  for (let draw = 0; draw < draws; draw++) {
    const members = namesOf(s, draw).map((id, i) => {
      return { ...plainMember(id), ...layouts[layout]!(i, draw) }
    })
    const byId = new Map(members.map((member) => [member.id, member]))
    const { owners } = divisionOf(makeRing({ n, q, durableOwners: n }, members))
    crowded += crowdedOf(
      owners.map((list) => list.map((id) => byId.get(id)!)),
      members,
    )
  }
  return { Q: q, S: s, layout, draws, crowded }
}

/** How many of the lists are on fewer hosts, or have more hosts in one zone, than these members make necessary. */
export function crowdedOf(lists: readonly (readonly Place[])[], members: readonly Place[]): number {
  const hosts = Math.min(n, hostsOf(members))
  const inZones = zonesOf(members).map(hostsOf)
  let perZone = 1
  while (inZones.reduce((sum, has) => sum + Math.min(has, perZone), 0) < hosts) perZone++
  return lists.filter((list) => {
    return hostsOf(list) < hosts || Math.max(...zonesOf(list).map(hostsOf)) > perZone
  }).length
}

function hostsOf(places: readonly Place[]): number {
  return new Set(places.map(({ host }) => host)).size
}

function zonesOf(places: readonly Place[]): Place[][] {
  return [...Map.groupBy(places, ({ zone }) => zone).values()]
}
