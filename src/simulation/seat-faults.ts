/**
 * The ring changes while everything else goes on: a member leaves in peace and comes back, a fresh one comes, and stays or
 * goes again.
 *
 * What they own goes to others and comes back to them, with all the crashes and cuts that fall in between: of the peer
 * that moves, of those that gain, and of those that must agree to it. Whoever has left is needed by nobody any more, nor is
 * its disk; so that may go as well, and is not counted as lost.
 */
import { evict } from './eviction-faults.ts'
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'
import { areHome, comeBack, isMoving, lookUntil, pickSeated, seatFor } from './seats-wanted.ts'
import { loseInChange, wantTwo } from './weight-faults.ts'

/** Of many more members a run would tell of little else than that they hear of each other. */
const mostMore = 2

/** Those that a run is struck by only if it is asked to (`--members`). */
export const memberFaults = {
  'member joins': join,
  'member is evicted': evict,
  'two changes at once': wantTwo,
  'disk lost in a change': loseInChange,
} as const satisfies Record<string, Inflict>

export const seatFaults = {
  'member leaves': leave,
  ...memberFaults,
} as const satisfies Record<string, Inflict>

function leave(scene: Scene, _machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, calm } = scene
  if (isMoving(cluster)) return undefined
  const machine = pickSeated(cluster, random)
  if (machine === undefined) return undefined
  const settle = calm.disturb(cluster.members)
  const isThrown = random.fork('store').chance(0.5)
  let isWanted = true
  machine.joins = true
  machine.leaves = true
  cluster.chronicle.tell('', `${machine.name} is to leave`)
  lookUntil(cluster, () => {
    const member = machine.process?.member
    if (isWanted) member?.want('leave')
    else if (member?.changing.isRemoved === true) {
      // A copy of a disk that is about may be thrown away as well, and counts as the one that a write can lose.
      if (isThrown && cluster.clones.size === 0) cluster.wipe(machine)
      comeBack(cluster, machine)
    } else member?.want({ seat: seatFor(machine) })
    if (isWanted || member?.changing.isSeated === false || !areHome(cluster, [machine]))
      return false
    machine.leaves = false
    settle()
    return true
  })
  return () => {
    isWanted = false
    return !cluster.ring.members.some(({ id }) => id === machine.peer)
  }
}

/** One that no ring has ever heard of. */
function join({ cluster, calm }: Scene, _machine: Machine, random: SeededRandom): End | undefined {
  const isLarge = cluster.members.length >= cluster.settings.members + mostMore
  if (isMoving(cluster) || isLarge) return undefined
  const machine = cluster.addMember()
  const settle = calm.disturb(cluster.members)
  // A tab keeps whom it has heard of, and waits for them: of a member that is gone for good it is told nothing.
  const goes = random.chance(0.7) && cluster.edges.length === 0
  let isOver = false
  machine.leaves = true
  cluster.chronicle.tell(
    '',
    `${machine.name} comes to the ring, ${goes ? 'for a while' : 'to stay'}`,
  )
  cluster.start(machine)
  lookUntil(cluster, () => {
    const member = machine.process?.member
    const isRemoved = member?.changing.isRemoved === true
    const hasGone = isOver && isRemoved && cluster.clones.size === 0
    if (isOver && goes && !isRemoved) member?.want('leave')
    if (hasGone) cluster.throwAway(machine)
    if (!hasGone && (goes || !isOver || !areHome(cluster, [machine]))) return false
    machine.leaves = false
    settle()
    return true
  })
  return () => {
    isOver = true
    return cluster.ring.members.some(({ id }) => id === machine.peer)
  }
}
