/**
 * Somebody who looks at the ring now and then, and says what no peer may say of itself.
 *
 * Where most owners of a partition have lost their disks, nobody is left who could tell them that they hold all again:
 * they would wait for ever, and strict requests with them. An operator who knows that no better disk will come back may
 * end that, and then knows that what was acknowledged strictly before may be missed. So the checker is told when.
 */
import { partitionOf, type Key } from '../data/key.ts'
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'

/** A person looks so often, and lets things take their time for so long. */
const looksEveryMs = 2000
const patienceMs = 8000

export class Operator {
  readonly #cluster: Cluster
  /** Since when a machine, or a key of one, has been stuck. */
  readonly #stuck = new Map<string, number>()
  readonly #words: { readonly machine: Machine; readonly atMs: number }[] = []

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** When it last said that a machine is to be believed. */
  get lastWordMs(): number {
    return this.#words.at(-1)?.atMs ?? -Infinity
  }

  /** Looks now and then, for as long as the run goes on. */
  start(): void {
    this.#cluster.scheduler.after(looksEveryMs, () => {
      this.#look()
      this.start()
    })
  }

  /** Whether a word of the operator may have hidden what was acknowledged at one time from who asked at another. */
  hasVoided(key: Key, acknowledgedMs: number, askedMs: number): boolean {
    const { rings, settings } = this.#cluster
    const partition = partitionOf(key.position, settings.q)
    return this.#words.some(({ machine, atMs }) => {
      const isOwner = rings.at(atMs).ownersOf(partition).includes(machine.peer)
      return isOwner && acknowledgedMs <= atMs && atMs <= askedMs
    })
  }

  #look(): void {
    const { members, scheduler } = this.#cluster
    for (const machine of members) {
      const member = machine.process?.member
      const isStuck = member?.isStuck === true || this.#doubtsForLong(machine)
      if (member === undefined || !isStuck) this.#stuck.delete(machine.name)
      else if (!this.#stuck.has(machine.name)) this.#stuck.set(machine.name, scheduler.nowMs)
      else if (scheduler.nowMs - this.#stuck.get(machine.name)! >= patienceMs) {
        this.#stuck.delete(machine.name)
        this.#words.push({ machine, atMs: scheduler.nowMs })
        this.#cluster.chronicle.tell('', `the operator trusts ${machine.name}`)
        member.trust().catch(() => {})
        // The others may find what they need now.
        return
      }
    }
  }

  #doubtsForLong({ name, process }: Machine): boolean {
    const { scheduler, wholeness } = this.#cluster
    const doubts = process?.member?.records.doubts.keys ?? []
    return doubts.some(
      (key) => wholeness.doubtedSince(name, key) < scheduler.nowMs - 2 * patienceMs,
    )
  }
}
