/**
 * A data folder is copied, and a second peer is started on the copy, while the first lives: one name, two disks.
 *
 * It happens to whoever restores a backup beside the original, or copies a folder to get one peer more. Nobody can forbid
 * it, so what is asked is this: no name is given to two writes, what either acknowledged is not lost, and the two do
 * not go on for long. The copy ends in the bin, and what stood on it alone with it.
 */
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const cloneFaults = {
  'cloned folder': cloneFolder,
} as const satisfies Record<string, Inflict>

/** How often is looked whether a peer on a copy has stopped, by who is there to start it again. */
const supervisionMs = 2000
/** Found so often in a row to serve both, though nothing keeps them from hearing of each other. */
const patience = 5

function cloneFolder(scene: Scene, machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, custody, calm } = scene
  const { scheduler } = cluster
  if (machine.kind === 'edge' || machine.disk.isLost) return undefined
  // Two that acknowledge one write, and are both thrown away, would be more disks than a write can bear to lose.
  if (cluster.clones.size > 0 || cluster.dismissed.size > 0) return undefined
  const settle = calm.disturb([machine])
  // Copied as it runs; or stopped first, and then both are started at one moment.
  if (random.chance(0.3)) cluster.crash(machine, false)
  const copy = cluster.clone(machine)
  custody.lend(copy, machine)
  cluster.start(copy)
  cluster.restart(machine)
  const before = cluster.displaced
  let served = false
  let both = 0
  const isSupervised = random.chance(0.5)
  const look = (): void => {
    if (!cluster.clones.has(copy)) return
    served ||= copy.process?.keyed !== undefined
    both = mustHear(cluster, machine) && mustHear(cluster, copy) ? both + 1 : 0
    if (both === patience) {
      const text = `${machine.name} and ${copy.name} go on, both of them, as one member`
      cluster.witness.violations.push({ promise: 'P9', key: '', text })
    }
    if (isSupervised && copy.process === undefined) cluster.start(copy)
    scheduler.after(supervisionMs, look)
  }
  scheduler.after(supervisionMs, look)
  return () => {
    served ||= copy.process?.keyed !== undefined
    cluster.crash(copy, true)
    cluster.clones.delete(copy)
    cluster.reapings.copiedAtMs = scheduler.nowMs
    custody.throwAway(copy)
    cluster.chronicle.tell('', `${copy.disk.name} is thrown away`)
    cluster.restart(machine)
    settle()
    return served || cluster.displaced > before
  }
}

/** Whether it serves, and nothing keeps it from hearing and storing what is said in its name. */
function mustHear({ members, network }: Cluster, { peer, disk, process }: Machine): boolean {
  const { loss, tail } = network.weather
  const others = members.filter((other) => other.peer !== peer)
  const isWell = (each: Machine): boolean => {
    return each.process?.keyed !== undefined && !each.process.life.isFrozen
  }
  return (
    process?.keyed !== undefined &&
    !process.life.isFrozen &&
    !disk.full &&
    disk.slowness === 1 &&
    others.every(isWell) &&
    others.every((other) => !other.disk.full && other.disk.slowness === 1) &&
    network.isOpen &&
    loss === 0 &&
    tail === 0
  )
}
