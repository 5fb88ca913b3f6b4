/**
 * What kind of ring a seed is: how large, how busy, how far apart, and who its clients are.
 *
 * With one fixed ring every seed would tell variations of one story. Bugs hide in the corners: two members, one key that
 * all want, values that fill a batch, a limit that is nearly reached. So each seed draws a ring of its own (swarm
 * testing: Groce et al., 2012).
 */
import { limits, type Limits } from '../protocol/limits.ts'
import type { ExpirySettings } from './expiries.ts'
import type { SeededRandom } from './random.ts'
import { type NetworkSettings, networkSettings } from './weather.ts'

/** How a client goes about it. */
export type Temper =
  /** A bit of everything. */
  | 'shopper'
  /** Writes and never looks. */
  | 'blind'
  /** Reads, thinks, writes. */
  | 'careful'
  /** Writes on with what it remembers, however old. */
  | 'stale'
  | 'deleter'
  /** Deletes and puts again, by turns. */
  | 'recreator'
  /** Tries again elsewhere whatever did not succeed. */
  | 'impatient'

export interface Swarm {
  readonly members: number
  readonly edges: number
  readonly n: number
  readonly q: number
  readonly r: number
  readonly w: number
  /** The first two members share a host, and so lose their disks together. */
  readonly sharedHost: boolean
  readonly clients: number
  readonly keys: number
  /** How often an operation is about the first key rather than about any. */
  readonly hotness: number
  /** Mean pause of a client between two operations. */
  readonly pauseMs: number
  /** Mean pause between two faults. */
  readonly faultPauseMs: number
  /** What a large value weighs; 0 where there are none. */
  readonly largeBytes: number
  /** How often a value is large. */
  readonly largeChance: number
  readonly tempers: readonly Temper[]
  readonly network: NetworkSettings
  readonly limits: Limits
  /** Members let in few requests at one time, and crowds come. */
  readonly isCrowded: boolean
  /** Members come back with other weights, and then others are owners. */
  readonly movesOwners: boolean
  /** Members come, are sent away and change two at a time, beyond those that leave and come back. */
  readonly changesMembers: boolean
  /** How often a client asks strictly. */
  readonly strictness: number
  readonly expiry: ExpirySettings
  /** How often a client writes into a buffered bucket. */
  readonly buffering: number
}

const quorums = [
  { n: 3, r: 2, w: 2 },
  { n: 3, r: 2, w: 2 },
  { n: 3, r: 2, w: 2 },
  { n: 3, r: 1, w: 3 },
  { n: 2, r: 1, w: 2 },
  { n: 4, r: 2, w: 3 },
] as const

const tempers: readonly Temper[] = [
  'shopper',
  'shopper',
  'shopper',
  'blind',
  'careful',
  'careful',
  'stale',
  'deleter',
  'recreator',
  'impatient',
]

const kibibyte = 1024

/** Even two keys make two pages, and what was deleted is forgotten within the run. */
export const simulatedLimits: Limits = {
  ...limits,
  pageKeys: 1,
  reapMs: 1500,
  reapPollMs: 200,
  evictAfterMs: 15_000,
}

/**
 * `crowds`: whether this may be a ring that lets in few, to which crowds come, or one whose owners change; all else is
 * drawn as without.
 */
