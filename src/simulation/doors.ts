/**
 * The doors of the members, watched from outside: who was let in, who was turned away, and how many were inside.
 *
 * A member that is full refuses at once, and says that nothing was done. Whether it was full nobody can tell who believes its
 * own count: a place that is never given back looks like a crowd. So here it is counted again, by what was handed over
 * and has not been answered; and what a client hears of a crowd is held against who was turned away, and when.
 * Of what is put together from pieces `piece-room` keeps such a count. And no peer here says what another cannot read.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Limits } from '../protocol/limits.ts'
import { loadRules } from '../protocol/load-rules.ts'
import type { PeerId } from '../protocol/membership.ts'
import { decodeReply, requestTypeOf } from '../protocol/message.ts'
import { isPiece } from '../protocol/piece.ts'
import { PieceRoom } from './piece-room.ts'
import type { Violation } from './violation.ts'

/** `refused` in `protocol/message.ts`: few replies are read here. */
const refusedTag = 15

/** By then a process has heard of all members. */
const newMs = 20_000

/** Somebody was turned away. */
export interface Turned {
  readonly by: PeerId
  readonly from: PeerId
  readonly atMs: number
}

/** What the doors need to know of the ring. */
export interface DoorSettings {
  readonly limits: Limits
  nowMs(): number
  isMember(peer: PeerId): boolean
  nameOf(peer: PeerId): string
}

export class Doors {
  readonly settings: DoorSettings
  readonly violations: Violation[] = []
  readonly turned: Turned[] = []
  /** How many pieces of messages came, and how often one owner more was asked because this one was slow. */
  pieces = 0
  readonly slow = new Map<PeerId, number>()

  constructor(settings: DoorSettings) {
    this.settings = settings
  }

  /** `knows`: whether this process has heard of that member. */
  open(of: PeerId, knows: (peer: PeerId) => boolean = () => true): Door {
    return new Door(of, this, knows)
  }

  /** Who turned this peer away in this span of time. */
  whoTurnedAway(from: PeerId, startMs: number, endMs: number): ReadonlySet<PeerId> {
    const turned = this.turned.filter((each) => {
      return each.from === from && each.atMs >= startMs && each.atMs <= endMs
    })
    return new Set(turned.map(({ by }) => by))
  }
}

/** Of one process, inwards and outwards. */
export class Door {
  readonly #of: PeerId
  readonly #doors: Doors
  readonly #knows: (peer: PeerId) => boolean
  /** What surely takes a place, and what may: a member is a stranger to one that has not heard of it. */
  readonly #surely = { requests: 0, bytes: 0 }
  readonly #maybe = { requests: 0, bytes: 0 }
  #reads = 0
  #hedges = 0
  readonly #room: PieceRoom
  readonly #sinceMs: number
  #isBroken = false

  constructor(of: PeerId, doors: Doors, knows: (peer: PeerId) => boolean) {
    this.#of = of
    this.#doors = doors
    this.#knows = knows
    this.#sinceMs = doors.settings.nowMs()
    this.#room = new PieceRoom(doors.settings.limits)
  }

  /** A request was handed over; the result is called with the answer. */
  begins(from: PeerId, body: Bytes): (reply?: Bytes) => void {
    const { isMember, limits } = this.#doors.settings
    const type = requestTypeOf(body)
    const pieced = isPiece(body)
    if (pieced) this.#doors.pieces++
    const surely = type !== undefined && loadRules.takesPlace(type, isMember(from))
    const counts = surely ? [this.#surely, this.#maybe] : mayCount(body) ? [this.#maybe] : []
    const before = { ...this.#surely }
    for (const count of counts) add(count, 1, body.length)
    const { requestsUnderWay, underWayBytes } = limits
    if (surely && !loadRules.hasRoom(before, body.length, requestsUnderWay, underWayBytes)) {
      const { requests, bytes } = before
      this.#breaks('P9', `began a ${type} with ${requests} requests of ${bytes} bytes under way`)
    }
    if (pieced) this.#room.comes(body, this.#doors.settings.nowMs())
    return (reply) => {
      for (const count of counts) add(count, -1, -body.length)
      if (reply !== undefined) this.#answers(from, body, reply)
    }
  }

  #answers(from: PeerId, body: Bytes, reply: Bytes): void {
    if (!isPiece(reply)) {
      const { nameOf } = this.#doors.settings
      if (isMalformed(reply)) this.#breaks('P10', `cannot read what ${nameOf(from)} asks of it`)
      return
    }
    const verdict = this.#room.answers(body, reply, this.#doors.settings.nowMs())
    if (verdict === undefined) return
    this.#turns(from)
    // Whom it has not heard of it takes for a stranger, whose pieces it has no room for.
    const isNew = this.#doors.settings.nowMs() < this.#sinceMs + newMs
    const isStranger = isPiece(body) && !this.#knows(from)
    if (verdict === 'falsely' && !isNew && !isStranger)
      this.#breaks('P5', 'has no room for pieces, and few came')
  }

  /** A request was turned away. */
  refuses(from: PeerId, body: Bytes): void {
    this.#turns(from)
    const { requestsUnderWay, underWayBytes } = this.#doors.settings.limits
    const { requests, bytes } = this.#maybe
    const hasRoom = loadRules.hasRoom(this.#maybe, body.length, requestsUnderWay, underWayBytes)
    if (mayCount(body) && !hasRoom) return
    const type = requestTypeOf(body)
    this.#breaks(
      'P5',
      `turned a ${type} away with ${requests} requests of ${bytes} bytes under way`,
    )
  }

  /** This process sends a request. */
  asks(body: Bytes): void {
    if (requestTypeOf(body) === 'read') this.#reads++
  }

  /** It says that it asks one owner more. */
  hedges(slow: PeerId): void {
    this.#hedges++
    this.#doors.slow.set(slow, (this.#doors.slow.get(slow) ?? 0) + 1)
    // It says so before it asks; and of ten tenths the sum is a little less than one.
    const most = this.#doors.settings.limits.hedgesPerRead * (this.#reads + 1)
    if (this.#hedges > most + 1e-6)
      this.#breaks('P9', `asked one owner more ${this.#hedges} times for ${this.#reads} reads`)
  }

  #turns(from: PeerId): void {
    this.#doors.turned.push({ by: this.#of, from, atMs: this.#doors.settings.nowMs() })
  }

  /** Once is enough: what is counted wrongly stays so. */
  #breaks(promise: 'P5' | 'P9' | 'P10', text: string): void {
    if (this.#isBroken) return
    this.#isBroken = true
    const name = this.#doors.settings.nameOf(this.#of)
    this.#doors.violations.push({ promise, key: '', text: `${name} ${text}` })
  }
}

function mayCount(body: Bytes): boolean {
  const type = requestTypeOf(body)
  return isPiece(body) || (type !== undefined && loadRules.takesPlace(type, false))
}

/** Whether a request is refused as one that no peer would send. */
function isMalformed(reply: Bytes): boolean {
  if (reply[1] !== refusedTag) return false
  const refusal = decodeReply(reply)
  return refusal.type === 'refused' && refusal.code === 'malformed'
}

function add(count: { requests: number; bytes: number }, requests: number, bytes: number): void {
  count.requests += requests
  count.bytes += bytes
}
