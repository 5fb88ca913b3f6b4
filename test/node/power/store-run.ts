/** A test's side of a store's process: what it said, and its death. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Word } from './store-process.ts'

export class StoreProcess {
  /** What it found when it opened the store. */
  readonly held = new Map<string, number>()
  /** `store-lost unknown` → how many updates ended so. */
  readonly failed = new Map<string, number>()
  key: string | undefined
  opened = false
  /** The code of the error with which the store did not open. */
  refused: string | undefined
  /** How many updates were acknowledged. */
  acknowledged = 0
  /** Resolves with all that it said on its standard error, once it is gone. */
  readonly ended: Promise<string>
  readonly #process: ChildProcess
  readonly #done = new Map<string, number>()
  /** As it was when a synced update was acknowledged last: updates end in the order in which they were called. */
  #synced: ReadonlyMap<string, number> = new Map()
  readonly #waiting: { readonly count: number; resolve(): void }[] = []

  /** `buffered`: only the counter is synced. */
  constructor(folder: string, sources = '-', { buffered = false } = {}) {
    const args = buffered ? [folder, sources, 'buffered'] : [folder, sources]
    this.#process = spawn(
      process.execPath,
      [join(import.meta.dirname, 'store-process.ts'), ...args],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    )
    let errors = ''
    this.#process.stderr!.setEncoding('utf8').on('data', (text: string) => (errors += text))
    const lines = createInterface(this.#process.stdout!)
    lines.on('line', (line) => this.#hear(line))
    this.ended = Promise.all([once(this.#process, 'close'), once(lines, 'close')]).then(
      () => `${this.refused ?? 'no refusal'} ${errors}`,
    )
  }

  /** The last update of `writer` that was acknowledged; 0 if none. */
  done(writer: string): number {
    return this.#done.get(writer) ?? 0
  }

  /** The last update of `writer` that was acknowledged before a synced one was. */
  synced(writer: string): number {
    return this.#synced.get(writer) ?? 0
  }

  /** Resolves once it has acknowledged so many updates; rejects if it ends before. */
  hasDone(count: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    // Whoever waits for something else too may not be there any more to hear it.
    promise.catch(() => {})
    this.#waiting.push({ count, resolve })
    void this.ended.then((how) => reject(new Error(`the store's process has ended: ${how}`)))
    this.#tellIfDone()
    return promise
  }

  /** Resolves once it is gone. One that waits for its disk dies only when that lets go of it. */
  async kill(letGo: () => Promise<void> = async () => {}): Promise<void> {
    this.#process.kill('SIGKILL')
    await letGo()
    await this.ended
  }

  #hear(line: string): void {
    const [word, first = '', second = ''] = line.split(' ') as [Word, string?, string?]
    switch (word) {
      case 'opened':
        this.opened = true
        return
      case 'key':
        this.key = first
        return
      case 'held':
        this.held.set(first, Number(second))
        return
      case 'refused':
        this.refused = first
        return
      case 'failed':
        this.failed.set(`${first} ${second}`, (this.failed.get(`${first} ${second}`) ?? 0) + 1)
        return
      case 'done':
        this.acknowledged++
        this.#done.set(first, Math.max(this.done(first), Number(second)))
        if (first === 'counter') this.#synced = new Map(this.#done)
        this.#tellIfDone()
    }
  }

  #tellIfDone(): void {
    for (const { count, resolve } of this.#waiting) if (this.acknowledged >= count) resolve()
  }
}
