/**
 * A ring of real peers in a simulated world: machines with disks and clocks, and processes that come and go on them.
 *
 * The peers are the product's own, wired to simulated ports and told nothing of it. A machine outlives its processes: it
 * keeps the disk, the wall clock and the peer's key, as a data folder does.
 */
import { type Bytes, toBase64Url, utf8 } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import { makeKey, partitionOf, showKey } from '../data/key.ts'
import type { Ring } from '../data/ring.ts'
import { type Dot, sameDot } from '../data/vector.ts'
import type { PeerEvent } from '../protocol/event.ts'
import { limits } from '../protocol/limits.ts'
import type { PeerId, RingIdentity } from '../protocol/membership.ts'
import { rules } from '../protocol/rules.ts'
import type { Situation } from '../protocol/situation.ts'
import { startEdge } from '../peer/edge.ts'
import { openRingSide } from '../peer/ring-side.ts'
import { startMember } from '../peer/start-member.ts'
import { MemberKeyed } from '../peer/member-keyed.ts'
import type { BrokenBuild } from './broken-build.ts'
import { falseDrop } from './claims.ts'
import { Chronicle } from './chronicle.ts'
import { Disk } from './disk.ts'
import { ForeignRecords } from './foreign-records.ts'
import { Expiries } from './expiries.ts'
import { Doors } from './doors.ts'
import { History } from './history.ts'
import { clockOf, Life } from './life.ts'
import { identityOf, type Machine, makeProcess, type Process } from './machine.ts'
import { addressOf, Network } from './network.ts'
import { newerRules, speakNewer } from './newer-version.ts'
import { type SeededRandom, seededRandom } from './random.ts'
import { Reapings } from './reapings.ts'
import { Rings } from './rings.ts'
import { Scheduler } from './scheduler.ts'
import { verifyOnce } from './signatures.ts'
import { openStorage } from './storage.ts'
import type { Swarm } from './swarm.ts'
import { SimulatedTransport } from './transport.ts'
import { Wholeness } from './wholeness.ts'
import { type Holder, Witness } from './witness.ts'

export interface ClusterSettings extends Swarm {
  readonly broken: BrokenBuild
}

/** So long after owners have changed, somebody may still say what was true before. */
const movingMs = 12_000

export class Cluster {
  /** Called when a peer begins to serve, and when its process has died. */
  onServing: (machine: Machine) => void = () => {}
  onDown: (machine: Machine) => void = () => {}
  /** Asked where the power goes: whether what a disk has buffered goes with it. */
  takesBuffers: (machine: Machine) => boolean = () => true
  readonly scheduler = new Scheduler()
  readonly random: SeededRandom
  readonly history = new History()
  readonly chronicle: Chronicle
  readonly witness: Witness
  readonly network: Network
  readonly settings: ClusterSettings
  readonly identity: RingIdentity
  readonly #machines: Machine[]
  readonly #members: Machine[]
  readonly edges: readonly Machine[]
  /** Machines that run, or ran until now, on a copy of a member's disk and in its name. */
  readonly clones = new Set<Machine>()
  /** How many records were written that are longer than a message may be. */
  oversized = 0
  /** How often a peer stopped because another ran in its name. */
  displaced = 0
  readonly rings: Rings
  /** By the newest roster that a member knows of, once there is one. */
  #newest: Situation | undefined
  #movedMs = -Infinity
  /** The members that are to go by the word of others, or have gone and not come back: their disks count as lost. */
  readonly dismissed = new Set<Machine>()
  readonly wholeness = new Wholeness()
  readonly reapings = new Reapings(this)
  readonly foreign: ForeignRecords
  readonly expiries: Expiries
  readonly doors: Doors
  /** How many times slower than usual clients and faults go about it. */
  pace = 1
  /** How often the members were switched off for hours, and when the last such night ends. */
  nights = 0
  /** When anything was last lost from a disk. */
  lostAtMs = -Infinity
  wakesAtMs = 0
  readonly #names: Map<PeerId, string>
  readonly #listeners = new Set<(machine: Machine, event: PeerEvent) => void>()
  readonly #isGenuine = verifyOnce()
  #cloned = 0
  #made: number

