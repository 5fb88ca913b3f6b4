/**
 * What a member looks through now and then: what it owes and what room that takes, how long it was awake, and which notes
 * have grown old.
 */
import type { Records } from './records.ts'
import { SteadyWall } from './steady-wall.ts'
import type { MemberWorld } from './world.ts'

const sweepMs = 10_000

export interface SweepOptions {
  readonly world: MemberWorld
  readonly records: Records
  /** Counts what is owed. */
  readonly count: () => Promise<unknown>
  readonly noteAwake: () => Promise<unknown>
}

export class Sweep {
  readonly #options: SweepOptions
  readonly #wall: SteadyWall
  #due = 0

  constructor(options: SweepOptions) {
    this.#options = options
    this.#wall = new SteadyWall(options.world.clock)
  }

  tick(): void {
    const { world, records, count, noteAwake } = this.#options
    const { clock, limits, storage, tasks, troubles } = world
    this.#wall.tick()
    if (clock.elapsed() < this.#due) return
    this.#due = clock.elapsed() + sweepMs
    tasks.run('count', count())
    tasks.run(
      'space',
      troubles.watch('store', () => records.foreign.measure(storage)),
    )
    if (this.#wall.wasSteadyFor(limits.requestMemoryMs)) {
      const before = clock.now() - limits.requestMemoryMs
      tasks.run(
        'sweep',
        troubles.watch('store', () => records.forgetRequests(before)),
      )
    }
    tasks.run('awake', troubles.watch('store', noteAwake))
  }
}
