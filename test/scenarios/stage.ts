/**
 * Where a story plays: the product's own peers over the simulator's network, disks and clock, with the chance taken out.
 *
 * The simulation is after what nobody thought of, so there every delay is drawn; here a reader must be able to say what
 * comes next. So the members are called a, b, c… in the order in which the keys of a story prefer them (all its keys
 * share a partition: the first n letters own them all), and whoever asks, a answers sooner than b, and b than c.
 */
import { utf8 } from '../../src/data/bytes.ts'
import { hash } from '../../src/data/hash.ts'
import { type Identity, identityFromSeed } from '../../src/data/identity.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { makeRing } from '../../src/data/ring.ts'
import type { Dot } from '../../src/data/vector.ts'
import { type Edge, startEdge } from '../../src/peer/edge.ts'
import { openRingSide } from '../../src/peer/ring-side.ts'
import type { Keyed } from '../../src/peer/keyed.ts'
import { MemberKeyed } from '../../src/peer/member-keyed.ts'
import { Member } from '../../src/peer/member.ts'
import { startMember } from '../../src/peer/start-member.ts'
import { type Limits, limits } from '../../src/protocol/limits.ts'
import type { RingIdentity } from '../../src/protocol/membership.ts'
import { ringHash } from '../../src/protocol/view.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { dotOfId, farWriteOfId } from '../../src/protocol/receipt-id.ts'
import type { Trace } from '../../src/ports.ts'
import { Disk } from '../../src/simulation/disk.ts'
import { clockOf, Life, type WallClock } from '../../src/simulation/life.ts'
import { addressOf, Network } from '../../src/simulation/network.ts'
import { type SeededRandom, seededRandom } from '../../src/simulation/random.ts'
import { Scheduler } from '../../src/simulation/scheduler.ts'
import { openStorage } from '../../src/simulation/storage.ts'
import { SimulatedTransport } from '../../src/simulation/transport.ts'

/** Where a peer lives: what a restart finds again. */
export interface Machine {
  readonly name: string
  readonly kind: 'member' | 'edge'
  readonly identity: Identity
  readonly disk: Disk
  readonly wall: WallClock
  /** 0 for the first owner, and so on; a tab is as far from all as the third. */
  readonly rank: number
  starts: number
  /** What a member states of itself at its next start. */
  weight: number
  process: Process | undefined
}

interface Process {
  readonly life: Life
  readonly transport: SimulatedTransport
  readonly peer: Member | Edge
  readonly keyed: Keyed
}

export interface StageSettings {
  readonly peers: readonly string[]
  readonly n: number
  readonly r: number
  readonly w: number
  readonly limits: Limits
}

/** Long enough for whatever goes on behind an answer, unless it waits for somebody who is away. */
const breathMs = 200
/** Nothing that a script asks for may take longer. */
const longestMs = 60_000
const partitions = 16
/** Peers draw names by chance, but no moments: one more draw anywhere would shift every story. */
const fraction = (): number => 0.99
/** The bucket of a story and the first part of all its keys. */
export const bucket = 'story'

export class Stage {
  readonly scheduler = new Scheduler()
  readonly network: Network
  readonly machines: Machine[] = []
  readonly #settings: StageSettings
  readonly #trace: Trace
  readonly #ring: RingIdentity
  #cuts: (() => void)[] = []
  readonly #rooms = new Map<string, number>()

