/**
 * Members ask for other weights by a change of the ring: two at one time, or one whose ring loses a disk on the way.
 *
 * Two changes from one roster are the case in which the ring could split: each may find some who take it up, and
 * only one may be completed. A disk that is lost on the way takes votes along, and what was told to whoever gains.
 */
import type { Cluster } from './cluster.ts'
import { loseHost } from './disk-faults.ts'
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { End, Scene } from './scene.ts'
import { areHome, isMoving, lookUntil, pickSeated, seatFor } from './seats-wanted.ts'

const weights = [1, 2, 3, 4] as const

export function wantTwo(scene: Scene, _machine: Machine, random: SeededRandom): End | undefined {
  const { cluster } = scene
  const [one, other] = random.shuffled(cluster.members)
  if (isMoving(cluster) || one === undefined || other === undefined) return undefined
  const before = cluster.ring
  wantWeights(scene, [one, other], random)
  return () => cluster.ring !== before
}

/** The disk goes as soon as anybody writes and reads by two rings. */
export function loseInChange(
  scene: Scene,
  _machine: Machine,
  random: SeededRandom,
): End | undefined {
  const { cluster, calm } = scene
  const asker = pickSeated(cluster, random)
  if (isMoving(cluster) || asker === undefined) return undefined
  wantWeights(scene, [asker], random)
  const { host } = random.pick(cluster.members)
  const together = cluster.members.filter((each) => each.host === host)
  let state: 'waits' | 'lost' | 'over' = 'waits'
  const strike = (): void => {
    if (state !== 'waits') return
    if (!isOpen(cluster)) return void cluster.scheduler.after(random.between(20, 200), strike)
    const settle = calm.disturb(together)
    if (loseHost(scene, together)) state = 'lost'
    for (const each of together) cluster.restart(each)
    settle()
  }
  strike()
  return () => {
    const isLost = state === 'lost'
    state = 'over'
    return isLost
  }
}

function isOpen({ members }: Cluster): boolean {
  return members.some(({ process }) => process?.member?.view.next !== undefined)
}

/** Whoever founds a ring still weighs what it says; from then on it asks, all of these at one moment. */
function wantWeights(
  { cluster, calm }: Scene,
  machines: readonly Machine[],
  random: SeededRandom,
): void {
  const settle = calm.disturb(cluster.members)
  let isAsked = false
  for (const machine of machines) machine.leaves = true
  const ask = (): void => {
    isAsked = true
    for (const machine of machines) {
      machine.weight = random.pick(weights.filter((each) => each !== machine.weight))
      machine.joins = true
      cluster.chronicle.tell(
        '',
        `${machine.name} starts anew, and asks for weight ${machine.weight}`,
      )
      cluster.crash(machine, false)
      cluster.restart(machine)
    }
  }
  const isSo = (machine: Machine): boolean =>
    cluster.ring.members.some(({ id, weight }) => id === machine.peer && weight === machine.weight)
  lookUntil(cluster, () => {
    const areSeated = machines.every(({ process }) => process?.member?.changing.isSeated === true)
    if (areSeated && !isAsked) ask()
    for (const machine of machines) machine.process?.member?.want({ seat: seatFor(machine) })
    if (!isAsked || !machines.every(isSo) || !areHome(cluster, machines)) return false
    for (const machine of machines) machine.leaves = false
    settle()
    return true
  })
}
