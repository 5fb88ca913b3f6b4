/**
 * What goes wrong behind the application's back, until it works again.
 *
 * A put that cannot be stored tells its caller. A copy that cannot be refreshed, a confirmation that cannot be noted, a
 * table that cannot be kept have nobody to tell: the page looks as always and shows yesterday's cart. So whatever fails
 * in the background stands here under a name, is shown as a warning, and goes when what has that name works again; of
 * another name's success nothing follows, as a full disk may still take a smaller write.
 */
import type { Key } from '../data/key.ts'
import { type RingletError, StorageError } from '../protocol/errors.ts'

export class Troubles {
  readonly #sentences = new Map<string, string>()
  readonly #listeners = new Set<() => void>()

  /** Each once, in the order in which they came up. */
  get sentences(): readonly string[] {
    return [...new Set(this.#sentences.values())]
  }

  note(name: string, sentence: string): void {
    if (this.#sentences.get(name) === sentence) return
    this.#sentences.set(name, sentence)
    this.#changed()
  }

  over(name: string): void {
    if (this.#sentences.delete(name)) this.#changed()
  }

  /** Does this; if it fails for the store's sake, that stands until what goes by this name succeeds. */
  async watch<T>(name: string, work: () => Promise<T>): Promise<T> {
    try {
      const result = await work()
      this.over(name)
      return result
    } catch (error) {
      this.failed(name, error)
      throw error
    }
  }

  /** A store that was closed on purpose is no trouble; nor is anything but a store, which has a trace of its own. */
  failed(name: string, error: unknown): void {
    if (!(error instanceof StorageError) || error.code === 'closed') return
    this.note(name, `This device does not store all that it should: ${sayError(error)}`)
  }

  onChange(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  #changed(): void {
    for (const changed of this.#listeners) changed()
  }
}

/** What happened, and what to do about it. */
export function sayError({ message, remedy }: RingletError): string {
  const what = message.endsWith('.') ? message : `${message}.`
  return remedy === undefined ? what : `${what} ${remedy}`
}

/** The name of what this device keeps of a key. */
export function copyName({ text }: Key): string {
  return `copy ${text}`
}
