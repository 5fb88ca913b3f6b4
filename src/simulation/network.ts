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
import type { Life } from './life.ts'
import type { SeededRandom } from './random.ts'
import type { Scheduler } from './scheduler.ts'

export interface NetworkSettings {
  /** The fastest and the slowest link's one-way delay; each pair of peers draws its own between them. */
  readonly delayMs: readonly [number, number]
  /** Mean of what each message waits beyond that: what reorders messages. */
  readonly jitterMs: number
  /** How often a message waits up to three hundred times its jitter: long, and yet within every deadline. */
  readonly spikes: number
  /** When an end of a silent link gives it up. */
  readonly detectionMs: readonly [number, number]
}

export const networkSettings: NetworkSettings = {
  delayMs: [0.3, 12],
  jitterMs: 1.5,
  spikes: 0.005,
  detectionMs: [3900, 6500],
}

/** How often each thing struck a message. */
export interface NetworkHits {
  lost: number
  duplicated: number
  held: number
  late: number
  slowed: number
  /** Links given up and dials that met no answer because of a cut. */
  silent: number
}

/** What the network knows of one process's transport. */
export interface Station {
  readonly self: PeerId
  readonly life: Life
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
}

/** Takes note of something that happened, and of the bytes that it carried. */
export type Note = (what: string, bytes?: Bytes) => void

export type Blocks = (from: PeerId, to: PeerId) => boolean

export class Network {
  readonly scheduler: Scheduler
  readonly hits: NetworkHits = { lost: 0, duplicated: 0, held: 0, late: 0, slowed: 0, silent: 0 }
  /** The chance that a message vanishes, or arrives twice. */
  loss = 0
  duplication = 0
  /** Called for each thing that happens: part of the run's fingerprint. */
  readonly note: Note
  /** What a peer did that the ports forbid; a run must end without any. */
  readonly offences: string[] = []

  readonly #random: SeededRandom
  readonly #settings: NetworkSettings
  readonly #stations = new Map<PeerId, Station>()
  readonly #delays = new Map<PeerId, Map<PeerId, number>>()
  readonly #cuts = new Set<Blocks>()
  readonly #slow = new Set<(from: PeerId, to: PeerId) => number>()

  constructor(
    scheduler: Scheduler,
    random: SeededRandom,
    note: Note = () => {},
    settings: NetworkSettings = networkSettings,
  ) {
    this.scheduler = scheduler
    this.#random = random
    this.note = note
    this.#settings = settings
  }

