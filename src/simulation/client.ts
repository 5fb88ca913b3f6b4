/**
 * One client: a temper, a memory of each key, and a peer that it mostly keeps to.
 */
import type { Key } from '../data/key.ts'
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { Temper } from './swarm.ts'

/** What a client remembers of a key: the ring's word for it, and the truth. */
export interface Memory {
  /** As applications hold it. */
  readonly context: string
  /** The writes that it had directly to do with, by id. */
  readonly basis: readonly number[]
}

export const seenNothing: Memory = { context: '', basis: [] }

/** What a client does next. */
export type Move = 'read' | 'write blind' | 'write on' | 'read and write' | 'follow or not'

export class Client {
  readonly name: string
  /** Drawn from in the present turn. */
  random: SeededRandom
  /** Counted from 1. */
  turn = 0
  readonly temper: Temper
  readonly memories = new Map<string, Memory>()
  readonly #cluster: Cluster
  readonly #root: SeededRandom
  #home: Machine | undefined

  constructor(cluster: Cluster, number: number, temper: Temper) {
    this.name = `client ${number}`
    this.#root = cluster.random.fork(this.name)
    this.random = this.#root
    this.temper = temper
    this.#cluster = cluster
  }

  /** Each turn draws from a stream of its own: one that is left out leaves the others as they are. */
  nextTurn(): string {
    this.random = this.#root.fork(++this.turn)
    return `${this.name}, turn ${this.turn}`
  }

  /** Mostly the same peer while it serves. */
  choosePeer(): Machine | undefined {
    const { serving } = this.#cluster
    const stays = this.#home?.process?.keyed !== undefined && this.random.chance(0.7)
    if (!stays) this.#home = serving.length === 0 ? undefined : this.random.pick(serving)
    return this.#home
  }

  chooseMove(): Move {
    const dice = this.random.fraction()
    if (dice > 0.98) return 'follow or not'
    switch (this.temper) {
      case 'blind':
        return 'write blind'
      case 'careful':
        return dice < 0.15 ? 'read' : 'read and write'
      case 'stale':
        return dice < 0.1 ? 'read' : 'write on'
      case 'deleter':
      case 'recreator':
        return dice < 0.2 ? 'read' : dice < 0.5 ? 'write on' : 'read and write'
      case 'impatient':
      case 'shopper':
        if (dice < 0.08) return 'write blind'
        return dice < 0.35 ? 'read' : dice < 0.5 ? 'write on' : 'read and write'
    }
  }

  /** Whether its next write of the key is a delete. */
  deletes(key: Key): boolean {
    if (this.temper === 'deleter') return this.random.chance(0.6)
    if (this.temper !== 'recreator') return this.random.chance(0.12)
    const deletes = !this.#deleted.has(key.text)
    if (deletes) this.#deleted.add(key.text)
    else this.#deleted.delete(key.text)
    return deletes
  }

  /** Whether it tries a write again that did not succeed. */
  triesAgain(): boolean {
    return this.random.chance(this.temper === 'impatient' ? 0.9 : 0.1)
  }

  remember(key: Key, memory: Memory): Memory {
    this.memories.set(key.text, memory)
    return memory
  }

  readonly #deleted = new Set<string>()
}