export function drawSwarm(random: SeededRandom, crowds = true): Swarm {
  const quorum = random.pick(quorums)
  const edges = random.chance(0.5) ? 0 : 1 + random.whole(3)
  const clients = 8 + random.whole(5)
  const large = random.chance(0.12)
  // In some rings all happens at once, faults as well.
  const haste = random.pick([1, 1, 1, 3, 8])
  const drawn: Swarm = {
    ...quorum,
    members: quorum.n + 1 + random.whole(7 - quorum.n),
    edges,
    q: random.pick([8, 16, 64]),
    sharedHost: random.chance(0.33),
    clients,
    keys: random.chance(0.1) ? 24 : 1 + random.whole(8),
    hotness: random.chance(0.3) ? random.between(0.4, 0.9) : 0,
    pauseMs: random.between(900, 1700) / haste,
    faultPauseMs: random.between(1200, 3000) / Math.sqrt(haste),
    largeBytes: large ? random.pick([20, 200, 1000]) * kibibyte : 0,
    largeChance: 0.04,
    tempers: Array.from({ length: clients }, () => random.pick(tempers)),
    network: drawNetwork(random),
    limits: random.chance(0.4) ? tight(random) : simulatedLimits,
    strictness: random.pick([0, 0, 0.2, 0.6]),
    expiry: drawExpiry(random.fork('expiry')),
    buffering: 0,
    isCrowded: crowds && random.fork('crowd').chance(0.2),
    movesOwners: crowds && random.fork('owners').chance(0.1),
    changesMembers: false,
  }
  const ring = random.chance(0.1) ? narrow(drawn) : drawn
  const evictAfterMs = random.fork('lateness').pick([2000, 15_000])
  const foreignBytes = drawRoom(random.fork('room for others'))
  // Of a few actors some are dead soon, where a few are many.
  const vectors = random.fork('vectors')
  const vectorEntries = vectors.pick([limits.vectorEntries, 2, 4])
  const vectorActors = vectors.pick([limits.vectorActors, limits.vectorActors, 4])
  const counted = { vectorEntries, vectorActors }
  const buffers = random.fork('buffers')
  const buffering = buffers.pick([0, 0, 0, 0, 0.3, 1])
  const bufferedMs = buffers.pick([5000, 20_000])
  const limited = { ...ring.limits, evictAfterMs, foreignBytes, bufferedMs, ...counted }
  const few = random.fork('crowd limits')
  return { ...ring, buffering, limits: ring.isCrowded ? crowded(limited, few) : limited }
}

/** A few people are a crowd here, and a few reads tell what is usual. */
function crowded(limits: Limits, random: SeededRandom): Limits {
  return {
    ...limits,
    requestsUnderWay: 1 + random.whole(3),
    ownUnderWay: 2 + random.whole(3),
    underWayBytes: random.pick([limits.underWayBytes, 5 * kibibyte, 300]),
    hedgedAfterReads: 2 + random.whole(3),
    hedgesPerRead: random.pick([0.1, 0.3]),
  }
}

/** Messages in which only so many values of this size have room, and room for a few longer ones. */
export function narrowLimits(limits: Limits, siblings: number, largeBytes: number): Limits {
  const messageBytes = 1.5 * siblings * largeBytes
  const piecesBytes = 12 * messageBytes
  return { ...limits, siblings, messageBytes, batchBytes: largeBytes, piecesBytes }
}

/**
 * Messages hold the values of one key that one coordinator lets stand side by side, as they do by default, and no more;
 * and people write without looking. Coordinators that are apart soon let more stand than any message holds.
 */
function narrow(swarm: Swarm): Swarm {
  const [siblings, largeBytes] = [4, 2 * kibibyte]
  return {
    ...swarm,
    keys: Math.min(swarm.keys, 3),
    largeBytes,
    largeChance: 0.8,
    tempers: swarm.tempers.map((temper, i) => (i % 2 === 0 ? 'blind' : temper)),
    limits: narrowLimits(simulatedLimits, siblings, largeBytes),
  }
}

/** In one ring of seven a stand-in has room for a record or two, or for none. */
function drawRoom(random: SeededRandom): number {
  return random.chance(0.15) ? random.pick([0, 300, 600, 1200]) : limits.foreignBytes
}

/** In most rings nothing expires. */
function drawExpiry(random: SeededRandom): ExpirySettings {
  return { chance: random.pick([0, 0, 0, 0.3, 0.7]), meanMs: random.pick([500, 4000, 20_000]) }
}

function drawNetwork(random: SeededRandom): NetworkSettings {
  const slowest = random.pick([2, 12, 12, 40])
  return { ...networkSettings, delayMs: [0.3, slowest], jitterMs: random.between(0.5, 2.5) }
}

/** Limits that a minute of a few clients comes up against. */
function tight(random: SeededRandom): Limits {
  return {
    ...simulatedLimits,
    siblings: 4 + random.whole(8),
    batchBytes: random.pick([200, 2000]),
    batchItems: 1 + random.whole(4),
    listedKeys: 1 + random.whole(3),
    fewKeys: 1 + random.whole(3),
    deliveriesInFlight: 1 + random.whole(3),
  }
}
