/**
 * What goes wrong while a debt is paid: the process of the one that pays, or of the one that is paid, ends in the midst.
 *
 * Crashes that fall anywhere hardly ever fall between an acknowledgement and the drop that follows from it, which is where
 * a stand-in could forget what it owes, or keep what it owes to nobody. So this one waits for that moment.
 */
import { shelfRange } from '../protocol/record.ts'
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const payingFaults = {
  'crash while paying': killWhilePaying,
} as const satisfies Record<string, Inflict>

const markerLetter = shelfRange('marker').from[0]

function killWhilePaying(scene: Scene, _machine: Machine, random: SeededRandom): End {
  const { cluster } = scene
  // What it is that is killed is not known before it pays; whoever it is is unwell from then on.
  let struck: { readonly machine: Machine; readonly settle: () => void } | undefined
  const whom = random.pick(['payer at its commit', 'payer', 'paid'] as const)
  const kill = (machine: Machine | undefined): void => {
    if (struck !== undefined || machine?.process === undefined) return
    struck = { machine, settle: scene.calm.disturb([machine]) }
    // Its own code is still on the stack: let it come to its await.
    cluster.scheduler.after(0, () => cluster.crash(machine, random.chance(0.5)))
  }
  const stop = cluster.onEvent((machine, { type, to }) => {
    if (type !== 'hint-drained') return
    if (whom === 'paid') kill(cluster.members.find(({ peer }) => peer === to))
    if (whom === 'payer') kill(machine)
    // The next that it settles is on its way to the disk when the power goes.
    if (
      whom === 'payer at its commit' &&
      machine.disk.underWay.some(({ key }) => key[0] === markerLetter)
    )
      kill(machine)
  })
  return () => {
    stop()
    if (struck === undefined) return false
    cluster.restart(struck.machine)
    struck.settle()
    return true
  }
}
