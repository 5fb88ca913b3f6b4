/**
 * Who said when that it holds all it ever acknowledged: for what is promised of strict requests.
 *
 * A member says so itself, and takes it back when it loses a disk or finds a record damaged. Whether it was right to say
 * so the checker sees elsewhere; here it only matters how long it has stood, for the others must have heard of it before
 * anybody can be blamed for not counting it.
 */
import { type Key, showKey } from '../data/key.ts'
import type { PeerEvent } from '../protocol/event.ts'

interface Word {
  readonly isWhole: boolean
  readonly sinceMs: number
}

export class Wholeness {
  /** Called when a member says that it is whole again. */
  onWhole: (machine: string) => void = () => {}
  /** By machine, and by machine and key where it is one record that is in doubt. */
  readonly #words = new Map<string, Word>()

  hear(machine: string, { type, key, detail }: PeerEvent, nowMs: number): void {
    if (type === 'readiness') {
      this.#words.set(machine, { isWhole: detail === 'ready', sinceMs: nowMs })
      if (detail === 'ready') this.onWhole(machine)
    }
    const isDoubt = type === 'doubt' || type === 'quarantined'
    if (isDoubt || type === 'doubt-over') {
      const name = `${machine} ${key}`
      // What is found again and again has been in doubt since the first time.
      if (this.#words.get(name)?.isWhole !== !isDoubt)
        this.#words.set(name, { isWhole: !isDoubt, sinceMs: nowMs })
    }
  }

  /** Whether it has said so for long enough, of itself and of this key. */
  wasWhole(machine: string, key: string, fromMs: number): boolean {
    const doubt = this.#words.get(`${machine} ${key}`)
    const isKnown = (word: Word): boolean => word.isWhole && word.sinceMs < fromMs
    const own = this.#words.get(machine)
    return own !== undefined && isKnown(own) && (doubt === undefined || isKnown(doubt))
  }

  /** Since when it has been in doubt of this key; `Infinity` where it is in none that it has told of. */
  doubtedSince(machine: string, key: Key): number {
    const word = this.#words.get(`${machine} ${showKey(key)}`)
    return word === undefined || word.isWhole ? Infinity : word.sinceMs
  }

  /** Whether it has said nothing new of itself since then. */
  wasSteady(machine: string, fromMs: number): boolean {
    return (this.#words.get(machine)?.sinceMs ?? Infinity) < fromMs
  }
}
