/**
 * Work that goes on after its caller was answered: stragglers, repairs, deliveries.
 *
 * A promise that nobody holds is one that `close` cannot wait for and whose failure nobody sees. Everything that
 * outlives its caller is run here instead, under a label.
 */

export class Tasks {
  readonly #running = new Map<Promise<void>, string>()
  readonly #failed: (label: string, error: unknown) => void
  /** Called when work begins; the result is called when it has ended. */
  onRun: (label: string) => () => void = () => () => {}

  /** `failed` hears of every task that rejects: a task is expected to deal with what it can foresee. */
  constructor(failed: (label: string, error: unknown) => void) {
    this.#failed = failed
  }

  get labels(): readonly string[] {
    return [...this.#running.values()]
  }

  run(label: string, work: Promise<unknown>): void {
    const ended = this.onRun(label)
    const task: Promise<void> = work.then(
      () => {
        ended()
        this.#running.delete(task)
      },
      (error: unknown) => {
        ended()
        this.#running.delete(task)
        this.#failed(label, error)
      },
    )
    this.#running.set(task, label)
  }

  /** Resolves when nothing runs any more, tasks started meanwhile included. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running.keys())
  }
}

/** A latch for loops that must not overlap themselves: runs `work` unless it is still running. */
export function single(tasks: Tasks, label: string, work: () => Promise<void>): () => void {
  let busy = false
  return () => {
    if (busy) return
    busy = true
    tasks.run(
      label,
      work().finally(() => {
        busy = false
      }),
    )
  }
}