  /** A new process of a peer takes part; it replaces one that died. */
  attach(station: Station): void {
    this.#stations.set(station.self, station)
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

  /** Delays messages by as many milliseconds as `delay` says, until the result is called. */
  slow(delay: (from: PeerId, to: PeerId) => number): () => void {
    this.#slow.add(delay)
    return () => void this.#slow.delete(delay)
  }

  isBlocked(from: PeerId, to: PeerId): boolean {
    for (const blocks of this.#cuts) if (blocks(from, to)) return true
    return false
  }

  /** Breaks every link between the two at once, as a router that forgets its table does. */
  reset(a: PeerId, b: PeerId): void {
    const end = this.#stations.get(a)?.endTo(b)
    if (end === undefined) return
    end.station.drop(end)
    end.other.station.drop(end.other)
  }

  /** A process ended without a word. Its kernel still hangs up, unless the power went too. */
  vanish(peer: PeerId, powerLost: boolean): void {
    const station = this.#stations.get(peer)
    if (station === undefined) return
    this.#stations.delete(peer)
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
    this.scheduler.after(this.delayMs(from, to), () => {
      if (this.isBlocked(from, to)) this.#giveUpLater(end.other)
      else end.other.station.drop(end.other)
    })
  }

  /**
   * Sets up a link; `done` gets the dialler's end, or undefined. A blocked way looks like silence and takes
   * its time; a dead process is refused at once.
   */
  connect(from: Station, to: PeerId, done: (end: End | undefined) => void): void {
    const roundTripMs = this.delayMs(from.self, to) + this.delayMs(to, from.self)
    from.life.after(1.5 * roundTripMs, () => {
      if (this.isBlocked(from.self, to) || this.isBlocked(to, from.self)) {
        this.hits.silent++
        from.life.after(silentDialMs, () => done(undefined))
        return
      }
      const target = this.#stations.get(to)
      if (target === undefined || !target.answersDials) done(undefined)
      else done(from.gateOpen ? this.#join(from, target) : undefined)
    })
  }

  /** Carries something from one end to the other: late, never, twice, or held back. */
  carry(end: End, arrive: () => void): void {
    if (this.#random.chance(this.loss)) {
      this.hits.lost++
      return
    }
    const twice = this.#random.chance(this.duplication)
    if (twice) this.hits.duplicated++
    const from = end.station.self
    const to = end.other.station.self
    for (let copy = 0; copy < (twice ? 2 : 1); copy++) {
      this.scheduler.after(this.delayMs(from, to), () => this.#arrive(end, arrive))
    }
  }

  /** The delay of one message, drawn anew for each. */
  delayMs(from: PeerId, to: PeerId): number {
    const { jitterMs, spikes } = this.#settings
    let delay = this.baseDelayMs(from, to) + this.#random.exponential(jitterMs)
    if (this.#random.chance(spikes)) delay += this.#random.between(0, longestSpike * jitterMs)
    for (const slow of this.#slow) {
      const more = slow(from, to)
      if (more > 0) this.hits.slowed++
      delay += more
    }
    return delay
  }

  baseDelayMs(from: PeerId, to: PeerId): number {
    const [low, high] = from < to ? [from, to] : [to, from]
    let delays = this.#delays.get(low)
    if (delays === undefined) this.#delays.set(low, (delays = new Map<PeerId, number>()))
    let delay = delays.get(high)
    if (delay === undefined) delays.set(high, (delay = this.#drawDelay()))
    return delay
  }

  #drawDelay(): number {
    return this.#random.between(...this.#settings.delayMs)
  }

  #arrive(end: End, arrive: () => void): void {
    if (!end.other.up) return
    if (this.isBlocked(end.station.self, end.other.station.self)) {
      this.hits.held++
      end.held.push(arrive)
    } else {
      end.other.station.life.run(() => {
        if (end.other.up) arrive()
      })
    }
  }

  #releaseHeld(end: End): void {
    if (end.held.length === 0) return
    if (this.isBlocked(end.station.self, end.other.station.self)) return
    const held = end.held
    end.held = []
    this.hits.late += held.length
    for (const arrive of held) {
      this.scheduler.after(this.#random.between(0, 2), () => this.#arrive(end, arrive))
    }
  }

  /** Both directions carry heartbeats, so a block of either one silences both ends. */
  #expectSilence(end: End): void {
    for (const silent of [end, end.other]) this.#giveUpLater(silent)
  }

  #giveUpLater(end: End): void {
    this.scheduler.after(this.#random.between(...this.#settings.detectionMs), () => {
      if (!end.up) return
      const a = end.station.self
      const b = end.other.station.self
      const blocked = this.isBlocked(a, b) || this.isBlocked(b, a)
      if (blocked) this.hits.silent++
      if (blocked || !end.other.up) end.station.drop(end)
    })
  }

  /** Two simultaneous dials become one link; an end whose other end is gone makes way. */
  #join(from: Station, to: Station): End {
    const standing = from.endTo(to.self)
    if (standing !== undefined && standing.other.up) return standing
    if (standing !== undefined) from.drop(standing)
    const stale = to.endTo(from.self)
    if (stale !== undefined) to.drop(stale)

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
    const end: Omit<End, 'other'> = { station, session, sinceMs, up: true, held: [] }
    return end as End
  }

  *#ends(): Iterable<End> {
    for (const station of this.#stations.values()) yield* station.ends()
  }
}

const longestSpike = 300
/** How long a dial into silence takes to fail. */
const silentDialMs = 3000

export function addressOf(peer: PeerId): string {
  return `sim:${peer}`
}
