/**
 * What happened, in order: a line for each fault as it strikes, and, kept for the case that a promise breaks, a line for
 * each operation too.
 */

export interface Line {
  readonly atMs: number
  readonly text: string
  /** `bucket/path`; undefined for what concerns all keys. */
  readonly key: string | undefined
}

export class Story {
  readonly lines: Line[] = []
  readonly #print: (line: string) => void
  readonly #startedMs = Date.now()

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  get nowMs(): number {
    return Date.now() - this.#startedMs
  }

  tell(text: string, key?: string): void {
    const line = { atMs: this.nowMs, text, key }
    this.lines.push(line)
    if (key === undefined) this.#print(show(line))
  }

  /** When a log's line was written. */
  msOf(stamp: string): number {
    return Date.parse(stamp) - this.#startedMs
  }

  /** All that concerns these keys, with what the peers' own logs say of it. */
  of(keys: ReadonlySet<string>, logs: readonly { name: string; text: string }[]): string {
    const told = this.lines.filter(({ key }) => key === undefined || keys.has(key))
    const logged = logs.flatMap(({ name, text }) =>
      text.split('\n').flatMap((line) => this.#logged(name, line, keys) ?? []),
    )
    return [...told, ...logged]
      .toSorted((a, b) => a.atMs - b.atMs)
      .map(show)
      .join('\n')
  }

  #logged(name: string, line: string, keys: ReadonlySet<string>): Line | undefined {
    const [stamp = '', ...words] = line.split(' ')
    const atMs = this.msOf(stamp)
    if (Number.isNaN(atMs) || !words.some((word) => keys.has(word))) return undefined
    return { atMs, text: `  ${name}: ${words.join(' ')}`, key: '' }
  }
}

function show({ atMs, text }: Line): string {
  return `${(atMs / 1000).toFixed(1).padStart(7)} s  ${text}`
}
