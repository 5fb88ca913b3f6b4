/**
 * Who owns partitions, as a value that peers can name: a roster of seats.
 *
 * A member's own record says what it would like to be, and changes the moment that it says so. Were the ring made of the
 * newest records, two peers would hold different rings for as long as gossip takes, each write could go to owners of
 * whom no reader knows, and nobody could tell that it did. So once a ring has closed its founding, its owners come from a
 * roster: numbered, named by a digest of all it holds, and replaced only by a change that enough owners have agreed to
 * (`change.ts`). Before that everybody who states a record has a seat, as in a ring whose members never change.
 *
 * How the data goes: records and facts → the roster that is settled → its ring; a change alters seats, gives another
 * roster with a number more, and its ring is the one that is *next*. An alteration says what stood before as well, so
 * that it fits no other roster than the one that its author saw.
 *
 * A peer that was away need not work out which rosters it missed. Whoever comes to own a partition by a change must have
 * been filled for that very change before it is completed, whether it owned the partition at some earlier time or not; so
 * whoever owns it by the settled roster has owned it ever since it was filled, or since the founding.
 */
import { compareText, toHex, utf8 } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import { makeRing, maxWeight, type Ring } from '../data/ring.ts'
import type { RingShape } from '../data/ring-shape.ts'
import type { MemberRecord, PeerClass, PeerId } from './view.ts'

/** 32 hexadecimal digits over a roster's number and seats. */
export type RosterId = string

/** All of a member that the ring depends on. */
export interface Seat {
  readonly peer: PeerId
  /** How often this peer had joined before: a removed member comes back as another one. */
  readonly join: number
  readonly class: PeerClass
  readonly host: string
  readonly zone: string
  readonly weight: number
}

export interface Roster {
  /** 0 while the ring is being founded; one more with each change. */
  readonly number: number
  readonly id: RosterId
  /** Sorted by peer. */
  readonly seats: readonly Seat[]
}

/** One seat is taken, given up, or made another. */
export interface Alteration {
  readonly before: Seat | undefined
  readonly after: Seat | undefined
}

export function makeRoster(number: number, seats: readonly Seat[]): Roster {
  const sorted = seats.toSorted((a, b) => compareText(a.peer, b.peer))
  return { number, id: rosterId(number, sorted), seats: sorted }
}

/** While a ring is being founded everybody sits who says so. */
export function foundingRoster(records: Iterable<MemberRecord>): Roster {
  const seats = [...records].map(({ peer, class: kind, host, zone, weight }): Seat => {
    return { peer, join: 0, class: kind, host, zone, weight }
  })
  return makeRoster(0, seats)
}

export function seatOf(roster: Roster, peer: PeerId): Seat | undefined {
  return roster.seats.find((seat) => seat.peer === peer)
}

/** The roster after these alterations; undefined where they do not begin with this one. */
export function altered(roster: Roster, alterations: readonly Alteration[]): Roster | undefined {
  const seats = replaced(roster.seats, alterations)
  return seats && makeRoster(roster.number + 1, seats)
}

const ringsOf = new WeakMap<Roster, Ring>()

/** Made once for each roster. */
export function ringOfRoster(shape: RingShape, roster: Roster): Ring {
  let ring = ringsOf.get(roster)
  if (ring === undefined) {
    const members = roster.seats.map(({ peer, class: kind, host, zone, weight }) => {
      return { id: peer, class: kind, host, zone, weight }
    })
    ring = makeRing(shape, members)
    ringsOf.set(roster, ring)
  }
  return ring
}

export function sameSeat(a: Seat, b: Seat): boolean {
  return factsOf(a).every((fact, i) => fact === factsOf(b)[i])
}

/** Whether a ring can be made with it. */
export function isSoundSeat({ peer, join, host, zone, weight }: Seat): boolean {
  const isWhole = (number: number): boolean => Number.isSafeInteger(number) && number >= 0
  const isShort = [host, zone].every((part) => part.length <= 128)
  return (
    peer !== '' && isWhole(join) && isShort && isWhole(weight) && weight >= 1 && weight <= maxWeight
  )
}

function replaced(
  seats: readonly Seat[],
  alterations: readonly Alteration[],
): readonly Seat[] | undefined {
  const byPeer = new Map(seats.map((seat) => [seat.peer, seat]))
  const touched = new Set<PeerId>()
  for (const { before, after } of alterations) {
    const peer = (before ?? after)?.peer
    if (peer === undefined || touched.has(peer) || (after ?? before)?.peer !== peer)
      return undefined
    touched.add(peer)
    const held = byPeer.get(peer)
    const fits =
      before === undefined ? held === undefined : held !== undefined && sameSeat(held, before)
    if (!fits) return undefined
    if (after === undefined) byPeer.delete(peer)
    else byPeer.set(peer, after)
  }
  return [...byPeer.values()]
}

function rosterId(number: number, seats: readonly Seat[]): RosterId {
  return toHex(digestOf(utf8(JSON.stringify([number, seats.map(factsOf)]))))
}

function factsOf({
  peer,
  join,
  class: kind,
  host,
  zone,
  weight,
}: Seat): readonly (string | number)[] {
  return [peer, join, kind, host, zone, weight]
}
