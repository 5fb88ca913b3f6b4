/**
 * A ring is brought up to a later version one peer at a time, and some of them back again.
 */
import { equalBytes } from '../data/bytes.ts'
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import type { Encounters } from './newer-version.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const versionFaults = {
  'newer version': bringUp,
} as const satisfies Record<string, Inflict>

/** The peer ends, and starts again as a later version; and later as it was, on what that has left on its disk. */
function bringUp(scene: Scene, machine: Machine): End | undefined {
  const { cluster, calm } = scene
  if (machine.newer !== undefined) return undefined
  const encounters: Encounters = { refused: 0, offences: [] }
  const change = (to: Encounters | undefined, text: string): void => {
    const settle = calm.disturb([machine])
    cluster.crash(machine, false)
    machine.newer = to
    cluster.chronicle.tell('', text)
    cluster.restart(machine)
    settle()
  }
  change(encounters, `${machine.name} is brought up to a later version`)
  return () => {
    const { network } = cluster
    network.offences.push(...encounters.offences, ...shortened(cluster, machine))
    change(undefined, `${machine.name} is back at the version before`)
    return encounters.refused > 0
  }
}

/** Who has this peer's last word, and not all of it. */
function shortened({ machines }: Cluster, { name, peer, process }: Machine): string[] {
  const own = process?.member?.view.byPeer.get(peer)
  if (own === undefined) return []
  return machines.flatMap((other) => {
    const view = other.process?.member?.view ?? other.process?.edge?.view
    const known = view?.byPeer.get(peer)
    if (known === undefined || known.record.version !== own.record.version) return []
    if (equalBytes(known.signed, own.signed)) return []
    return [`${other.name} has cut off what ${name} says of itself`]
  })
}
