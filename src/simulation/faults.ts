/**
 * What goes wrong, drawn from the seed: a swarm of faults, of which each run allows only some kinds.
 *
 * A run in which everything breaks all the time tests little: nothing gets far enough to go wrong in an interesting way.
 * So each seed picks the kinds it uses and how often each strikes (swarm testing: Groce et al., 2012). A fault counts only
 * once it has struck something: a partition that no message met was none.
 */
import type { PeerId } from '../protocol/membership.ts'
import type { Calm } from './calm.ts'
import type { Cluster, Machine } from './cluster.ts'
import type { Custody } from './custody.ts'
import type { SeededRandom } from './random.ts'

export const faultKinds = [
  'crash',
  'power cut',
  'crash at a commit',
  'partition',
  'one-way cut',
  'isolated peer',
  'flapping link',
  'broken links',
  'loss',
  'duplication',
  'slow peer',
  'frozen peer',
  'slow disk',
  'full disk',
  'failed sync',
  'wiped disk',
  'clock jump',
] as const

export type FaultKind = (typeof faultKinds)[number]

/** Ends a fault; the answer says whether it struck anything. */
type End = () => boolean

/** One fault that is under way. */
interface Standing {
  readonly end: () => void
}

export class Faults {
  readonly counts: Record<FaultKind, number>
  readonly #cluster: Cluster
  readonly #calm: Calm
  readonly #custody: Custody
  readonly #random: SeededRandom
  readonly #kinds: readonly FaultKind[]
  readonly #standing = new Set<Standing>()
  readonly #pauseMs: number
  #open = true

  constructor(cluster: Cluster, calm: Calm, custody: Custody, only?: readonly FaultKind[]) {
    this.#cluster = cluster
    this.#calm = calm
    this.#custody = custody
    this.#random = cluster.random.fork('faults')
    this.counts = Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as Faults['counts']
    this.#kinds = only ?? this.#chooseKinds()
    this.#pauseMs = this.#random.between(1200, 3000)
  }

  get total(): number {
    return Object.values(this.counts).reduce((sum, count) => sum + count, 0)
  }

  start(): void {
    this.#cluster.chronicle.tell('', `faults of this run: ${this.#kinds.join(', ')}`)
    this.#scheduleNext()
  }

  /** Ends every fault, and lets no new one begin. */
  heal(): void {
    this.#open = false
    for (const { end } of this.#standing) end()
  }

  #chooseKinds(): FaultKind[] {
    const weighted = faultKinds.flatMap((kind) =>
      this.#random.chance(0.55)
        ? Array.from({ length: 1 + this.#random.whole(3) }, () => kind)
        : [],
    )
    return weighted.length === 0 ? ['crash', 'partition'] : weighted
  }

  #scheduleNext(): void {
    this.#cluster.scheduler.after(this.#random.exponential(this.#pauseMs), () => {
      if (!this.#open) return
      this.#begin(this.#random.pick(this.#kinds))
      this.#scheduleNext()
    })
  }

  #begin(kind: FaultKind): void {
    const random = this.#random.fork(this.#random.whole(2 ** 31))
    const lastsMs = this.#lastsMs(kind, random)
    const end = this.#inflict(kind, random, lastsMs)
    if (end === undefined) return
    const standing = {
      end: () => {
        if (!this.#standing.delete(standing)) return
        if (end()) this.counts[kind]++
      },
    }
    this.#standing.add(standing)
    this.#cluster.scheduler.after(lastsMs, standing.end)
  }

