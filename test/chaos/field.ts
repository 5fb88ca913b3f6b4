/**
 * The field: five machines with a peer each, three with a device, on a network of their own; and what the checker needs
 * to know of them.
 *
 * Two of the peers have small disks of their own (`tmpfs`), which can be filled to the last byte. Folders, mounts and
 * namespaces bear the id of the process that made them: what a killed run left behind is cleared away by the next.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Key, partitionOf } from '../../src/data/key.ts'
import { makeRing, type Ring } from '../../src/data/ring.ts'
import type { Ground } from '../../src/simulation/ground.ts'
import { History } from '../../src/simulation/history.ts'
import type { SeededRandom } from '../../src/simulation/random.ts'
import { Witness } from '../../src/simulation/witness.ts'
import { type LaidRing, layRing } from '../hosts/laid-ring.ts'
import { leftIn, Network } from '../hosts/network.ts'
import { Device } from './devices.ts'
import { Machine } from './machine.ts'
import type { Story } from './story.ts'

const peerNames = ['peer-1', 'peer-2', 'peer-3', 'peer-4', 'peer-5']
const smallDisks = ['peer-4', 'peer-5']
const smallDiskMiB = 16
const deviceNames = ['device-1', 'device-2', 'device-3']
const prefix = 'ringlet-chaos-'

export class Field implements Ground<Machine> {
  readonly story: Story
  readonly network: Network
  readonly members: readonly Machine[]
  readonly devices: readonly Device[]
  readonly ring: Ring
  readonly settings: { readonly n: number; readonly q: number; readonly w: number }
  readonly history = new History()
  readonly witness = new Witness(this.history)
  readonly scheduler: { readonly nowMs: number }
  lostAtMs = -Infinity
  /** While a store had lost something that it had no means to know of. */
  readonly silent: { readonly machine: Machine; readonly fromMs: number; untilMs: number }[] = []
  readonly #folder: string
  readonly #laid: LaidRing

  /** `follows`: the keys that devices may keep copies of; each draws its own. Nothing runs yet. */
  constructor(story: Story, random: SeededRandom, follows: readonly string[]) {
    clearLeftovers()
    this.story = story
    this.scheduler = story
    this.network = Network.lay([...peerNames, ...deviceNames])
    this.#folder = mkdtempSync(join(tmpdir(), `${prefix}${process.pid}-`))
    try {
      for (const name of smallDisks) mountSmall(join(this.#folder, name))
      this.#laid = layRing(this.network, this.#folder, peerNames)
    } catch (error) {
      void this.#clear()
      throw error
    }
    const { n, q, durableOwners } = this.#laid.file.identity
    this.settings = { n, q, w: 2 }
    this.members = peerNames.map((name) => new Machine(this.#laid, name, this.#folder))
    this.devices = deviceNames.map((name) => {
      const followed = follows.filter(() => random.fork(name).chance(0.5))
      return new Device(this.#laid, name, followed)
    })
    const asMember = ({ peer: id, host }: Machine) =>
      ({ id, host, class: 'durable', zone: 'default', weight: 1 }) as const
    this.ring = makeRing({ n, q, durableOwners }, this.members.map(asMember))
  }

  /** Those whose disk can be filled. */
  get small(): readonly Machine[] {
    return this.members.filter(({ name }) => smallDisks.includes(name))
  }

  /**
   * For a look at who holds a key, while all run: owners come last. A stand-in drops its copy only once all owners have
   * theirs, so whoever reads the disks in this order misses none.
   */
  groundOf(key: Key): Ground {
    const { history, witness, settings, ring, scheduler, lostAtMs } = this
    const owners = ring.ownersOf(partitionOf(key.position, settings.q))
    const isOwner = ({ peer }: Machine): boolean => owners.includes(peer)
    const members = [...this.members].sort((a, b) => Number(isOwner(a)) - Number(isOwner(b)))
    const nameOf = (peer: string): string => this.nameOf(peer)
    return { history, witness, settings, ring, scheduler, lostAtMs, members, nameOf }
  }

  nameOf(peer: string): string {
    return this.members.find((member) => member.peer === peer)?.name ?? peer
  }

  logs(): { name: string; text: string }[] {
    return this.members.map((machine) => ({ name: machine.name, text: machine.log().toString() }))
  }

  /** Copies everything that the run has left to a folder. */
  keep(folder: string): void {
    mkdirSync(folder, { recursive: true })
    execFileSync('cp', ['-r', `${this.#folder}/.`, folder])
  }

  /** Ends all processes, and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all([
      ...this.members.map((machine) => machine.close()),
      ...this.devices.map((device) => device.kill()),
    ])
    await this.#clear()
  }

  async #clear(): Promise<void> {
    await this.network.close()
    clearFolder(this.#folder)
  }
}

function mountSmall(folder: string): void {
  mkdirSync(folder)
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${smallDiskMiB}m`, 'tmpfs', folder], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
}

/** The network clears away its own. */
function clearLeftovers(): void {
  for (const name of leftIn(tmpdir(), prefix)) clearFolder(join(tmpdir(), name))
}

function clearFolder(folder: string): void {
  const mounts = readFileSync('/proc/mounts', 'utf8').split('\n')
  for (const mount of mounts.map((line) => line.split(' ')[1] ?? '')) {
    // Lazily: a process that was killed just now may not be quite gone.
    if (mount.startsWith(`${folder}/`)) execFileSync('umount', ['-l', mount])
  }
  rmSync(folder, { recursive: true, force: true })
}
