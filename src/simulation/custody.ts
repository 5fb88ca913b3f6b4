/**
 * Which disks may be lost without losing an acknowledged write: the rule that keeps the faults fair.
 *
 * P1 survives the loss of fewer than W of the disks that hold a write, until all owners hold it at once; from then, of
 * fewer than the hosts of its owners. So each write keeps count of the hosts that lost it since all had it last, and of
 * whether all ever had it. A disk holds what its record has seen, also what is superseded there: whatever superseded it
 * may be nowhere else. A copy of a disk on which a second process runs is thrown away one day: as long as there is one, each
 * write counts as lost once already, for the copy may be among those that acknowledge it.
 *
 * A write of a buffered bucket is lost where the power is cut before it is synced. That is free while somebody else has it
 * on his disk, for so it is promised, and counts as a lost disk all the same; and what is buffered at an owner is not held
 * there yet. To a write that is to be synced a power cut does nothing, or the build is broken.
 */
import { type Bytes, fromBinaryText } from '../data/bytes.ts'
import { showKey } from '../data/key.ts'
import { emptyState, type ObjectState } from '../data/siblings.ts'
import { covers } from '../data/vector.ts'
import { keyOfStored, shelfRange } from '../protocol/record.ts'
import { objectAtRest } from './at-rest.ts'
import type { Holding } from './checker.ts'
import type { Ground, GroundMember } from './ground.ts'
import { inspect } from './inspection.ts'
import { type Image, statesAmong, statesIn } from './medium.ts'

const objectLetter = shelfRange('object').from[0]

/** Of one machine. `toMs`: until its owners held the write again, or the machine had noticed and was whole. */
interface Interval {
  readonly machine: string
  readonly fromMs: number
  toMs: number
}

export class Custody {
  readonly #ground: Ground
  /** By write: the hosts that lost it since all its owners held it. */
  readonly #lost = new Map<number, number>()
  /** By write that all owners have held at once: how many hosts of its owners there are. */
  readonly #settled = new Map<number, number>()
  /** By write: what an older image has taken from a disk, and until when nobody need have noticed. */
  readonly #setBack = new Map<number, Interval[]>()
  /** Members that are sent away: what is on their disks is lost by the time that they come back. */
  readonly #doomed = new Set<GroundMember>()
  /** By copy: whose disk it is one of. */
  readonly #copies = new Map<GroundMember, GroundMember>()

  constructor(ground: Ground) {
    this.#ground = ground
  }

  /** Whether these machines, which are one host's, may lose what their disks hold, but for what an image keeps. */
  mayLose(machines: readonly GroundMember[], image?: Image): boolean {
    return this.#heldBy(machines, { image }).every((write) => this.#spares(write))
  }

