/**
 * A member leaves in peace while everything else goes on, and comes back after a while.
 *
 * Its part of the ring goes to others and comes back to it, with all the crashes and cuts that fall in between: of the
 * peer that moves, of those that gain, and of those that must agree to it.
 */
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const seatFaults = {
  'member leaves': leave,
} as const satisfies Record<string, Inflict>

/** How often it is looked at how far it is. */
const looksEveryMs = 500

function leave(scene: Scene, _machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, calm } = scene
  const seats = cluster.ring.members.map(({ id }) => id)
  // Somebody must be left to own what it owned, and one goes at a time.
  const isOther = cluster.members.some(({ leaves }) => leaves)
  if (isOther || seats.length <= cluster.settings.n || seats.length < cluster.members.length) {
    return undefined
  }
  const seated = cluster.members.filter(({ process }) => process?.member !== undefined)
  if (seated.length === 0) return undefined
  const machine = random.pick(seated)
  const settle = calm.disturb(cluster.members)
  let isWanted = true
  machine.joins = true
  machine.leaves = true
  cluster.chronicle.tell('', `${machine.name} is to leave`)
  const look = (): void => {
    const member = machine.process?.member
    if (isWanted) member?.want('leave')
    else if (member?.changing.isRemoved === true) comeBack(scene, machine)
    else member?.want({ seat: seatFor(machine) })
    if (!isWanted && isHome(scene, machine)) {
      machine.leaves = false
      settle()
    } else cluster.scheduler.after(looksEveryMs, look)
  }
  look()
  return () => {
    isWanted = false
    return !cluster.ring.members.some(({ id }) => id === machine.peer)
  }
}

/** Whether it sits again, or still, and nothing is on its way. */
function isHome({ cluster }: Scene, { peer, process }: Machine): boolean {
  if (process?.member?.changing.isSeated === false) return false
  return cluster.members.every((each) => {
    const view = each.process?.member?.view
    const open = each.process?.member?.changing.situation?.changes ?? []
    const isQuiet = open.every(({ fate }) => fate === 'withdrawn')
    return isQuiet && view?.ring.members.some(({ id }) => id === peer) === true
  })
}

/** It starts again as a joiner, on the disk that it left with. */
function comeBack({ cluster }: Scene, machine: Machine): void {
  cluster.chronicle.tell('', `${machine.name} comes back`)
  cluster.crash(machine, false)
  cluster.restart(machine)
}

function seatFor({ host, zone, weight }: Machine) {
  return { class: 'durable', host, zone, weight } as const
}
