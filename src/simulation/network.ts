/**
 * The network as it is: late, lossy, repeating itself, out of order, and cut in one direction only.
 *
 * A link is two ends that do not always agree whether it stands. While a direction is blocked, what is sent there is held
 * back, as TCP and WebRTC do; each end gives the link up when it has missed its heartbeats, at a moment of its own. Healed
 * before that, the backlog arrives in one late burst; one end may so receive what the other has long given up on.
 */
import type { Bytes } from '../data/bytes.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Receiver } from '../ports.ts'
import type { Door } from './doors.ts'
import type { Life } from './life.ts'
import type { SeededRandom } from './random.ts'
import type { Scheduler } from './scheduler.ts'
import { type NetworkSettings, networkSettings, Weather } from './weather.ts'

/** What the network knows of one process's transport. */
export interface Station {
  readonly self: PeerId
  readonly life: Life
  /** Where it is counted who goes in. */
  readonly door: Door | undefined
  readonly gateOpen: boolean
  readonly answersDials: boolean
  ends(): readonly End[]
  endTo(peer: PeerId): End | undefined
  nextSession(peer: PeerId): number
  /** A new link stands. */
  raise(end: End): void
  /** This end gives its link up. */
  drop(end: End): void
  /** Hands something to the peer, once it serves. */
  receive(deliver: (receiver: Receiver) => void): void
}

/** One end of a link; `session` counts the links that this process had with that peer. */
export interface End {
  readonly station: Station
  readonly session: number
  readonly sinceMs: number
  other: End
  up: boolean
  /** Messages to the other end that wait for a blocked direction to open. */
  held: (() => void)[]
  /** How many messages were sent from this end, and the last that arrived at the other. */
  sent: number
  arrived: number
}

/** Takes note of something that happened, and of the bytes that it carried. */
export type Note = (what: string, bytes?: Bytes) => void

export type Blocks = (from: PeerId, to: PeerId) => boolean

export class Network {
  readonly scheduler: Scheduler
  readonly weather: Weather
  /** Called for each thing that happens: part of the run's fingerprint. */
  readonly note: Note
  /** What a peer did that the ports forbid; a run must end without any. */
  readonly offences: string[] = []

  readonly #stations = new Map<PeerId, Station[]>()
  readonly #cuts = new Set<Blocks>()
  readonly #clogs = new Set<Blocks>()
  #dials = 0

  constructor(
    scheduler: Scheduler,
    random: SeededRandom,
    note: Note = () => {},
    settings: NetworkSettings = networkSettings,
  ) {
    this.scheduler = scheduler
    this.note = note
    this.weather = new Weather(random, settings)
  }

  /** A new process of a peer takes part. There may be another of the same name: a copy of its folder. */
  attach(station: Station): void {
    this.#stations.set(station.self, [...this.#named(station.self), station])
  }