  lose(machines: readonly GroundMember[], image?: Image): void {
    this.#ground.lostAtMs = this.#ground.scheduler.nowMs
    for (const write of this.#heldBy(machines, { image })) this.#count(write)
  }

  /** A machine is set back to this image: what it does not hold any more it does not know to be missing. */
  setBack(machine: GroundMember, image: Image): void {
    const states = statesIn(image)
    for (const [key, held] of inspect(this.#ground)) {
      if (!held.some(({ peer, owner }) => owner && peer === machine.name)) continue
      const kept = states.get(key)
      for (const write of this.#ground.witness.writesOf(key)) {
        if (kept !== undefined && this.#covers(kept, write)) continue
        const interval = { machine: machine.name, fromMs: this.#nowMs, toMs: Infinity }
        this.#setBack.set(write, [...(this.#setBack.get(write) ?? []), interval])
      }
    }
  }

  /** A machine that was set back knows that it lost something, and has been told what. */
  isWhole(machine: string): void {
    for (const intervals of this.#setBack.values()) {
      for (const each of intervals) if (each.machine === machine) this.#close(each)
    }
  }

  /** Whether a disk that was set back may have answered for this write in this span of time. */
  wasSetBack(write: number, startMs: number, endMs: number): boolean {
    const intervals = this.#setBack.get(write) ?? []
    return intervals.some(({ fromMs, toMs }) => fromMs <= endMs && startMs <= toMs)
  }

  get #nowMs(): number {
    return this.#ground.scheduler.nowMs
  }

  #close(interval: Interval): void {
    interval.toMs = Math.min(interval.toMs, this.#nowMs)
  }

  /** Whether the power of this machine may be cut; if so, what that takes back is counted. */
  cutPower(machine: GroundMember): boolean {
    const risks = this.#atRisk()
    const own = risks.get(machine.name)
    if (own === undefined) return true
    const lost: number[] = []
    for (const [key, held] of inspect(this.#ground)) {
      const kept = own.get(key)
      if (kept === undefined) continue
      for (const write of this.#ground.witness.writesOf(key)) {
        const holds = ({ peer, state }: Holding): boolean => {
          return this.#covers(risks.get(peer)?.get(key) ?? state, write)
        }
        const isTaken = held.some(({ peer, state }) => {
          return peer === machine.name && this.#covers(state, write) && !this.#covers(kept, write)
        })
        if (!isTaken || !this.#ground.history.get(write).buffered) continue
        const others = held.filter(({ peer }) => peer !== machine.name)
        if (!others.some(holds) && !this.#spares(write)) return false
        lost.push(write)
      }
    }
    for (const write of lost) {
      this.#ground.history.takeBack(write)
      this.#count(write)
    }
    return true
  }

  /** By member and key: what a power cut would leave of the records that are not synced. */
  #atRisk(): Map<string, Map<string, ObjectState>> {
    const risks = new Map<string, Map<string, ObjectState>>()
    for (const { name, disk } of this.#ground.members) {
      const states = new Map<string, ObjectState>()
      for (const stored of disk.unsyncedKeys ?? []) {
        const storedKey = fromBinaryText(stored)
        if (storedKey[0] !== objectLetter) continue
        const value = disk.afterPowerCut?.(stored)
        const object = value && objectAtRest(keyOfStored(storedKey), value)
        states.set(nameOfStored(storedKey), object?.state ?? emptyState)
      }
      if (states.size > 0) risks.set(name, states)
    }
    return risks
  }

  mayLoseRecord(machine: GroundMember, storedKey: Bytes): boolean {
    const only = nameOfStored(storedKey)
    return this.#heldBy([machine], { only }).every((write) => this.#spares(write))
  }

  loseRecord(machine: GroundMember, storedKey: Bytes): void {
    this.#ground.lostAtMs = this.#ground.scheduler.nowMs
    for (const write of this.#heldBy([machine], { only: nameOfStored(storedKey) })) {
      this.#count(write)
    }
  }

  /** A process runs on this copy of a disk, until that is thrown away. */
  lend(copy: GroundMember, of: GroundMember): void {
    this.#copies.set(copy, of)
  }

  throwAway(copy: GroundMember): void {
    this.#ground.lostAtMs = this.#ground.scheduler.nowMs
    const of = this.#copies.get(copy)
    this.#copies.delete(copy)
    this.look()
    for (const write of of === undefined ? [] : this.#onlyOn(copy, of)) this.#count(write)
  }

  /** A member is to go whether it answers or not: until it is back, its disk is one that is lost already. */
  doom(machine: GroundMember): void {
    this.#doomed.add(machine)
  }

  /** It comes back, and holds on to nothing: whatever its disk ever held it has lost. */
  forget(machine: GroundMember): void {
    const { witness, history, scheduler } = this.#ground
    this.#ground.lostAtMs = scheduler.nowMs
    this.#doomed.delete(machine)
    const held = this.#heldBy([machine], {})
    const once = history.operations
      .map(({ write }) => write)
      .filter((write) => witness.hostsOf(write).has(machine.host))
    for (const write of new Set([...held, ...once])) this.#count(write)
  }

  /** Notes what all owners hold now. */
  look(): void {
    this.#heldBy([], {})
  }

  #spares(write: number): boolean {
    const allowed = this.#settled.get(write) ?? this.#ground.settings.w
    return (this.#lost.get(write) ?? 0) + this.#copies.size + this.#doomed.size + 1 < allowed
  }

  /** The writes that stand on this copy of a disk and not on the disk. */
  #onlyOn(copy: GroundMember, of: GroundMember): number[] {
    const own = statesOn(of)
    return [...statesOn(copy)].flatMap(([key, state]) => {
      const kept = own.get(key)
      return [...this.#ground.witness.writesOf(key)].filter(
        (write) => this.#covers(state, write) && !(kept && this.#covers(kept, write)),
      )
    })
  }

  #count(write: number): void {
    this.#lost.set(write, (this.#lost.get(write) ?? 0) + 1)
  }

  /** The writes that any of these machines holds, of one key or of all; what all owners hold is forgiven here. */
  #heldBy(
    machines: readonly GroundMember[],
    { only, image }: { only?: string | undefined; image?: Image | undefined },
  ): number[] {
    const names = machines.map(({ name }) => name)
    const writes: number[] = []
    const states = image && statesIn(image)
    // A disk that has failed to sync still looks as if it held something.
    const failed = new Set(
      this.#ground.members.filter(({ disk }) => disk.isLost).map(({ name }) => name),
    )
    const risks = this.#atRisk()
    for (const [key, held] of inspect(this.#ground)) {
      if (only !== undefined && key !== only) continue
      const owners = held.filter(({ owner }) => owner)
      const hosts = new Set(owners.map(({ host }) => host)).size
      const losing = held.filter(({ peer }) => names.includes(peer))
      const kept = states?.get(key)
      for (const write of this.#ground.witness.writesOf(key)) {
        const holds = ({ peer, state }: Holding): boolean =>
          !failed.has(peer) && this.#covers(state, write)
        const holdsDurably = (holding: Holding): boolean => {
          const state = risks.get(holding.peer)?.get(key)
          return holds(holding) && (state === undefined || this.#covers(state, write))
        }
        if (owners.every(holdsDurably)) {
          this.#lost.delete(write)
          this.#settled.set(write, hosts)
          for (const each of this.#setBack.get(write) ?? []) this.#close(each)
        }
        if (losing.some(holds) && !(kept && this.#covers(kept, write))) writes.push(write)
      }
    }
    return writes
  }

  #covers(state: ObjectState, write: number): boolean {
    for (const dot of this.#ground.witness.dotsOf(write).values()) {
      if (covers(state.seen, dot)) return true
    }
    return false
  }
}

function statesOn({ disk }: GroundMember): Map<string, ObjectState> {
  const { from, to } = shelfRange('object')
  return statesAmong(disk.isLost ? [] : disk.entries(from, to))
}

/** `bucket/path` of a stored record. */
export function nameOfStored(storedKey: Bytes): string {
  return showKey(keyOfStored(storedKey))
}
