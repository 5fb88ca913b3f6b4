/**
 * Who answers: a purely local judgement (paper §4.8.3).
 *
 * A missed deadline, a lost link or a failed dial makes a peer suspect *for this peer* and nobody else; any answer
 * clears it. Suspects are asked last, and probed in the background until they answer. Latency is remembered, so that
 * the fastest is asked first.
 */
import type { PeerId } from '../protocol/membership.ts'
import type { Clock } from '../ports.ts'
import type { Say } from '../protocol/event.ts'

interface Standing {
  suspect: boolean
  /** Smoothed, in milliseconds. */
  latency: number
  probedAt: number
}

export class Links {
  readonly #standings = new Map<PeerId, Standing>()
  readonly #clock: Clock
  readonly #say: Say
  /** Called when a suspect answers again: debts may drain, copies may be compared. */
  readonly #trusted: (peer: PeerId) => void

  constructor(clock: Clock, say: Say, trusted: (peer: PeerId) => void) {
    this.#clock = clock
    this.#say = say
    this.#trusted = trusted
  }

  isSuspect(peer: PeerId): boolean {
    return this.#standings.get(peer)?.suspect ?? false
  }

  suspects(): PeerId[] {
    return [...this.#standings].filter(([, { suspect }]) => suspect).map(([peer]) => peer)
  }

  answered(peer: PeerId, tookMs: number): void {
    const standing = this.#standing(peer)
    standing.latency = standing.latency === 0 ? tookMs : standing.latency * 0.8 + tookMs * 0.2
    if (!standing.suspect) return
    standing.suspect = false
    this.#say({ type: 'trusted', to: peer })
    this.#trusted(peer)
  }

  /** It has kept somebody waiting for so long, and may yet answer: others are asked before it for a while. */
  waitedFor(peer: PeerId, waitedMs: number): void {
    const standing = this.#standing(peer)
    standing.latency = standing.latency * 0.8 + waitedMs * 0.2
  }

  failed(peer: PeerId, why: string): void {
    const standing = this.#standing(peer)
    if (standing.suspect) return
    standing.suspect = true
    standing.probedAt = this.#clock.elapsed()
    this.#say({ type: 'suspect', to: peer, detail: why })
  }

  /** The trusted before the suspects, the fastest first; ties keep their order. */
  fastestFirst(peers: readonly PeerId[]): PeerId[] {
    const rank = (peer: PeerId): number => {
      const standing = this.#standings.get(peer)
      return standing === undefined ? 0 : standing.latency + (standing.suspect ? 1e9 : 0)
    }
    return [...peers].sort((a, b) => rank(a) - rank(b))
  }

  /** The suspects whose next probe is due; they count as probed now. */
  dueProbes(everyMs: number): PeerId[] {
    const now = this.#clock.elapsed()
    const due: PeerId[] = []
    for (const [peer, standing] of this.#standings) {
      if (!standing.suspect || now - standing.probedAt < everyMs) continue
      standing.probedAt = now
      due.push(peer)
    }
    return due
  }

  forget(peer: PeerId): void {
    this.#standings.delete(peer)
  }

  #standing(peer: PeerId): Standing {
    let standing = this.#standings.get(peer)
    if (standing === undefined) {
      standing = { suspect: false, latency: 0, probedAt: 0 }
      this.#standings.set(peer, standing)
    }
    return standing
  }
}
