/**
 * So many pieces of work at a time, and never two of one name: a slow one holds up itself, and no other.
 */
import type { Tasks } from './tasks.ts'

export class Lanes {
  readonly #tasks: Tasks
  readonly #label: string
  readonly #width: number
  /** Called when a lane is free again. */
  readonly #freed: () => void
  readonly #busy = new Set<string>()

  constructor(tasks: Tasks, label: string, width: number, freed: () => void) {
    this.#tasks = tasks
    this.#label = label
    this.#width = width
    this.#freed = freed
  }

  get isFull(): boolean {
    return this.#busy.size >= this.#width
  }

  /** Runs `work`, unless work of this name is under way or every lane is taken: whether it runs it. */
  run(name: string, work: () => Promise<void>): boolean {
    if (this.isFull || this.#busy.has(name)) return false
    this.#busy.add(name)
    this.#tasks.run(
      this.#label,
      work().finally(() => {
        this.#busy.delete(name)
        this.#freed()
      }),
    )
    return true
  }
}
