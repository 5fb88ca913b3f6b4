/**
 * What the world does to its peers: processes that die and come back, disks that lie, networks that break.
 */
import { toBinaryText } from '../../src/data/bytes.ts'
import { storageKeys } from '../../src/protocol/record.ts'
import type { Disk } from '../../src/simulation/disk.ts'
import { look, lookAtOwners } from './look.ts'
import { type Act, listed, type Play } from './play.ts'
import type { Given } from './script.ts'
import { keyNamed } from './stage.ts'

export const deeds = {
  '#': ({ telling }, { remark }) => telling.line(`# ${remark}`),

  /** Stands already when a script begins. */
  ring: () => {},

  edge: async ({ stage }, { peers }) => {
    for (const peer of listed(peers)) await stage.openEdge(peer)
  },

  show: (play, { thing }) => {
    if (thing === 'clocks') play.showsClocks = true
    else play.telling.showsGossip = true
  },

  crash: (play, given) => stop(play, given, 'killed', false),

  unplug: (play, given) => stop(play, given, 'without power, and nobody is told', true),

  restart: async ({ stage, telling }, { peers, weight }) => {
    const how = weight === undefined ? '' : `, with weight ${weight}`
    telling.world(`${subject(peers)} running again${how}`)
    const machines = listed(peers).map((peer) => stage.machine(peer))
    for (const machine of machines) machine.weight = Number(weight ?? machine.weight)
    const starts = machines.map((machine) => stage.start(machine))
    await stage.until(Promise.all(starts))
  },

  wipe: (play, given) => harm(play, given, 'has an empty disk', (disk) => disk.wipe()),

  fill: (play, given) =>
    harm(play, given, 'has a full disk', (disk) => {
      disk.full = true
    }),

  room: ({ stage, telling }, { peers, number }) => {
    telling.world(`${peers} has room for ${number} bytes that it keeps for others`)
    for (const peer of listed(peers)) stage.giveRoom(stage.machine(peer), Number(number))
  },

  join: async ({ stage, telling }, { peers }) => {
    telling.world(`${subject(peers)} new in the ring`)
    const starts = listed(peers).map((peer) => stage.start(stage.machine(peer)))
    await stage.until(Promise.all(starts))
    await stage.pass(5000)
  },

  enter: async ({ stage, telling }, { peers }) => {
    telling.world(`${subject(peers)} to have a seat`)
    const starts = listed(peers).map((peer) => stage.start(stage.machine(peer), true))
    await stage.until(Promise.all(starts))
    await stage.breathe()
  },

  leave: ({ stage, telling }, { peers }) => {
    telling.world(`${subject(peers)} to leave`)
    for (const peer of listed(peers)) {
      void stage
        .member(peer)
        .leave()
        .then(() => telling.line(`${peer} has left`))
    }
    return stage.breathe()
  },

  evict: async ({ stage, telling }, { via, peers }) => {
    telling.world(`${subject(peers)} to go, by the word of ${via}`)
    const orders = listed(peers).map((peer) => {
      return stage.member(via).evict(stage.machine(peer).identity.peer)
    })
    await stage.until(Promise.all(orders))
    await stage.breathe()
  },

  weigh: ({ stage, telling }, { peers, weight }) => {
    for (const peer of listed(peers)) {
      telling.world(`${peer} asks for weight ${weight}`)
      const seat = { class: 'durable', host: peer, zone: '', weight: Number(weight) } as const
      stage.member(peer).want({ seat })
    }
    return stage.breathe()
  },

  owners: ({ stage, telling }) => lookAtOwners(stage, telling),

  flip: (play, given) => {
    const record = storageKeys.object(keyNamed(given.key))
    const how = `has a flipped bit in its record of ${given.key}`
    harm(play, given, how, (disk) => {
      if (disk.read(toBinaryText(record)) === undefined) throw new Error('there is no such record')
      disk.flipBit(record, 100)
    })
  },

  cut: ({ stage, telling }, { peers, from, to }) => {
    const these = listed(peers)
    const others = stage.machines.map(({ name }) => name).filter((name) => !these.includes(name))
    const given = to ?? from
    const those = given === undefined ? others : listed(given)
    stage.cut(these, those)
    if (to === undefined) stage.cut(those, these)
    const way = to === undefined ? 'cut off from' : 'heard no more by'
    telling.world(`${subject(peers)} ${way} ${given === undefined ? 'all others' : spaced(those)}`)
  },

  heal: ({ stage, telling }) => {
    telling.world('the network is healed')
    stage.heal()
    return stage.breathe()
  },

  offline: (play, given) => setGates(play, given, false),

  online: (play, given) => setGates(play, given, true),

  slow: ({ stage, telling }, { peers, by }) => {
    const seconds = Number.parseInt(by!)
    for (const name of listed(peers)) {
      telling.world(`the clock of ${name} is ${seconds} s slow`)
      stage.machine(name).wall.offsetMs -= 1000 * seconds
    }
  },

  network: ({ stage, telling }, { times }) => {
    telling.world(`every message arrives ${times}`)
    stage.network.weather.duplication = times === 'twice' ? 1 : 0
  },

  wait: ({ stage, telling }, { time }) => {
    const seconds = Number.parseInt(time)
    telling.world(`${seconds} s pass`)
    return stage.pass(1000 * seconds)
  },

  look: ({ stage, telling }, { key }) => look(stage, telling, key),
} satisfies Readonly<Record<string, Act>>

function stop(play: Play, { peers }: Given, how: string, powerLost: boolean): Promise<void> {
  const { stage, telling } = play
  telling.world(`${subject(peers)} ${how}`)
  for (const peer of listed(peers)) stage.crash(stage.machine(peer), powerLost)
  return stage.breathe()
}

function setGates({ stage, telling }: Play, { peers }: Given, open: boolean): Promise<void> {
  telling.world(`${subject(peers)} ${open ? 'online' : 'offline'}`)
  for (const peer of listed(peers)) stage.setGate(stage.machine(peer), open)
  return stage.breathe()
}

function harm(play: Play, { peers }: Given, how: string, strike: (disk: Disk) => void): void {
  for (const peer of listed(peers)) {
    play.telling.world(`${peer} ${how}`)
    strike(play.stage.machine(peer).disk)
  }
}

/** `a is`, `a b are` */
function subject(peers: string): string {
  const names = listed(peers)
  return `${spaced(names)} ${names.length === 1 ? 'is' : 'are'}`
}

function spaced(names: readonly string[]): string {
  return names.join(' ')
}
