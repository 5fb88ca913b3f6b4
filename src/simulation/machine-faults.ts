/**
 * What goes wrong with one machine apart from its disk: its process and its clock.
 */
import type { Machine } from './machine.ts'
import { type SeededRandom, steady } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const machineFaults = {
  crash: (scene, machine) => kill(scene, machine, false),
  'power cut': (scene, machine) => kill(scene, machine, true),
  'crash before a commit': (scene, machine) => killAtCommit(scene, machine, 'begins'),
  'crash after a commit': (scene, machine) => killAtCommit(scene, machine, 'ends'),
  'frozen peer': freeze,
  'clock jump': jump,
  'clock skew': skew,
} as const satisfies Record<string, Inflict>

function kill(scene: Scene, machine: Machine, powerLost: boolean): End {
  const settle = scene.calm.disturb([machine])
  scene.cluster.crash(machine, powerLost)
  return () => {
    scene.cluster.restart(machine)
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
    cluster.restart(machine)
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

function jump(scene: Scene, machine: Machine, random: SeededRandom): End {
  const seconds = steady(10 ** random.between(0, 5)) * (random.between(0, 1) < 0.5 ? -1 : 1)
  scene.cluster.chronicle.tell('', `the clock of ${machine.name} jumps by ${Math.round(seconds)} s`)
  machine.wall.offsetMs += seconds * 1000
  return () => true
}

/** Ten minutes fast or slow, as a clock that nobody set is. */
function skew(scene: Scene, machine: Machine, random: SeededRandom): End {
  const offsetMs = (random.chance(0.5) ? 1 : -1) * random.between(540_000, 660_000)
  const { chronicle } = scene.cluster
  chronicle.tell('', `the clock of ${machine.name} is off by ${Math.round(offsetMs / 1000)} s`)
  machine.wall.offsetMs += offsetMs
  return () => {
    machine.wall.offsetMs -= offsetMs
    chronicle.tell('', `the clock of ${machine.name} is set right`)
    return true
  }
}