  constructor(seed: number, settings: ClusterSettings) {
    this.settings = settings
    this.random = seededRandom(seed)
    this.chronicle = new Chronicle(this.scheduler, (peer) => this.nameOf(peer))
    this.witness = new Witness(this.history)
    const room = (machine: string): number => this.#roomOf(machine)
    this.foreign = new ForeignRecords(room, () => this.scheduler.nowMs)
    this.expiries = new Expiries(this.history, settings.expiry)
    const note = (what: string, bytes?: Bytes): void => this.chronicle.note(what, bytes)
    const random = this.random.fork('network')
    this.network = new Network(this.scheduler, random, note, settings.network)
    const id = toBase64Url(digestOf(utf8(`ring of seed ${seed}`)))
    const { n, q } = settings
    this.identity = { name: 'simulated', id, n, q, durableOwners: n }
    this.#members = Array.from({ length: settings.members }, (_, i) =>
      this.#makeMachine('member', i),
    )
    this.edges = Array.from({ length: settings.edges }, (_, i) => this.#makeMachine('edge', i))
    this.#machines = [...this.#members, ...this.edges]
    this.#names = new Map(this.machines.map(({ peer, name }) => [peer, name]))
    const isMember = (peer: PeerId): boolean => this.members.some((member) => member.peer === peer)
    this.doors = new Doors({
      limits: settings.limits,
      nowMs: () => this.scheduler.nowMs,
      isMember,
      nameOf: (peer) => this.nameOf(peer),
    })
    this.#made = settings.members
    this.rings = new Rings({ n, q, durableOwners: n }, this.members)
  }

  get machines(): readonly Machine[] {
    return this.#machines
  }

  /** Those that have a seat, or are on their way in or out. */
  get members(): readonly Machine[] {
    return this.#members
  }

  /** Who owns what by the newest roster that a member knows of; before there is one, by the last words of all members. */
  get ring(): Ring {
    return this.#newest?.ring ?? this.rings.present
  }

