/**
 * Which disks may be lost without losing an acknowledged write: the rule that keeps the faults fair.
 *
 * P1 survives the loss of fewer than W of the disks that hold a write, until all owners hold it at once. So each write
 * keeps count of the hosts that lost it since then; at W − 1, no disk that holds it may be lost any more. A disk holds
 * what its record has seen, also what is superseded there: whatever superseded it may be nowhere else.
 */
import type { Bytes } from '../data/bytes.ts'
import { showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { covers } from '../data/vector.ts'
import { keyOfStored } from '../protocol/record.ts'
import type { Holding } from './checker.ts'
import type { Cluster, Machine } from './cluster.ts'
import { inspect } from './inspection.ts'

export class Custody {
  readonly #cluster: Cluster
  /** By write: the hosts that lost it since all its owners held it. */
  readonly #lost = new Map<number, number>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Whether these machines, which are one host's, may lose their disks now. */
  mayLose(machines: readonly Machine[]): boolean {
    return this.#heldBy(machines).every((write) => this.#spares(write))
  }

  lose(machines: readonly Machine[]): void {
    for (const write of this.#heldBy(machines)) this.#count(write)
  }

  mayLoseRecord(machine: Machine, storedKey: Bytes): boolean {
    return this.#heldBy([machine], nameOfStored(storedKey)).every((write) => this.#spares(write))
  }

  loseRecord(machine: Machine, storedKey: Bytes): void {
    for (const write of this.#heldBy([machine], nameOfStored(storedKey))) this.#count(write)
  }

  #spares(write: number): boolean {
    return (this.#lost.get(write) ?? 0) + 1 < this.#cluster.settings.w
  }

  #count(write: number): void {
    this.#lost.set(write, (this.#lost.get(write) ?? 0) + 1)
  }

  /** The writes that any of these machines holds, of one key or of all; what all owners hold is forgiven here. */
  #heldBy(machines: readonly Machine[], only?: string): number[] {
    const names = machines.map(({ name }) => name)
    const writes: number[] = []
    for (const [key, held] of inspect(this.#cluster)) {
      if (only !== undefined && key !== only) continue
      const owners = held.filter(({ owner }) => owner)
      const losing = held.filter(({ peer }) => names.includes(peer))
      for (const write of this.#cluster.witness.writesOf(key)) {
        const holds = ({ state }: Holding): boolean => this.#covers(state, write)
        if (owners.every(holds)) this.#lost.delete(write)
        if (losing.some(holds)) writes.push(write)
      }
    }
    return writes
  }

  #covers(state: ObjectState, write: number): boolean {
    for (const dot of this.#cluster.witness.dotsOf(write).values()) {
      if (covers(state.seen, dot)) return true
    }
    return false
  }
}

/** `bucket/path` of a stored record. */
export function nameOfStored(storedKey: Bytes): string {
  return showKey(keyOfStored(storedKey))
}