  constructor(settings: StageSettings, trace: Trace) {
    const { peers, n } = settings
    this.#settings = settings
    this.#trace = trace
    this.#ring = { name: 'told', id: 'A'.repeat(22), n, q: partitions, durableOwners: n }
    const delays = {
      delayMs: [0, 0],
      jitterMs: 0,
      spikes: 0,
      detectionMs: [4000, 4000],
      bytesPerMs: Infinity,
    } as const
    this.network = new Network(this.scheduler, steady, undefined, delays)
    this.network.weather.slow((from, to) => this.#delayMs(from, to))
    const identities = inOrder(
      this.#ring,
      peers.map((_, i) => identityFromSeed(hash(utf8(`peer ${i} of a story`)))),
    )
    for (const [i, identity] of identities.entries()) this.#build('member', peers[i]!, identity, i)
  }

  /** Resolves when every member knows and reaches every other. */
  async open(absent: readonly string[] = []): Promise<void> {
    const machines = this.machines.filter(({ name }) => !absent.includes(name))
    const starting = machines.map((machine) => this.start(machine))
    const others = machines.length - 1
    const stands = ({ process }: Machine): boolean =>
      process?.peer.view.members.length === machines.length &&
      process.transport.links().length === others
    await this.scheduler.run(longestMs, () => machines.every(stands))
    await Promise.all(starting)
    if (!machines.every(stands)) throw new Error('the ring does not come together')
    // Each knows who answers fast, and the exchange that comes now and then is not due soon.
    await this.pass(16_000)
  }

  /** A tab, which can dial and cannot be dialled. */
  async openEdge(name: string): Promise<void> {
    const identity = identityFromSeed(hash(utf8(`edge ${name} of a story`)))
    await this.until(this.start(this.#build('edge', name, identity, 2)))
    await this.pass(5000)
  }

  machine(name: string): Machine {
    return this.machines.find((machine) => machine.name === name)!
  }

  nameOf(peer: string): string {
    return this.machines.find(({ identity }) => identity.peer === peer)?.name ?? peer
  }

  /** The write that a receipt speaks of. */
  dotOf(receiptId: string): Dot {
    return dotOfId(receiptId) ?? farWriteOfId(ringHash(this.#ring), receiptId)!.dot
  }

  keyed(name: string): Keyed {
    const { process } = this.machine(name)
    if (process === undefined) throw new Error(`${name} does not run`)
    return process.keyed
  }

  /** `joins`: it asks a ring that is there already for a seat. */
  async start(machine: Machine, joins = false): Promise<void> {
    if (machine.process !== undefined) throw new Error(`${machine.name} runs already`)
    const { identity, disk, kind, name, weight } = machine
    const life = new Life(this.scheduler)
    const isMember = kind === 'member'
    const transport = new SimulatedTransport(this.network, identity.peer, life, isMember)
    const { r, w, limits } = this.#settings
    const ports = {
      ring: this.#ring,
      identity,
      transport,
      storage: openStorage(disk, life),
      clock: clockOf(life, this.scheduler, machine.wall),
      random: { bytes: seededRandom(`${name}, start ${++machine.starts}`).bytes, fraction },
      trace: this.#trace,
      limits,
      bootstrap: this.machines
        .filter((other) => other.kind === 'member' && other !== machine)
        .map((other) => addressOf(other.identity.peer)),
    }
    if (isMember) {
      const host = { class: 'durable', host: name, zone: '', weight } as const
      const foreignBytes = this.#rooms.get(name) ?? limits.foreignBytes
      const peer = await startMember({
        ...ports,
        ...host,
        joins,
        limits: { ...limits, foreignBytes },
      })
      machine.process = { life, transport, peer, keyed: new MemberKeyed(peer, r, w) }
    } else {
      const peer = await startEdge({
        ringSide: openRingSide,
        ...ports,
        r,
        w,
      })
      machine.process = { life, transport, peer, keyed: peer }
    }
  }

  /** The process is gone; with the power lost nobody is told, and its links seem to stand for a while. */
  crash(machine: Machine, powerLost: boolean): void {
    if (machine.process === undefined) throw new Error(`${machine.name} does not run`)
    const { life, transport } = machine.process
    life.end()
    machine.process = undefined
    this.network.vanish(transport, powerLost)
    machine.disk.crash(powerLost)
  }

  /** The member that runs there. */
  member(name: string): Member {
    const peer = this.machine(name).process?.peer
    if (!(peer instanceof Member)) throw new Error(`${name} is no member that runs`)
    return peer
  }

  /** So much room for what it keeps for others, from now on and after each start. */
  giveRoom(machine: Machine, foreignBytes: number): void {
    this.#rooms.set(machine.name, foreignBytes)
    const peer = this.member(machine.name)
    const { rules, troubles } = peer.world
    peer.records.foreign.govern(rules, { ...limits, foreignBytes }, troubles)
  }

  /** The gate of its own: closed, it is offline, and knows it. */
  setGate(machine: Machine, open: boolean): void {
    if (machine.process === undefined) throw new Error(`${machine.name} does not run`)
    machine.process.transport.setGate(open)
  }

  /** Holds back what goes from one group to the other. */
  cut(from: readonly string[], to: readonly string[]): void {
    const peersOf = (names: readonly string[]): ReadonlySet<string> =>
      new Set(names.map((name) => this.machine(name).identity.peer))
    const [senders, receivers] = [peersOf(from), peersOf(to)]
    this.#cuts.push(this.network.cut((a, b) => senders.has(a) && receivers.has(b)))
  }

  heal(): void {
    for (const join of this.#cuts.splice(0)) join()
  }

  /** Lets time pass until this is settled. */
  async until<T>(work: Promise<T>): Promise<T> {
    let settled = false
    const settle = (): void => {
      settled = true
    }
    work.then(settle, settle)
    await this.scheduler.run(this.scheduler.nowMs + longestMs, () => settled)
    if (!settled) throw new Error(`not done after ${longestMs / 1000} s`)
    return work
  }

  breathe(): Promise<void> {
    return this.pass(breathMs)
  }

  pass(ms: number): Promise<void> {
    return this.scheduler.run(this.scheduler.nowMs + ms)
  }

  #build(kind: Machine['kind'], name: string, identity: Identity, rank: number): Machine {
    const disk = new Disk(`the disk of ${name}`, this.scheduler, steady, {
      readMs: 0.1,
      syncMs: 1,
      updatesAtOnce: kind === 'member',
    })
    const wall = { offsetMs: 0, latestMs: 0 }
    const machine = {
      name,
      kind,
      identity,
      disk,
      wall,
      rank,
      starts: 0,
      weight: 1,
      process: undefined,
    }
    this.machines.push(machine)
    return machine
  }

  /** Whoever asks, each letter takes three times as long as the one before it. */
  #delayMs(...peers: readonly string[]): number {
    const [one, other] = peers.map((peer) => this.machine(this.nameOf(peer)).rank)
    return 0.1 * 3 ** (one! + other!)
  }
}

/** The mean of everything, and nothing that is not certain. */
const steady: SeededRandom = {
  ...seededRandom('steady'),
  between: (low, high) => (low + high) / 2,
  exponential: (mean) => mean,
  chance: (probability) => probability >= 1,
  fork: () => steady,
}

export function keyNamed(name: string): Key {
  return makeKey(bucket, pathOf(name))
}

export function pathOf(name: string): [string, string] {
  return [bucket, name]
}

/** The owners of a story's keys, and then their fallbacks. */
function inOrder(
  { n, q, durableOwners }: RingIdentity,
  identities: readonly Identity[],
): Identity[] {
  const member = { class: 'durable', zone: '', weight: 1 } as const
  const members = identities.map(({ peer }) => ({ ...member, id: peer, host: peer }))
  const ring = makeRing({ n, q, durableOwners }, members)
  const { owners, fallbacks } = placementOf(ring, keyNamed('any').position)
  return [...owners, ...fallbacks].map((id) => identities.find(({ peer }) => peer === id)!)
}
