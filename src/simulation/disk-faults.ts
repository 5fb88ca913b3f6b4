/**
 * What goes wrong with disks: full, slow, gone, set back, flipped and torn.
 *
 * A disk is lost only where custody allows it, for no store survives the loss of every copy.
 */
import { shelfRange, storageKeys } from '../protocol/record.ts'
import { type Bytes, equalBytes, toBinaryText } from '../data/bytes.ts'
import type { Machine } from './machine.ts'
import { nameOfStored } from './custody.ts'
import { loneliest } from './inspection.ts'
import type { SeededRandom } from './random.ts'
import type { End, Inflict, Scene } from './scene.ts'

export const diskFaults = {
  'slow disk': slowDisk,
  'full disk': fillDisk,
  'failed sync': failSync,
  'wiped disk': wipe,
  'wiped disks in a row': wipeInARow,
  'set-back disk': setBack,
  'flipped bit': flip,
  'torn batch': tear,
} as const satisfies Record<string, Inflict>

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
    if (asked || !custody.mayLose([machine])) return false
    asked = true
    // Counted while the disk can still be read.
    custody.lose([machine])
    return true
  }
  disk.onLost = () => {
    struck = true
    cluster.chronicle.tell('', `${disk.name} fails to sync`)
    cluster.scheduler.after(20, () => cluster.wipe(machine))
  }
  return () => {
    disk.syncFails = () => false
    // The process may have some milliseconds left to notice.
    cluster.scheduler.after(50, () => {
      cluster.restart(machine)
      settle()
    })
    return struck
  }
}

/** All peers of one host lose their disks together. Chance is unkind: often it is the disk that most depends on. */
function wipe(scene: Scene, machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, calm } = scene
  const { host } = random.chance(0.5) ? loneliest(cluster) : machine
  const together = cluster.members.filter((each) => each.host === host)
  const held = together.some(({ disk }) => disk.entries().length > 0)
  const settle = calm.disturb(together)
  if (!loseHost(scene, together)) {
    settle()
    return undefined
  }
  return () => {
    for (const each of together) cluster.restart(each)
    settle()
    return held
  }
}

/** One host after another, with time to repair in between or without: as many as the promise allows. */
function wipeInARow(
  scene: Scene,
  _machine: Machine,
  random: SeededRandom,
  lastsMs: number,
): End | undefined {
  const { cluster, calm } = scene
  const hosts = random.shuffled([...new Set(cluster.members.map(({ host }) => host))]).slice(0, 3)
  const pauseMs = random.chance(0.5) ? random.between(50, 2000) : lastsMs / 3
  let wiped = 0
  let over = false
  const ends: (() => void)[] = []
  const strike = (): void => {
    const host = hosts.shift()
    if (over || host === undefined) return
    const together = cluster.members.filter((each) => each.host === host)
    const settle = calm.disturb(together)
    if (loseHost(scene, together)) wiped++
    for (const each of together) cluster.restart(each)
    ends.push(settle)
    cluster.scheduler.after(pauseMs, strike)
  }
  strike()
  return () => {
    over = true
    for (const end of ends) end()
    return wiped > 1
  }
}

export function loseHost({ cluster, custody }: Scene, together: readonly Machine[]): boolean {
  if (together.length === 0 || !custody.mayLose(together)) return false
  custody.lose(together)
  for (const each of together) cluster.wipe(each)
  return true
}

/** Somebody restores yesterday's image. What the disk has learnt since is lost with it. */
function setBack(scene: Scene, machine: Machine): End | undefined {
  const { cluster, custody, calm, stakes } = scene
  if (machine.kind === 'edge') return undefined
  const image = machine.disk.image()
  if (image.size === 0) return undefined
  return () => {
    if (!custody.mayLose([machine], image)) return false
    const settle = calm.disturb([machine])
    custody.lose([machine], image)
    cluster.crash(machine, true)
    stakes.setBack(machine, image)
    custody.setBack(machine, image)
    cluster.reapings.setBack(machine, image)
    const held = machine.disk.image().size
    machine.disk.restore(image)
    cluster.chronicle.tell('', `${machine.disk.name} is set back to an older image`)
    cluster.restart(machine)
    settle()
    return held > 0
  }
}

/** A bit of one record turns over at rest: as good as lost, and to be noticed. */
function flip(scene: Scene, machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, custody } = scene
  if (machine.kind === 'edge') return undefined
  if (random.chance(0.25)) return flipIdentity(scene, machine, random)
  const { from, to } = shelfRange('object')
  const records = machine.disk.entries(from, to)
  if (records.length === 0) return undefined
  const { key, value } = records[random.whole(records.length)]!
  if (!custody.mayLoseRecord(machine, key)) return undefined
  custody.loseRecord(machine, key)
  cluster.chronicle.tell('', `a bit of ${nameOfStored(key)} flips on ${machine.disk.name}`)
  machine.disk.flipBit(key, random.whole(value.length * 8))
  return () => true
}

/** Of the record that says who the store is. It struck once the store has become somebody else. */
function flipIdentity(
  { cluster }: Scene,
  { disk }: Machine,
  random: SeededRandom,
): End | undefined {
  const place = toBinaryText(storageKeys.identity)
  const stored = disk.read(place)
  if (stored === undefined) return undefined
  cluster.chronicle.tell('', `a bit of who it is flips on ${disk.name}`)
  disk.flipBit(storageKeys.identity, random.whole(stored.length * 8))
  const flipped = disk.read(place)!
  return () => !equalBytes(disk.read(place) ?? flipped, flipped)
}

/** The power goes while a commit is written, and one record of it comes out half new and half old. */
function tear(scene: Scene, machine: Machine, random: SeededRandom): End | undefined {
  const { cluster, custody, calm } = scene
  const { disk } = machine
  if (machine.kind === 'edge') return undefined
  const settle = calm.disturb([machine])
  const letters = [shelfRange('object'), shelfRange('marker')].map(({ from }) => from[0])
  const before = disk.hits.torn
  const cut = (): void => {
    const records = disk.underWay.filter(({ key, value }) => value && letters.includes(key[0]))
    if (disk.hits.torn > before || records.length === 0) return
    const torn: Bytes = random.pick(records).key
    if (!custody.mayLoseRecord(machine, torn)) return
    custody.loseRecord(machine, torn)
    cluster.chronicle.tell('', `${nameOfStored(torn)} is torn on ${disk.name}`)
    cluster.crash(machine, true, torn)
  }
  disk.onCommit = (moment) => {
    if (moment === 'begins') cluster.scheduler.after(0, cut)
  }
  return () => {
    disk.onCommit = () => {}
    cluster.restart(machine)
    settle()
    return disk.hits.torn > before
  }
}