  /** Blocks every direction that `blocks` names until the result is called. Cuts add up. */
  cut(blocks: Blocks): () => void {
    this.#cuts.add(blocks)
    for (const end of this.#ends()) {
      if (blocks(end.station.self, end.other.station.self)) this.#expectSilence(end)
    }
    return () => {
      if (!this.#cuts.delete(blocks)) return
      for (const end of this.#ends()) this.#releaseHeld(end)
    }
  }

  /** Holds back every message of these directions until the result is called; the links stand. */
  clog(clogs: Blocks): () => void {
    this.#clogs.add(clogs)
    return () => {
      if (!this.#clogs.delete(clogs)) return
      for (const end of this.#ends()) this.#releaseHeld(end)
    }
  }

  /** Nothing is cut off or held up. */
  get isOpen(): boolean {
    return this.#cuts.size === 0 && this.#clogs.size === 0
  }

  isBlocked(from: PeerId, to: PeerId): boolean {
    for (const blocks of this.#cuts) if (blocks(from, to)) return true
    return false
  }

  /** Breaks every link between the two at once, as a router that forgets its table does. */
  reset(a: PeerId, b: PeerId): void {
    for (const station of this.#named(a)) {
      const end = station.endTo(b)
      if (end === undefined) continue
      end.station.drop(end)
      end.other.station.drop(end.other)
    }
  }

  /** A process ended without a word. Its kernel still hangs up, unless the power went too. */
  vanish(station: Station, powerLost: boolean): void {
    const others = this.#named(station.self).filter((other) => other !== station)
    this.#stations.set(station.self, others)
    for (const end of station.ends()) {
      end.up = false
      if (powerLost) this.#giveUpLater(end.other)
      else this.hangUp(end)
    }
  }

  /** Tells the other end that this one is gone; unheard if the way is blocked. */
  hangUp(end: End): void {
    const from = end.station.self
    const to = end.other.station.self
    this.scheduler.after(this.weather.delayMs(from, to), () => {
      if (this.isBlocked(from, to)) this.#giveUpLater(end.other)
      else end.other.station.drop(end.other)
    })
  }

  /**
   * Sets up a link; `done` gets the dialler's end, or undefined. A blocked way looks like silence and takes
   * its time; a dead process is refused at once.
   */
  connect(from: Station, to: PeerId, done: (end: End | undefined) => void): void {
    const { weather } = this
    const roundTripMs = weather.delayMs(from.self, to) + weather.delayMs(to, from.self)
    from.life.after(1.5 * roundTripMs, () => {
      if (this.isBlocked(from.self, to) || this.isBlocked(to, from.self)) {
        this.weather.hits.silent++
        from.life.after(silentDialMs, () => done(undefined))
        return
      }
      const target = this.#dialled(to, from)
      if (target === undefined || !target.answersDials) done(undefined)
      else done(from.gateOpen ? this.#join(from, target) : undefined)
    })
  }

  /** Carries something of so many bytes from one end to the other: late, never, twice, or held back. */
  carry(end: End, arrive: () => void, bytes = 0): void {
    const order = ++end.sent
    for (const delayMs of this.weather.fate(end.station.self, end.other.station.self, bytes)) {
      this.scheduler.after(delayMs, () => {
        if (order < end.arrived) this.weather.hits.overtaken++
        else end.arrived = order
        this.#arrive(end, arrive)
      })
    }
  }

  #arrive(end: End, arrive: () => void): void {
    if (!end.other.up) return
    const [from, to] = [end.station.self, end.other.station.self]
    const blocked = this.isBlocked(from, to)
    if (blocked || this.#isClogged(from, to)) {
      if (blocked) this.weather.hits.held++
      else this.weather.hits.clogged++
      end.held.push(arrive)
    } else {
      end.other.station.life.run(() => {
        if (end.other.up) arrive()
      })
    }
  }

  #releaseHeld(end: End): void {
    if (end.held.length === 0) return
    const [from, to] = [end.station.self, end.other.station.self]
    if (this.isBlocked(from, to) || this.#isClogged(from, to)) return
    const held = end.held
    end.held = []
    this.weather.hits.late += held.length
    for (const arrive of held) {
      this.scheduler.after(this.weather.burstMs(), () => this.#arrive(end, arrive))
    }
  }

  /** Both directions carry heartbeats, so a block of either one silences both ends. */
  #expectSilence(end: End): void {
    for (const silent of [end, end.other]) this.#giveUpLater(silent)
  }

  #giveUpLater(end: End): void {
    this.scheduler.after(this.weather.detectionMs(), () => {
      if (!end.up) return
      const a = end.station.self
      const b = end.other.station.self
      const blocked = this.isBlocked(a, b) || this.isBlocked(b, a)
      if (blocked) this.weather.hits.silent++
      if (blocked || !end.other.up) end.station.drop(end)
    })
  }

  /** Two simultaneous dials become one link; an end whose other end is gone makes way. */
  #join(from: Station, to: Station): End {
    const standing = from.endTo(to.self)
    if (standing !== undefined && standing.other.up) return standing
    if (standing !== undefined) from.drop(standing)
    const stale = to.endTo(from.self)
    if (stale !== undefined) {
      to.drop(stale)
      // Another process of that name may live, and hears that its link is gone.
      if (stale.other.station !== from && stale.other.station.life.alive) this.hangUp(stale)
    }

    const end = this.#makeEnd(from, to.self)
    end.other = this.#makeEnd(to, from.self)
    end.other.other = end
    from.raise(end)
    to.raise(end.other)
    return end
  }

  #makeEnd(station: Station, to: PeerId): End {
    const session = station.nextSession(to)
    const sinceMs = this.scheduler.nowMs
    const fresh = { station, session, sinceMs, up: true, held: [], sent: 0, arrived: 0 }
    const end: Omit<End, 'other'> = fresh
    return end as End
  }

  *#ends(): Iterable<End> {
    for (const stations of this.#stations.values()) {
      for (const station of stations) yield* station.ends()
    }
  }

  #named(peer: PeerId): readonly Station[] {
    return this.#stations.get(peer) ?? []
  }

  /** Whoever of that name hears the dial; of two, now the one and now the other. */
  #dialled(to: PeerId, from: Station): Station | undefined {
    const stations = this.#named(to).filter((station) => station !== from)
    return stations.length < 2 ? stations[0] : stations[this.#dials++ % stations.length]
  }

  #isClogged(from: PeerId, to: PeerId): boolean {
    for (const clogs of this.#clogs) if (clogs(from, to)) return true
    return false
  }
}

/** How long a dial into silence takes to fail. */
const silentDialMs = 3000

export function addressOf(peer: PeerId): string {
  return `sim:${peer}`
}
