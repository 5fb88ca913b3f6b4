/**
 * A ring of real peers in a simulated world: machines with disks and clocks, and processes that come and go on them.
 *
 * The peers are the product's own, wired to simulated ports and told nothing of it. A machine outlives its processes: it
 * keeps the disk, the wall clock and the peer's key, as a data folder does.
 */
import { utf8 } from '../data/bytes.ts'
import { digestOf, hash } from '../data/hash.ts'
import { type Identity, identityFromSeed } from '../data/identity.ts'
import { makeRing, type Ring } from '../data/ring.ts'
import { toBase64Url } from '../data/bytes.ts'
import type { PeerId, RingIdentity } from '../protocol/membership.ts'
import { rules } from '../protocol/rules.ts'
import { type Member, startMember } from '../peer/member.ts'
import { Chronicle } from './chronicle.ts'
import { Disk } from './disk.ts'
import { History } from './history.ts'
import { clockOf, Life, type WallClock } from './life.ts'
import type { Mutant } from './mutants.ts'
import { addressOf, Network } from './network.ts'
import { type SeededRandom, seededRandom } from './random.ts'
import { Scheduler } from './scheduler.ts'
import { SimulatedTransport } from './transport.ts'
import { Witness } from './witness.ts'

export interface ClusterSettings {
  readonly peers: number
  readonly n: number
  readonly q: number
  /** The first two peers share a host, and so lose their disks together. */
  readonly sharedHost: boolean
  readonly mutant: Mutant | undefined
}

/** Where a peer lives: what a restart finds again. */
export interface Machine {
  /** The short name that stories use: a, b, c… */
  readonly name: string
  readonly peer: PeerId
  readonly identity: Identity
  readonly host: string
  readonly disk: Disk
  readonly wall: WallClock
  incarnation: number
  process: Process | undefined
}

export interface Process {
  readonly life: Life
  readonly transport: SimulatedTransport
  /** Undefined until it serves. */
  member: Member | undefined
  /** Resolves when the process has died. */
  readonly ended: Promise<void>
  readonly end: () => void
}

export class Cluster {
  readonly scheduler = new Scheduler()
  readonly random: SeededRandom
  readonly history = new History()
  readonly chronicle: Chronicle
  readonly witness: Witness
  readonly network: Network
  readonly settings: ClusterSettings
  readonly identity: RingIdentity
  readonly machines: readonly Machine[]
  /** The ring that all members together make. */
  readonly ring: Ring

  constructor(seed: number, settings: ClusterSettings) {
    this.settings = settings
    this.random = seededRandom(seed)
    this.chronicle = new Chronicle(this.scheduler, (peer) => this.nameOf(peer))
    this.witness = new Witness(this.history)
    this.network = new Network(this.scheduler, this.random.fork('network'), (what, bytes) =>
      this.chronicle.note(what, bytes),
    )
    const id = toBase64Url(digestOf(utf8(`ring of seed ${seed}`)))
    const { n, q } = settings
    this.identity = { name: 'simulated', id, n, q, durableOwners: n }
    this.machines = Array.from({ length: settings.peers }, (_, i) => this.#makeMachine(i))
    const members = this.machines.map(({ peer, host }) => ringMember(peer, host))
    this.ring = makeRing({ n, q, durableOwners: n }, members)
  }

  /** The machines whose peers serve. */
  get serving(): (Machine & { readonly process: Process & { readonly member: Member } })[] {
    return this.machines.filter((machine) => machine.process?.member !== undefined) as never
  }

  nameOf(peer: string): string {
    return this.machines.find((machine) => machine.peer === peer)?.name ?? peer
  }

  /** Starts the peer of a machine that runs none. */
  start(machine: Machine): void {
    if (machine.process !== undefined) throw new Error(`${machine.name} runs already`)
    machine.incarnation++
    const life = new Life(this.scheduler)
    const { promise, resolve } = Promise.withResolvers<void>()
    const transport = new SimulatedTransport(this.network, machine.peer, life)
    const process: Process = { life, transport, member: undefined, ended: promise, end: resolve }
    machine.process = process
    this.chronicle.tell('', `${machine.name} starts`)
    this.#startMember(machine, process).then(
      (member) => {
        process.member = member
      },
      (error: unknown) => {
        this.chronicle.tell('', `${machine.name} does not start: ${String(error)}`)
        this.crash(machine, false)
      },
    )
  }

  /** The process dies in the middle of whatever it waits for. */
  crash(machine: Machine, powerLost: boolean): void {
    const { process } = machine
    if (process === undefined) return
    this.chronicle.tell('', `${machine.name} ${powerLost ? 'loses its power' : 'is killed'}`)
    machine.process = undefined
    process.life.end()
    this.network.vanish(machine.peer, powerLost)
    machine.disk.crash(powerLost)
    process.end()
  }

  /** The disk is gone, and the process with it; an empty one takes its place. */
  wipe(machine: Machine): void {
    this.crash(machine, true)
    machine.disk.wipe()
    this.chronicle.tell('', `${machine.name} gets an empty disk`)
  }

  #startMember(machine: Machine, process: Process): Promise<Member> {
    const { mutant } = this.settings
    const random = this.random.fork(`${machine.name} process ${machine.incarnation}`)
    const storage = machine.disk.open(process.life)
    return startMember({
      ring: this.identity,
      identity: machine.identity,
      transport: process.transport,
      storage: mutant?.storage?.(storage, machine.disk) ?? storage,
      clock: clockOf(process.life, this.scheduler, machine.wall),
      random: mutant?.random?.(random, machine.name) ?? random,
      trace: (event) => this.chronicle.event(event),
      bootstrap: this.machines.filter((other) => other !== machine).map((m) => addressOf(m.peer)),
      class: 'durable',
      host: machine.host,
      zone: '',
      weight: 1,
      rules: { ...rules, ...mutant?.rules },
    })
  }

  #makeMachine(index: number): Machine {
    const name = 'abcdefghijklmnopqrstuvwxyz'[index]!
    const random = this.random.fork(`machine ${name}`)
    const identity = identityOf(index)
    const settings = {
      readMs: random.between(0.05, 0.5),
      syncMs: random.between(0.5, 8),
      updatesAtOnce: random.chance(0.6) || this.settings.mutant !== undefined,
    }
    const note = (what: string, bytes?: Uint8Array): void => this.chronicle.note(what, bytes)
    const disk = new Disk(`disk of ${name}`, this.scheduler, random.fork('disk'), settings, note)
    disk.onWrite = (key, value) => this.witness.sees(key, value)
    const host = this.settings.sharedHost && index < 2 ? 'host ab' : `host ${name}`
    const wall = { offsetMs: random.between(-5000, 5000) }
    return {
      name,
      peer: identity.peer,
      identity,
      host,
      disk,
      wall,
      incarnation: 0,
      process: undefined,
    }
  }
}

function ringMember(id: string, host: string): Parameters<typeof makeRing>[1][number] {
  return { id, class: 'durable', host, zone: '', weight: 1 }
}

const identities: Identity[] = []

/** Making a key takes a millisecond; every run uses the same few. */
function identityOf(index: number): Identity {
  return (identities[index] ??= identityFromSeed(hash(utf8(`simulated peer ${index}`))))
}
