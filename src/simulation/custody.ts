/**
 * Which disks may be lost without losing an acknowledged write: the rule that keeps the faults fair.
 *
 * P1 survives the loss of fewer than W of the disks that hold a write, until all owners hold it at once. So each key
 * keeps count of the hosts that lost it since its owners last agreed, with everybody's debts of it paid; at W − 1 no
 * record of it may be lost any more.
 */
import type { Bytes } from '../data/bytes.ts'
import { showKey } from '../data/key.ts'
import { keyOfStored, shelfRange } from '../protocol/record.ts'
import type { Cluster, Machine } from './cluster.ts'
import { inspect, isSettled } from './inspection.ts'

export class Custody {
  readonly #cluster: Cluster
  /** By key: the hosts that lost it since its owners last agreed. */
  readonly #lost = new Map<string, number>()

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  /** Whether these machines, which are one host's, may lose their disks now. */
  mayLose(machines: readonly Machine[]): boolean {
    this.#forgive()
    return keysOn(machines).every((key) => this.#spares(key))
  }

  lose(machines: readonly Machine[]): void {
    for (const key of keysOn(machines)) this.#count(key)
  }

  mayLoseRecord(storedKey: Bytes): boolean {
    this.#forgive()
    return this.#spares(nameOfStored(storedKey))
  }

  loseRecord(storedKey: Bytes): void {
    this.#count(nameOfStored(storedKey))
  }

  #spares(key: string): boolean {
    return (this.#lost.get(key) ?? 0) + 1 < this.#cluster.settings.w
  }

  #count(key: string): void {
    this.#lost.set(key, (this.#lost.get(key) ?? 0) + 1)
  }

  #forgive(): void {
    if (this.#lost.size === 0) return
    const holdings = inspect(this.#cluster)
    for (const key of this.#lost.keys()) {
      if (isSettled(holdings.get(key) ?? [])) this.#lost.delete(key)
    }
  }
}

/** `bucket/path` of a stored record. */
export function nameOfStored(storedKey: Bytes): string {
  return showKey(keyOfStored(storedKey))
}

function keysOn(machines: readonly Machine[]): string[] {
  const { from, to } = shelfRange('object')
  const entries = machines.flatMap(({ disk }) => disk.entries(from, to))
  return [...new Set(entries.map(({ key }) => nameOfStored(key)))]
}
