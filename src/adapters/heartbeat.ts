/**
 * Is the other side still there? An open link is no evidence: a cut WebSocket says nothing, and a WebRTC channel was seen
 * open and dead after 45 s without a network.
 *
 * So both sides ping, and whatever arrives counts as life: while a transfer fills one direction, the pings of the
 * other side still come. Silence is counted in beats, not in time, so that a peer which was itself
 * frozen does not declare everyone dead at the moment it wakes.
 */

const beatsMissedByTheDead = 2

export class Heartbeat {
  /** Smoothed as TCP does it (RFC 6298: one eighth of each new measurement). */
  roundTripMs: number | undefined
  #heard = true
  #missed = 0

  /** Something arrived. */
  heard(): void {
    this.#heard = true
  }

  /** One period has passed: is the other side dead? */
  beat(): 'alive' | 'dead' {
    this.#missed = this.#heard ? 0 : this.#missed + 1
    this.#heard = false
    return this.#missed < beatsMissedByTheDead ? 'alive' : 'dead'
  }

  /** A pong brought back the number of its ping. */
  answered(stamp: number, now: number): void {
    const tookMs = ((stampOf(now) - stamp) >>> 0) / stampsPerMs
    this.roundTripMs = this.roundTripMs === undefined ? tookMs : (7 * this.roundTripMs + tookMs) / 8
  }
}

const stampsPerMs = 16

/** The number of a ping is the time at which it left, so nothing need be remembered until the pong comes. */
export function stampOf(now: number): number {
  return (now * stampsPerMs) >>> 0
}
