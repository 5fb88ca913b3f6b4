/**
 * What goes wrong with processes: killed without a word, ended with one, paused for longer than anybody waits.
 */
import type { Machine } from './machine.ts'
import { pause } from './pause.ts'
import type { Scene, Strike } from './scene.ts'

export const machineFaults = {
  'killed peer': (scene) => {
    const machine = scene.take(scene.field.members)
    if (machine === undefined) return undefined
    scene.field.story.tell(`${machine.name} is killed`)
    return down(scene, machine, 'SIGKILL')
  },
  /** Most of what is torn by a kill shows only when it strikes again at once. */
  'peer killed twice': async (scene) => {
    const machine = scene.take(scene.field.members)
    if (machine === undefined) return undefined
    scene.field.story.tell(`${machine.name} is killed, started and killed again`)
    await machine.end('SIGKILL')
    void machine.start()
    await pause(scene.random.between(200, 3000))
    return down(scene, machine, 'SIGKILL')
  },
  'stopped peer': (scene) => {
    const machine = scene.take(scene.field.members)
    if (machine === undefined) return undefined
    scene.field.story.tell(`${machine.name} is stopped`)
    return down(scene, machine, 'SIGTERM')
  },
  /** As when the power goes in the whole house. */
  'all killed at once': async (scene) => {
    const machines = scene.field.members.flatMap(() => scene.takeAnother() ?? [])
    if (machines.length === 0) return undefined
    scene.field.story.tell(`${machines.map(({ name }) => name).join(', ')} are killed at once`)
    const ends = await Promise.all(machines.map((machine) => down(scene, machine, 'SIGKILL')))
    return async () => {
      await Promise.all(ends.map((end) => end()))
    }
  },
  'paused peer': (scene) => {
    const { field, take, release } = scene
    const machine = take(field.members)
    if (machine === undefined) return undefined
    field.story.tell(`${machine.name} is paused`)
    machine.pause()
    return () => {
      machine.resume()
      field.story.tell(`${machine.name} goes on`)
      release(machine)
    }
  },
  'killed device': async ({ field, random }) => {
    const device = random.pick(field.devices)
    if (!device.runs) return undefined
    field.story.tell(`${device.name} is killed`)
    await device.kill()
    return async () => {
      await device.start()
      field.story.tell(`${device.name} runs again`)
    }
  },
} as const satisfies Record<string, Strike>

async function down(scene: Scene, machine: Machine, signal: 'SIGKILL' | 'SIGTERM') {
  await machine.end(signal)
  return async () => {
    await scene.revive(machine)
    scene.release(machine)
  }
}
