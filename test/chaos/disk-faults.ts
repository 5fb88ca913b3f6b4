/**
 * What goes wrong with disks: full to the last byte, bytes turned over, a file cut off, everything gone.
 *
 * No store survives the loss of every copy, so custody says whether a disk may be lost now, and all that it holds counts
 * as lost, however little was damaged. A store that is damaged may look well for a while: before the fault ends, the whole
 * file is looked through, and what is not sound is put aside. Until then a page of SQLite's own that went bad may hide
 * records from a peer that believes itself whole: of strict reads nothing is promised there.
 */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import type { End } from './cuts.ts'
import type { Machine } from './machine.ts'
import type { Scene, Strike } from './scene.ts'
import { askSome, notReady } from './trusting.ts'

export const diskFaults = {
  'full disk': (scene) => {
    const { field, take, release } = scene
    const machine = take(field.small)
    if (machine === undefined) return undefined
    const ballast = join(machine.disk.folder, 'ballast')
    fill(ballast)
    field.story.tell(`the disk of ${machine.name} is full`)
    return async () => {
      rmSync(ballast, { force: true })
      field.story.tell(`the disk of ${machine.name} has space again`)
      await scene.revive(machine)
      release(machine)
    }
  },
  'flipped bytes': (scene) =>
    damageSilently(scene, ({ disk }) => {
      const count = 1 + scene.random.whole(24)
      disk.flip(scene.random, count)
      return `${count} bytes of its store turn over`
    }),
  'flipped records': (scene) =>
    damage(scene, ({ disk }) => {
      const count = disk.flipRecords(scene.random, 6)
      return `a bit turns over in ${count} of its records`
    }),
  'truncated store': (scene) =>
    damageSilently(scene, ({ disk }) => {
      const before = disk.sizeBytes
      disk.truncate(scene.random)
      return `its store of ${before} bytes is cut off at ${disk.sizeBytes}`
    }),
  'lost disk': (scene) =>
    damage(scene, ({ disk }) => {
      disk.wipe()
      return 'its store is gone'
    }),
} as const satisfies Record<string, Strike>

async function damageSilently(
  scene: Scene,
  harm: (machine: Machine) => string,
): Promise<End | undefined> {
  const { silent, story } = scene.field
  let harmed: (typeof silent)[number] | undefined
  const end = await damage(scene, (machine) => {
    harmed = { machine, fromMs: story.nowMs, untilMs: Infinity }
    silent.push(harmed)
    return harm(machine)
  })
  return (
    end &&
    (async () => {
      await end()
      harmed!.untilMs = story.nowMs
    })
  )
}

async function damage(scene: Scene, harm: (machine: Machine) => string): Promise<End | undefined> {
  const { field, custody, take, release, revive, look } = scene
  // One damaged disk at a time: no other may be lost before it is known how much of this one is.
  if (standing.has(field)) return undefined
  // Of two that have lost a disk neither can be told all, and strict requests wait for an operator: now and then.
  const isOne = scene.random.chance(0.2) || (await noneRefills(field))
  const machine = isOne && !standing.has(field) ? take(field.members) : undefined
  if (machine === undefined) return undefined
  standing.add(field)
  await machine.end('SIGTERM')
  machine.disk.settle()
  look()
  if (!custody.mayLose([machine])) {
    field.story.tell(`${machine.name} was stopped, but its disk is still needed`)
    await revive(machine)
    standing.delete(field)
    release(machine)
    return undefined
  }
  custody.lose([machine])
  machine.isDamaged = true
  field.story.tell(`${machine.name} is stopped, and ${harm(machine)}`)
  await revive(machine)
  return async () => {
    await lookThrough(scene, machine)
    standing.delete(field)
    release(machine)
  }
}

/** As far as they answer. */
async function noneRefills({ members }: Scene['field']): Promise<boolean> {
  return notReady(await askSome(members)).length === 0
}

/** Where a damaged disk is being dealt with. */
const standing = new WeakSet<object>()

async function lookThrough(
  { field, custody, revive, look, foundUnsound }: Scene,
  machine: Machine,
): Promise<void> {
  look()
  if (!machine.disk.isSound) {
    foundUnsound()
    custody.lose([machine])
    await machine.end('SIGKILL')
    machine.disk.putAside()
    field.story.tell(`the store of ${machine.name} is not sound and is put aside`)
  }
  machine.isDamaged = false
  await revive(machine)
}

function fill(path: string): void {
  const file = openSync(path, 'w')
  try {
    for (let size = 1 << 20; size >= 1; size >>= 4) {
      const block = Buffer.alloc(size)
      try {
        for (;;) if (writeSync(file, block) < size) break
      } catch {
        // No room for a block of this size.
      }
    }
  } finally {
    closeSync(file)
  }
}