  #lastsMs(kind: FaultKind, random: SeededRandom): number {
    if (kind === 'partition' || kind === 'isolated peer') return 500 + random.exponential(6000)
    return 300 + random.exponential(3000)
  }

  /** Begins a fault; undefined where it has nobody to strike. */
  #inflict(kind: FaultKind, random: SeededRandom, lastsMs: number): End | undefined {
    const running = this.#cluster.machines.filter(({ process }) => process !== undefined)
    if (running.length === 0) return undefined
    const machine = random.pick(running)
    switch (kind) {
      case 'crash':
        return this.#kill(machine, false)
      case 'power cut':
        return this.#kill(machine, true)
      case 'crash at a commit':
        return this.#killAtCommit(machine, random.pick(['begins', 'ends']))
      case 'partition':
        return this.#partition(random)
      case 'one-way cut':
        return this.#oneWay(random)
      case 'isolated peer':
        return this.#cut(`${machine.name} is cut off`, ({ from, to }) =>
          [from, to].includes(machine.peer),
        )
      case 'flapping link':
        return this.#flap(machine, random, lastsMs)
      case 'broken links':
        return this.#breakLinks(machine)
      case 'loss':
        return this.#lose(random)
      case 'duplication':
        return this.#duplicate(random)
      case 'slow peer':
        return this.#slowPeer(machine, random)
      case 'frozen peer':
        return this.#freeze(machine, lastsMs)
      case 'slow disk':
        return this.#slowDisk(machine, random)
      case 'full disk':
        return this.#fillDisk(machine)
      case 'failed sync':
        return this.#failSync(machine)
      case 'wiped disk':
        return this.#wipe(machine)
      case 'clock jump':
        return this.#jump(machine, random)
    }
  }

  #tell(text: string): void {
    this.#cluster.chronicle.tell('', text)
  }

  #kill(machine: Machine, powerLost: boolean): End {
    this.#cluster.crash(machine, powerLost)
    const settle = this.#calm.disturb([machine])
    return () => {
      this.#restart(machine)
      settle()
      return true
    }
  }

  #restart(machine: Machine): void {
    if (machine.process === undefined) this.#cluster.start(machine)
  }

  /** The two worst moments: when nothing is on the disk yet, and when all is but nobody knows. */
  #killAtCommit(machine: Machine, moment: 'begins' | 'ends'): End {
    const settle = this.#calm.disturb([machine])
    let struck = false
    machine.disk.onCommit = (now) => {
      if (struck || now !== moment) return
      struck = true
      // At its beginning the peer's own code is still on the stack: let it come to its await.
      if (now === 'ends') this.#cluster.crash(machine, false)
      else this.#cluster.scheduler.after(0, () => this.#cluster.crash(machine, true))
    }
    return () => {
      machine.disk.onCommit = () => {}
      this.#restart(machine)
      settle()
      return struck
    }
  }

  #partition(random: SeededRandom): End {
    const mixed = random.shuffled(this.#cluster.machines)
    const side = mixed.slice(0, 1 + random.whole(mixed.length - 1))
    const peers = new Set(side.map(({ peer }) => peer))
    const text = `the network splits: ${side.map(({ name }) => name).join(' ')} | the others`
    return this.#cut(text, ({ from, to }) => peers.has(from) !== peers.has(to))
  }

  #oneWay(random: SeededRandom): End {
    const [one, other] = random.shuffled(this.#cluster.machines)
    return this.#cut(
      `nothing gets from ${one!.name} to ${other!.name}`,
      ({ from, to }) => from === one!.peer && to === other!.peer,
    )
  }

  #cut(text: string, blocks: (way: { from: PeerId; to: PeerId }) => boolean): End {
    const { network } = this.#cluster
    const settle = this.#calm.block(
      (a, b) => blocks({ from: a, to: b }) || blocks({ from: b, to: a }),
    )
    const before = network.hits.held + network.hits.silent
    this.#tell(text)
    const heal = network.cut((from, to) => blocks({ from, to }))
    return () => {
      heal()
      settle()
      this.#tell(`healed: ${text}`)
      return network.hits.held + network.hits.silent > before
    }
  }

  #flap(machine: Machine, random: SeededRandom, lastsMs: number): End {
    const blocks = ({ from, to }: { from: PeerId; to: PeerId }): boolean =>
      [from, to].includes(machine.peer)
    const ends: End[] = []
    const { scheduler } = this.#cluster
    for (let atMs = 0; atMs < lastsMs; atMs += random.between(200, 3000)) {
      scheduler.after(atMs, () => {
        const end = ends.pop()
        if (end === undefined && done === false)
          ends.push(this.#cut(`${machine.name} flaps`, blocks))
        else struck = (end?.() ?? false) || struck
      })
    }
    let done = false
    let struck = false
    return () => {
      done = true
      for (const end of ends) struck = end() || struck
      return struck
    }
  }

  #breakLinks(machine: Machine): End {
    const settle = this.#calm.disturb([machine])
    const links = machine.process?.transport.links() ?? []
    this.#tell(`every link of ${machine.name} breaks`)
    for (const { peer } of links) this.#cluster.network.reset(machine.peer, peer)
    return () => {
      settle()
      return links.length > 0
    }
  }

  #lose(random: SeededRandom): End {
    const { network } = this.#cluster
    const settle = this.#calm.disturb(this.#cluster.machines)
    const before = network.hits.lost
    network.loss = random.between(0.02, 0.3)
    this.#tell(`the network loses ${Math.round(100 * network.loss)} % of all messages`)
    return () => {
      network.loss = 0
      settle()
      this.#tell('the network loses nothing any more')
      return network.hits.lost > before
    }
  }

  #duplicate(random: SeededRandom): End {
    const { network } = this.#cluster
    const before = network.hits.duplicated
    network.duplication = random.between(0.05, 0.5)
    this.#tell(`the network duplicates ${Math.round(100 * network.duplication)} % of all messages`)
    return () => {
      network.duplication = 0
      this.#tell('the network duplicates nothing any more')
      return network.hits.duplicated > before
    }
  }

  #slowPeer(machine: Machine, random: SeededRandom): End {
    const { network } = this.#cluster
    const settle = this.#calm.disturb([machine])
    const before = network.hits.slowed
    const moreMs = random.between(50, 1500)
    this.#tell(`${machine.name} answers ${Math.round(moreMs)} ms later`)
    const mend = network.slow((from, to) =>
      from === machine.peer || to === machine.peer ? moreMs * 0.5 : 0,
    )
    return () => {
      mend()
      settle()
      this.#tell(`${machine.name} is as fast as before`)
      return network.hits.slowed > before
    }
  }

  #freeze(machine: Machine, lastsMs: number): End {
    const settle = this.#calm.disturb([machine])
    this.#tell(`${machine.name} freezes for ${Math.round(lastsMs)} ms`)
    machine.process?.life.freeze(lastsMs)
    return () => {
      settle()
      return true
    }
  }

  #slowDisk(machine: Machine, random: SeededRandom): End {
    const { disk } = machine
    const settle = this.#calm.disturb([machine])
    const before = disk.hits.slowed
    disk.slowness = random.between(10, 400)
    this.#tell(`${disk.name} is ${Math.round(disk.slowness)} times slower`)
    return () => {
      disk.slowness = 1
      settle()
      this.#tell(`${disk.name} is as fast as before`)
      return disk.hits.slowed > before
    }
  }

  #fillDisk(machine: Machine): End {
    const { disk } = machine
    const settle = this.#calm.disturb([machine])
    const before = disk.hits.refused
    disk.full = true
    this.#tell(`${disk.name} is full`)
    return () => {
      disk.full = false
      settle()
      this.#tell(`${disk.name} has space again`)
      return disk.hits.refused > before
    }
  }

  /** A sync that fails is a lost disk: the process stops, and starts again on an empty one. */
  #failSync(machine: Machine): End | undefined {
    const { disk } = machine
    if (!this.#custody.mayLose([machine])) return undefined
    const settle = this.#calm.disturb([machine])
    let struck = false
    disk.syncFails = () => !struck && this.#custody.mayLose([machine])
    disk.onLost = () => {
      struck = true
      this.#tell(`${disk.name} fails to sync`)
      this.#custody.lose([machine])
      this.#cluster.scheduler.after(20, () => {
        this.#cluster.wipe(machine)
        this.#cluster.scheduler.after(1000, () => this.#restart(machine))
      })
    }
    return () => {
      disk.syncFails = () => false
      settle()
      return struck
    }
  }

  /** All peers of one host lose their disks together. */
  #wipe(machine: Machine): End | undefined {
    const together = this.#cluster.machines.filter(({ host }) => host === machine.host)
    if (!this.#custody.mayLose(together)) return undefined
    const held = together.some(({ disk }) => disk.entries().length > 0)
    const settle = this.#calm.disturb(together)
    this.#custody.lose(together)
    for (const each of together) this.#cluster.wipe(each)
    return () => {
      for (const each of together) this.#restart(each)
      settle()
      return held
    }
  }

  #jump(machine: Machine, random: SeededRandom): End {
    const jumpMs = random.pick([1e3, 60e3, 3600e3, 86400e3]) * random.between(-1, 1)
    this.#tell(`the clock of ${machine.name} jumps by ${Math.round(jumpMs / 1000)} s`)
    machine.wall.offsetMs += jumpMs
    return () => true
  }
}
