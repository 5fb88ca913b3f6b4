/**
 * Which disks may be lost without losing an acknowledged write: the rule that keeps the faults fair.
 *
 * P1 survives the loss of fewer than W of the disks that hold a write, until all owners hold it at once. So each key
 * keeps count of the hosts lost since its owners last agreed, with everybody's debts of it paid; at W − 1 no disk
 * that holds the key may be lost any more.
 */
import type { Cluster, Machine } from './cluster.ts'
import { keyOfStored, shelfRange } from '../protocol/record.ts'
import { showKey } from '../data/key.ts'
import { inspect, ownersAgree } from './inspection.ts'

export class Custody {
  readonly #cluster: Cluster
  readonly #w: number
  /** Hosts lost that held the key, since its owners last agreed. */
  readonly #lost = new Map<string, number>()

  constructor(cluster: Cluster, w: number) {
    this.#cluster = cluster
    this.#w = w
  }

  /** Whether these machines, which are on one host, may lose their disks now. */
  mayLose(machines: readonly Machine[]): boolean {
    if (this.#lost.size > 0) this.#forgive()
    return keysOn(machines).every((key) => (this.#lost.get(key) ?? 0) + 1 < this.#w)
  }

  lose(machines: readonly Machine[]): void {
    for (const key of keysOn(machines)) this.#lost.set(key, (this.#lost.get(key) ?? 0) + 1)
  }

  #forgive(): void {
    const holdings = inspect(this.#cluster)
    for (const key of this.#lost.keys()) {
      const held = holdings.get(key)
      if (held === undefined) continue
      const settled =
        ownersAgree(held) &&
        held.every(({ owes, owner, present }) => owes.length === 0 && (owner || !present))
      if (settled) this.#lost.delete(key)
    }
  }
}

function keysOn(machines: readonly Machine[]): string[] {
  const { from, to } = shelfRange('object')
  const keys = machines.flatMap(({ disk }) =>
    disk.entries(from, to).map(({ key }) => showKey(keyOfStored(key))),
  )
  return [...new Set(keys)]
}
