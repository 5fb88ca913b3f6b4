/**
 * Asks the members again and again what they hold, as long as somebody looks.
 *
 * Gently: one round of questions at a time, a pause after each, none while the page is hidden, and of larger rings less
 * often. A change is no reason to wait for the next round, but many changes at once are one reason.
 */
import type { Location, MemberReport, Peer } from '../../index.ts'

/** Undefined: not asked, or nobody could be. */
export interface Look {
  readonly location?: Location
  readonly reports?: readonly MemberReport[]
}

const pauseMs = 2000
const pauseMsPerMember = 50
const leastPauseMs = 300

export class Looking {
  readonly #peer: Peer
  readonly #key: string
  readonly #seen: (look: Look) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #isAsking = false
  #isWanted = false
  #stopped = false

  constructor(peer: Peer, key: string, seen: (look: Look) => void) {
    this.#peer = peer
    this.#key = key
    this.#seen = seen
    this.#wait(0)
  }

  /** Something has changed: asks soon, and not in a while. */
  again(): void {
    if (this.#isWanted) return
    this.#isWanted = true
    if (!this.#isAsking) this.#wait(leastPauseMs)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #wait(delayMs: number): void {
    clearTimeout(this.#timer)
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), delayMs)
  }

  async #look(): Promise<void> {
    this.#isAsking = true
    this.#isWanted = false
    const look = document.hidden ? undefined : await this.#ask()
    this.#isAsking = false
    if (this.#stopped) return
    if (look !== undefined) this.#seen(look)
    const { members } = this.#peer.ring
    this.#wait(this.#isWanted ? leastPauseMs : pauseMs + members.length * pauseMsPerMember)
  }

  async #ask(): Promise<Look> {
    const { gate, activity } = this.#peer.status
    if (gate === 'closed' || activity === 'asleep') return {}
    const [location, reports] = await Promise.allSettled([
      this.#peer.locate('carts', this.#key),
      this.#peer.reports(),
    ])
    return {
      ...(location.status === 'fulfilled' && { location: location.value }),
      ...(reports.status === 'fulfilled' && { reports: reports.value }),
    }
  }
}