  /** Whether owners have changed lately, or are about to: what one peer says of them another does not know yet. */
  get isMoving(): boolean {
    if (this.scheduler.nowMs - this.#movedMs < movingMs) return true
    return this.members.some(({ process }) => process?.member?.view.next !== undefined)
  }

  /** Hears all that peers say of themselves; the returned function ends that. */
  onEvent(listener: (machine: Machine, event: PeerEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The machines whose peers serve. */
  get serving(): Machine[] {
    return [...this.machines, ...this.clones].filter(({ process }) => process?.keyed !== undefined)
  }

  /** A machine of its own with a copy of this member's disk, as it is now, and with its key. */
  clone(of: Machine): Machine {
    const name = `${of.name}'${++this.#cloned}`
    const random = this.random.fork(`machine ${name}`)
    const disk = this.#makeDisk({ name, host: of.host }, random)
    disk.restore(of.disk.image())
    const wall = { offsetMs: random.between(-5000, 5000), latestMs: 0 }
    const made: Machine = { ...of, name, disk, wall, incarnation: 0, process: undefined }
    this.clones.add(made)
    this.chronicle.tell('', `the disk of ${of.name} is copied: ${name}`)
    return made
  }

  /** A fresh machine, which asks the ring for a seat when it starts. */
  addMember(): Machine {
    const machine = this.#makeMachine('member', this.#made++)
    machine.joins = true
    this.#members.push(machine)
    this.#machines.splice(this.#members.length - 1, 0, machine)
    this.#names.set(machine.peer, machine.name)
    return machine
  }

  /** A machine that nobody needs any more, and its disk. */
  throwAway(machine: Machine): void {
    this.crash(machine, true)
    this.chronicle.tell('', `${machine.name} is thrown away`)
    for (const among of [this.#members, this.#machines]) among.splice(among.indexOf(machine), 1)
  }

  /** Whether its joining of the ring was ended by others, so that what is on its disk is nobody's any more. */
  isOutside(machine: Machine): boolean {
    return this.dismissed.has(machine) && !this.ring.members.some(({ id }) => id === machine.peer)
  }

  /** The members that own a key, by `bucket/path`: now, or at another time. */
  ownersOf(key: string, ring = this.ring): Machine[] {
    const [bucket, ...path] = key.split('/')
    const { position } = makeKey(bucket!, path as [string, ...string[]])
    const owners = ring.ownersOf(partitionOf(position, this.settings.q))
    return this.members.filter(({ peer }) => owners.includes(peer))
  }

  nameOf(peer: string): string {
    return this.#names.get(peer) ?? peer
  }

  /** Starts the peer of a machine that runs none. */
  start(machine: Machine): void {
    if (machine.process !== undefined) throw new Error(`${machine.name} runs already`)
    machine.incarnation++
    this.foreign.starts(machine.name)
    const life = new Life(this.scheduler)
    const isMember = machine.kind === 'member'
    const { messageBytes } = this.settings.limits
    const { network } = this
    const { peer } = machine
    const knows = (other: string): boolean =>
      machine.process?.member?.view.byPeer.has(other) !== false
    const door = this.doors.open(peer, knows)
    const transport = new SimulatedTransport(network, peer, life, isMember, messageBytes, door)
    const process = makeProcess(life, transport)
    machine.process = process
    this.chronicle.tell('', `${machine.name} starts`)
    const starting = isMember
      ? this.#startMember(machine, process)
      : this.#startEdge(machine, process)
    starting.then(
      () => this.onServing(machine),
      (error: unknown) => this.#startAgain(machine, error),
    )
  }

  /**
   * Starts the peer of a machine that runs none, unless it is night, when a member starts in the morning, or the machine
   * was a copy and is in the bin.
   */
  restart(machine: Machine): void {
    const isThere = this.machines.includes(machine) || this.clones.has(machine)
    const isAsleep = machine.kind === 'member' && this.scheduler.nowMs < this.wakesAtMs
    if (isThere && !isAsleep && machine.process === undefined) this.start(machine)
  }

  /** As an operator would: a disk that was full may have space again. */
  #startAgain(machine: Machine, error: unknown): void {
    this.chronicle.tell('', `${machine.name} does not start: ${String(error)}`)
    this.crash(machine, false)
    this.scheduler.after(1000, () => this.restart(machine))
  }

  /** Its process ends by itself: another runs in its name. */
  #displace(machine: Machine, process: Process): void {
    if (machine.process !== process) return
    this.displaced++
    this.chronicle.tell('', `${machine.name} makes way`)
    this.crash(machine, false)
  }

  /** The process dies in the middle of whatever it waits for; `torn` is a record that its disk was writing. */
  crash(machine: Machine, powerLost: boolean, torn?: Bytes): void {
    const { process } = machine
    if (process === undefined) return
    this.chronicle.tell('', `${machine.name} ${powerLost ? 'loses its power' : 'is killed'}`)
    machine.process = undefined
    this.onDown(machine)
    process.life.end()
    this.network.vanish(process.transport, powerLost)
    machine.disk.crash(powerLost && this.takesBuffers(machine), torn)
    process.end()
  }

  /** The disk is gone, and the process with it; an empty one takes its place. */
  wipe(machine: Machine): void {
    this.crash(machine, true)
    machine.disk.wipe()
    this.chronicle.tell('', `${machine.name} gets an empty disk`)
  }

  async #startMember(machine: Machine, process: Process): Promise<void> {
    const { r, w } = this.settings
    const { host, weight, zone } = machine
    process.member = await startMember({
      ...this.#portsOf(machine, process),
      memberRules: {
        ...(machine.newer === undefined ? {} : newerRules),
        ...this.settings.broken.memberRules,
      },
      ...(this.settings.broken.reaping && { reaping: this.settings.broken.reaping }),
      ...(this.settings.broken.buffering && { buffering: this.settings.broken.buffering }),
      ...(this.settings.broken.load && { loadRules: this.settings.broken.load }),
      class: 'durable',
      host,
      zone,
      weight,
      joins: machine.joins,
      ...(this.settings.broken.changing && { changing: this.settings.broken.changing }),
    })
    // A copy of a member speaks in its name, until it is thrown away, and has the last word for no longer.
    if (!this.clones.has(machine) && this.#newest === undefined)
      this.rings.states({ ...machine, host, weight, zone }, this.scheduler.nowMs)
    this.rings.sees(process.member.view)
    process.keyed = new MemberKeyed(process.member, r, w)
    void process.member.displaced.then(() => this.#displace(machine, process))
  }

  async #startEdge(machine: Machine, process: Process): Promise<void> {
    const { r, w } = this.settings
    const ports = this.#portsOf(machine, process)
    process.edge = await startEdge({ ringSide: openRingSide, ...ports, r, w })
    process.keyed = this.settings.broken.keyed?.(process.edge) ?? process.edge
  }

  #portsOf(machine: Machine, process: Process) {
    const { broken } = this.settings
    const random = this.random.fork(`${machine.name} process ${machine.incarnation}`)
    const storage = openStorage(machine.disk, process.life)
    const { newer } = machine
    const transport =
      newer === undefined
        ? process.transport
        : speakNewer(process.transport, random.fork('later version'), newer)
    return {
      ring: this.identity,
      identity: machine.identity,
      transport: broken.transport?.(transport) ?? transport,
      storage: broken.storage?.(storage, machine.disk) ?? storage,
      clock: clockOf(process.life, this.scheduler, machine.wall),
      random: broken.random?.(random, machine.name) ?? random,
      limits: {
        ...this.settings.limits,
        foreignBytes: this.#roomOf(machine.name),
        ...broken.limits,
      },
      trace: (event: PeerEvent) => this.#hear(machine, event),
      bootstrap: this.members
        .filter(({ peer }) => peer !== machine.peer)
        .map(({ peer }) => addressOf(peer)),
      rules: { ...rules, isGenuine: this.#isGenuine, ...broken.rules },
    }
  }

  /** Where room for what is kept for others is scarce it is so for most members, not for all. */
  #roomOf(name: string): number {
    const { foreignBytes } = this.settings.limits
    const [original = name] = name.split("'")
    const isScarce = this.random.fork(`room of ${original}`).chance(0.7)
    return isScarce ? foreignBytes : limits.foreignBytes
  }

  #hear(machine: Machine, event: PeerEvent): void {
    if (event.type === 'generation') this.witness.meets(event.detail ?? '', machine.name)
    if (event.type === 'mint' && event.result !== 'known') {
      const [actor = '', counter] = event.dot?.split(' ') ?? []
      const dot = { actor, counter: Number(counter) }
      this.witness.stakes.mints(machine.name, event.key ?? '', dot)
      this.#seeKept(machine, event.key ?? '', dot)
    }
    if (event.type === 'view') this.#seeRoster(machine)
    this.wholeness.hear(machine.name, event, this.scheduler.nowMs)
    const { member, edge } = machine.process ?? {}
    const view = event.type === 'view' ? (member ?? edge)?.view : undefined
    if (view !== undefined) this.rings.sees(view)
    if (event.type === 'hedge') machine.process?.transport.door?.hedges(event.from ?? '')
    if (event.type === 'epoch-abandoned') this.witness.abandons(event.dot ?? '')
    this.foreign.hear(machine, event)
    for (const listener of this.#listeners) listener(machine, event)
    this.chronicle.event(event)
  }

  #seeRoster({ process }: Machine): void {
    const situation = process?.member?.changing.situation
    const number = situation?.facts.settled?.roster.number ?? 0
    if (situation === undefined || number <= (this.#newest?.roster.number ?? 0)) return
    this.#newest = situation
    this.rings.settles(situation.ring, this.scheduler.nowMs)
    this.#movedMs = this.scheduler.nowMs
  }

  /** The name that a tab gives a write may never come to a member. */
  #seeKept({ process }: Machine, name: string, dot: Dot): void {
    const copies = process?.edge?.copies
    const key = copies?.unsettled().find((each) => showKey(each) === name)
    const own = key && copies!.of(key).writes.find((each) => sameDot(each.dot, dot))
    if (own !== undefined) this.witness.isKept(dot, own.value)
  }

  #makeMachine(kind: Machine['kind'], index: number): Machine {
    const name =
      kind === 'member'
        ? ('abcdefghijklmnopqrstuvwxyz'[index] ?? `m${index + 1}`)
        : `tab${index + 1}`
    const random = this.random.fork(`machine ${name}`)
    const identity = identityOf(name)
    const shares = this.settings.sharedHost && kind === 'member' && index < 2
    const host = shares ? 'host a+b' : `host ${name}`
    return {
      name,
      kind,
      peer: identity.peer,
      identity,
      host,
      disk: this.#makeDisk({ name, host }, random),
      wall: { offsetMs: random.between(-5000, 5000), latestMs: 0 },
      weight: 1,
      zone: '',
      incarnation: 0,
      process: undefined,
      newer: undefined,
      joins: false,
      leaves: false,
    }
  }

  #makeDisk(holder: Holder, random: SeededRandom): Disk {
    const settings = {
      readMs: random.between(0.05, 0.5),
      syncMs: random.between(0.5, 8),
      updatesAtOnce: random.chance(0.6) || this.settings.broken.storage !== undefined,
    }
    const note = (what: string, bytes?: Bytes): void => this.chronicle.note(what, bytes)
    const name = `disk of ${holder.name}`
    const disk = new Disk(name, this.scheduler, random.fork('disk'), settings, note)
    disk.onWrite = (key, value, before) => {
      if ((value?.length ?? 0) > this.settings.limits.messageBytes) this.oversized++
      this.witness.sees(holder, key, value)
      if (this.members.some(({ name }) => name === holder.name))
        this.reapings.sees(holder.name, key, value, before)
      this.foreign.sees({ name: holder.name, disk }, key, value, before)
      // What is gone from a disk, or stands on a copy of one, cannot be looked for.
      const isWhole = this.lostAtMs < 0 && this.#cloned === 0 && !this.isMoving
      if (value === undefined && before !== undefined && isWhole)
        this.witness.violations.push(...falseDrop(this, holder.name, key, before, this.reapings))
    }
    // Where nothing is buffered all is durable that is seen.
    if (this.settings.buffering > 0)
      disk.onSynced = (key, value) => this.witness.syncs(holder, key, value)
    return disk
  }
}
