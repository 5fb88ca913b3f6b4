/**
 * What a disk that was set back may do before anybody can tell it: the one exception that P7 states.
 *
 * Such a disk does not know what it minted since its image, and may give a name out again until its record of the key
 * shows it a write of its own that it did not make. So for each name that is at stake this book notes how far the disk
 * has counted anew, and closes when its record shows more than that: a name used twice after that is a broken promise.
 */
import type { ObjectState } from '../data/siblings.ts'
import { type ActorId, covers, type Dot, highest } from '../data/vector.ts'
import { type Image, statesIn } from './medium.ts'

interface Stake {
  readonly machine: string
  readonly key: string
  readonly actor: ActorId
  /** How far the disk has counted, from its image on. */
  counted: number
}

/** The dots of a key that have ever named a write. */
export type KnownDots = () => Iterable<{ readonly key: string; readonly dot: Dot }>

export class Stakes {
  readonly #known: KnownDots
  readonly #generationsOf: (machine: { readonly name: string }) => readonly string[]
  #open: Stake[] = []
  #closed: Stake[] = []
  readonly #excused = new Set<string>()

  constructor(
    known: KnownDots,
    generationsOf: (machine: { readonly name: string }) => readonly string[],
  ) {
    this.#known = known
    this.#generationsOf = generationsOf
  }

  get areOpen(): boolean {
    return this.#open.length > 0
  }

  /** Every name that this machine gave out and that its image does not know is at stake. */
  setBack(machine: { readonly name: string }, image: Image): void {
    const states = statesIn(image)
    const generations = this.#generationsOf(machine)
    const staked = new Set<string>()
    for (const { key, dot } of this.#known()) {
      if (!generations.some((generation) => dot.actor.startsWith(`${generation}.`))) continue
      const state = states.get(key)
      const name = `${key} ${dot.actor}`
      if (staked.has(name) || (state !== undefined && covers(state.seen, dot))) continue
      staked.add(name)
      const counted = state === undefined ? 0 : highest(state.seen, dot.actor)
      this.#open.push({ machine: machine.name, key, actor: dot.actor, counted })
    }
  }

  /** A record became durable on a machine; `isAnother` says whether a sibling's dot named another write before. */
  sees(machine: string, key: string, state: ObjectState, isAnother: (dot: Dot) => boolean): void {
    if (this.#open.length === 0) return
    this.#open = this.#open.filter((stake) => {
      if (stake.machine !== machine || stake.key !== key) return true
      const next = { actor: stake.actor, counter: stake.counted + 1 }
      const again = state.siblings.some(
        ({ dot }) => dot.actor === next.actor && dot.counter === next.counter && isAnother(dot),
      )
      if (again) {
        stake.counted++
        this.#excused.add(`${key} ${next.actor} ${next.counter}`)
      }
      const isOpen = highest(state.seen, stake.actor) <= stake.counted
      if (!isOpen) this.#closed.push(stake)
      return isOpen
    })
  }

  /**
   * A peer says that it has minted this. A client that tries again what the image does not know may get the same value under
   * the same name: then the record showed nothing that its disk did not make itself.
   */
  mints(machine: string, key: string, { actor, counter }: Dot): void {
    const closed = this.#closed.find((stake) => {
      const isIts = stake.machine === machine && stake.key === key && stake.actor === actor
      return isIts && stake.counted + 1 === counter
    })
    if (closed === undefined) return
    this.#closed = this.#closed.filter((stake) => stake !== closed)
    this.#open.push({ ...closed, counted: counter })
  }

  excuses(key: string, { actor, counter }: Dot): boolean {
    return this.#excused.has(`${key} ${actor} ${counter}`)
  }
}
