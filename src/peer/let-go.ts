/**
 * The entries that this process has let go of, of the keys that it shortened last: whoever asks what became of a write under
 * one of them hears that it was here. Memory is enough: of an entry that went, nobody who was awake has anything to ask.
 */
import type { Key } from '../data/key.ts'
import { covers, type Dot, nothingSeen, type Seen, union } from '../data/vector.ts'

export class LetGo {
  readonly #most: number
  readonly #byKey = new Map<string, Seen>()

  /** Of so many keys. */
  constructor(most: number) {
    this.#most = most
  }

  note({ text }: Key, entries: Seen): void {
    const together = union(this.#byKey.get(text) ?? nothingSeen, entries)
    this.#byKey.delete(text)
    this.#byKey.set(text, together)
    if (this.#byKey.size <= this.#most) return
    for (const oldest of this.#byKey.keys()) {
      this.#byKey.delete(oldest)
      return
    }
  }

  covers({ text }: Key, dot: Dot): boolean {
    return covers(this.#byKey.get(text) ?? nothingSeen, dot)
  }
}
