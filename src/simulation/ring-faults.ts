/**
 * A member comes back otherwise than it went: with another weight, or in another zone. Then others own what it owned.
 *
 * An operator does that who gives a machine a larger disk. It is no planned change: nobody waits until the new owners have
 * what the old ones hold, and cuts and crashes go on in the middle of it. What must hold all the same is that whoever has
 * a copy and no longer owns it owes it to the present owners, and keeps it until they have it.
 */
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const ringFaults = {
  'another weight': weigh,
} as const satisfies Record<string, Inflict>

const weights = [1, 2, 3, 4, 8] as const
const zones = ['', 'east', 'west'] as const

function weigh(scene: Scene, machine: Machine, random: SeededRandom): End {
  const { cluster, calm } = scene
  const member = machine.kind === 'member' ? machine : random.pick(cluster.members)
  const settle = calm.disturb([member])
  cluster.crash(member, random.chance(0.3))
  const { weight, zone } = member
  if (random.chance(0.25)) member.zone = random.pick(zones.filter((each) => each !== zone))
  else member.weight = random.pick(weights.filter((each) => each !== weight))
  const place = member.zone === '' ? 'no zone' : `zone ${member.zone}`
  cluster.chronicle.tell('', `${member.name} has weight ${member.weight} and ${place} from now on`)
  return () => {
    cluster.restart(member)
    settle()
    return true
  }
}
