/**
 * What goes wrong with one machine: its process, its disk, its clock.
 *
 * A disk is lost only where custody allows it, for no store survives the loss of every copy. What a tab has not delivered
 * is on its disk alone, so tabs crash and freeze, but keep their disks.
 */
import { shelfRange } from '../protocol/record.ts'
import type { Machine } from './cluster.ts'
import { loneliest } from './inspection.ts'
import { nameOfStored } from './custody.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const machineFaults = {
  crash: (scene, machine) => kill(scene, machine, false),
  'power cut': (scene, machine) => kill(scene, machine, true),
  'crash before a commit': (scene, machine) => killAtCommit(scene, machine, 'begins'),
  'crash after a commit': (scene, machine) => killAtCommit(scene, machine, 'ends'),
  'frozen peer': freeze,
  'slow disk': slowDisk,
  'full disk': fillDisk,
  'failed sync': failSync,
  'wiped disk': wipe,
  'flipped bit': flip,
  'clock jump': jump,
} as const satisfies Record<string, Inflict>

function kill(scene: Scene, machine: Machine, powerLost: boolean): End {
  const settle = scene.calm.disturb([machine])
  scene.cluster.crash(machine, powerLost)
  return () => {
    restart(scene, machine)
    settle()
    return true
  }
}

/** The two worst moments: when nothing is on the disk yet, and when all is but nobody knows. */
function killAtCommit(scene: Scene, machine: Machine, moment: 'begins' | 'ends'): End {
  const { cluster } = scene
  const settle = scene.calm.disturb([machine])
  let struck = false
  machine.disk.onCommit = (now) => {
    if (struck || now !== moment) return
    struck = true
    // At its beginning the peer's own code is still on the stack: let it come to its await.
    if (now === 'begins') cluster.scheduler.after(0, () => cluster.crash(machine, true))
    else cluster.crash(machine, false)
  }
  return () => {
    machine.disk.onCommit = () => {}
    restart(scene, machine)
    settle()
    return struck
  }
}

function freeze(scene: Scene, machine: Machine, _random: SeededRandom, lastsMs: number): End {
  const settle = scene.calm.disturb([machine])
  scene.cluster.chronicle.tell('', `${machine.name} freezes for ${Math.round(lastsMs)} ms`)
  const { process } = machine
  // Half the pages are told before they are frozen, and when they thaw.
  const page = Math.floor(lastsMs) % 2 === 0 ? process?.edge : undefined
  page?.sleep()
  process?.life.freeze(lastsMs)
  return () => {
    settle()
    if (page !== undefined) process?.life.run(() => page.wake())
    return true
  }
}

function slowDisk(scene: Scene, machine: Machine, random: SeededRandom): End {
  const { disk } = machine
  const { chronicle } = scene.cluster
  const settle = scene.calm.disturb([machine])
  const before = disk.hits.slowed
  disk.slowness = random.between(10, 400)
  chronicle.tell('', `${disk.name} is ${Math.round(disk.slowness)} times slower`)
  return () => {
    disk.slowness = 1
    settle()
    chronicle.tell('', `${disk.name} is as fast as before`)
    return disk.hits.slowed > before
  }
}

function fillDisk(scene: Scene, machine: Machine): End {
  const { disk } = machine
  const { chronicle } = scene.cluster
  const settle = scene.calm.disturb([machine])
  const before = disk.hits.refused
  disk.full = true
  chronicle.tell('', `${disk.name} is full`)
  return () => {
    disk.full = false
    settle()
    chronicle.tell('', `${disk.name} has space again`)
    return disk.hits.refused > before
  }
}

/** A sync that fails is a lost disk: the process stops, and starts again on an empty one. */
function failSync(scene: Scene, machine: Machine): End | undefined {
  const { cluster, custody, calm } = scene
  const { disk } = machine
  if (machine.kind === 'edge' || !custody.mayLose([machine])) return undefined
  const settle = calm.disturb([machine])
  let struck = false
  let asked = false
  disk.syncFails = () => {
    const first = !asked
    asked = true
    return first && custody.mayLose([machine])
  }
  disk.onLost = () => {
    struck = true
    cluster.chronicle.tell('', `${disk.name} fails to sync`)
    custody.lose([machine])
    cluster.scheduler.after(20, () => cluster.wipe(machine))
  }
  return () => {
    disk.syncFails = () => false
    // The process may have some milliseconds left to notice.
    cluster.scheduler.after(50, () => {
      restart(scene, machine)
      settle()
    })
    return struck
  }
}

/** All peers of one host lose their disks together. Chance is unkind: often it is the disk that most depends on. */
function wipe(scene: Scene, machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, custody, calm } = scene
  const { host } = random.chance(0.5) ? loneliest(cluster) : machine
  const together = cluster.members.filter((each) => each.host === host)
  if (together.length === 0 || !custody.mayLose(together)) return undefined
  const held = together.some(({ disk }) => disk.entries().length > 0)
  const settle = calm.disturb(together)
  custody.lose(together)
  for (const each of together) cluster.wipe(each)
  return () => {
    for (const each of together) restart(scene, each)
    settle()
    return held
  }
}

/** A bit of one record turns over at rest: as good as lost, and to be noticed. */
function flip(scene: Scene, machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, custody } = scene
  const { from, to } = shelfRange('object')
  const records = machine.disk.entries(from, to)
  if (machine.kind === 'edge' || records.length === 0) return undefined
  const { key, value } = records[random.whole(records.length)]!
  if (!custody.mayLoseRecord(machine, key)) return undefined
  custody.loseRecord(machine, key)
  cluster.chronicle.tell('', `a bit of ${nameOfStored(key)} flips on ${machine.disk.name}`)
  machine.disk.flipBit(key, random.whole(value.length * 8))
  return () => true
}

function jump(scene: Scene, machine: Machine, random: SeededRandom): End {
  const seconds = 10 ** random.between(0, 5) * (random.between(0, 1) < 0.5 ? -1 : 1)
  scene.cluster.chronicle.tell('', `the clock of ${machine.name} jumps by ${Math.round(seconds)} s`)
  machine.wall.offsetMs += seconds * 1000
  return () => true
}

function restart({ cluster }: Scene, machine: Machine): void {
  if (machine.process === undefined) cluster.start(machine)
}
