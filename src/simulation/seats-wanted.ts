/**
 * What the faults share that make members want the ring to change: whether anything is on its way, and how a wish goes on.
 *
 * A wish ends with the process that had it, and crashes fall in between. So somebody looks now and then how far it is, and
 * says it again, as whoever starts a member does.
 */
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'

/** How often it is looked at how far it is. */
const looksEveryMs = 500

/** Looks until there is nothing more to look for. */
export function lookUntil(cluster: Cluster, isOver: () => boolean): void {
  if (!isOver()) cluster.scheduler.after(looksEveryMs, () => lookUntil(cluster, isOver))
}

/** Whether somebody is on its way in or out: one goes at a time, and somebody must be left to own what it owned. */
export function isMoving(cluster: Cluster): boolean {
  const seats = cluster.ring.members.length
  const isOther = cluster.members.some(({ leaves }) => leaves)
  return isOther || seats <= cluster.settings.n || seats < cluster.members.length
}

/** A member that serves, and has its place. */
export function pickSeated({ members }: Cluster, random: SeededRandom): Machine | undefined {
  const seated = members.filter(({ process }) => process?.member !== undefined)
  return seated.length === 0 ? undefined : random.pick(seated)
}

/** Whether all see these members in the ring, and nothing is on its way. */
export function areHome({ members }: Cluster, machines: readonly Machine[]): boolean {
  return members.every((each) => {
    const view = each.process?.member?.view
    const open = each.process?.member?.changing.situation?.changes ?? []
    const isQuiet = open.every(({ fate }) => fate === 'withdrawn')
    return isQuiet && machines.every(({ peer }) => view?.ring.members.some(({ id }) => id === peer))
  })
}

/** It starts again as a joiner. */
export function comeBack(cluster: Cluster, machine: Machine): void {
  cluster.chronicle.tell('', `${machine.name} comes back`)
  machine.joins = true
  cluster.crash(machine, false)
  cluster.restart(machine)
}

export function seatFor({ host, zone, weight }: Machine) {
  return { class: 'durable', host, zone, weight } as const
}
