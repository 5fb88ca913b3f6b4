/**
 * A member is sent away by another: because it is dead, or nobody reaches it, or for no reason that anybody here knows.
 *
 * From the order on its disk counts as one that is lost, whatever it does meanwhile: it may not have heard of it, and go on
 * taking writes with others who have not. It comes back by joining anew, and holds on to nothing; or on an empty disk.
 */
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { End, Scene } from './scene.ts'
import { areHome, comeBack, isMoving, lookUntil, pickSeated } from './seats-wanted.ts'

export function evict(scene: Scene, _machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, calm, custody } = scene
  const machine = pickSeated(cluster, random)
  if (isMoving(cluster) || machine === undefined) return undefined
  // Of two disks that are lost at one time, or a copy that is thrown away, nobody promises anything.
  if (cluster.clones.size > 0 || cluster.dismissed.size > 0 || !custody.mayLose([machine]))
    return undefined
  const settle = calm.disturb(cluster.members)
  custody.doom(machine)
  cluster.dismissed.add(machine)
  machine.leaves = true
  machine.joins = false
  const restore = ail(cluster, machine, random)
  const join = joinOf(cluster, machine)
  const isEmptied = random.chance(0.3)
  let isWanted = true
  let isBack = false
  cluster.chronicle.tell('', `${machine.name} is to be sent away`)
  lookUntil(cluster, () => {
    if (!isBack) order(cluster, machine, join, random)
    const isOut = !isWanted && hasGone(cluster, machine, join)
    // One that had not heard of it when it came back finds out later that it is no member.
    const comesAgain = isBack && machine.process?.member?.changing.isRemoved === true
    if (isOut && (!isBack || comesAgain)) {
      cluster.reapings.returns(machine)
      if (!isBack && isEmptied) cluster.wipe(machine)
      isBack = true
      comeBack(cluster, machine)
    }
    if (!isBack || machine.process?.member?.changing.isSeated !== true) return false
    if (!areHome(cluster, [machine])) return false
    custody.forget(machine)
    cluster.dismissed.delete(machine)
    machine.leaves = false
    settle()
    return true
  })
  return () => {
    isWanted = false
    restore()
    return hasGone(cluster, machine, join)
  }
}

/** Dead, cut off, or well; the result ends that. */
function ail(cluster: Cluster, machine: Machine, random: SeededRandom): () => void {
  switch (random.pick(['dead', 'cut off', 'well'] as const)) {
    case 'dead':
      cluster.crash(machine, random.chance(0.5))
      return () => cluster.restart(machine)
    case 'cut off':
      return cluster.network.cut((from, to) => (from === machine.peer) !== (to === machine.peer))
    case 'well':
      return () => {}
  }
}

/** Somebody else says so, until it is known. */
function order({ members }: Cluster, machine: Machine, join: number, random: SeededRandom): void {
  const others = members
    .filter((each) => each !== machine)
    .flatMap(({ process }) => process?.member ?? [])
    .filter(({ changing }) => changing.isSeated !== false)
  const isOrdered = others.some(({ changing }) => {
    const { orders, removals } = changing.situation?.facts ?? {}
    return [orders, removals].some((said) => (said?.get(machine.peer)?.said.join ?? -1) >= join)
  })
  if (others.length > 0 && !isOrdered)
    random
      .pick(others)
      .evict(machine.peer)
      .catch(() => {})
}

/** Which joining of it this is, as far as anybody knows. */
function joinOf({ members }: Cluster, { peer }: Machine): number {
  const joins = members.flatMap(({ process }) => {
    const seats = process?.member?.changing.situation?.roster.seats ?? []
    return seats.filter((seat) => seat.peer === peer).map(({ join }) => join)
  })
  return Math.max(0, ...joins)
}

/** Whether it has no seat any more, and somebody has said so for good. */
function hasGone(cluster: Cluster, machine: Machine, join: number): boolean {
  const isRemoved = cluster.members.some(({ process }) => {
    const removals = process?.member?.changing.situation?.facts.removals
    return (removals?.get(machine.peer)?.said.join ?? -1) >= join
  })
  return isRemoved && cluster.isOutside(machine)
}
