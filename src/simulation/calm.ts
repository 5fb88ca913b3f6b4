/**
 * Who was well, when: for P5, which promises a write only to those whose ring was in reach.
 *
 * The judgement is conservative. A write counts as entitled to succeed only if its own peer and enough others on
 * distinct hosts were well and could talk to each other from well before it began until it ended; what ailed anybody else
 * must not matter.
 */
import type { Cluster } from './cluster.ts'
import type { Machine } from './machine.ts'
import type { Operation } from './history.ts'

interface Trouble {
  readonly concerns: (a: Machine, b: Machine) => boolean
  readonly fromMs: number
  untilMs: number
}

/** How long after a trouble a peer may still suspect, redial and load its tables. */
const recoveryMs = 12_000

/** After so long everybody has noticed that a process is gone, and turns to it no more. */
const noticedMs = 6000

export class Calm {
  readonly #cluster: Cluster
  readonly #troubles: Trouble[] = []
  readonly #gone: { readonly machine: Machine; readonly fromMs: number; untilMs: number }[] = []

  constructor(cluster: Cluster) {
    this.#cluster = cluster
    const down = new Map<Machine, () => void>()
    const { scheduler } = cluster
    cluster.onDown = (machine) => {
      down.get(machine)?.()
      const settle = this.disturb([machine])
      const gone = { machine, fromMs: scheduler.nowMs, untilMs: Infinity }
      this.#gone.push(gone)
      down.set(machine, () => {
        settle()
        gone.untilMs = Math.min(gone.untilMs, scheduler.nowMs)
      })
    }
    cluster.onServing = (machine) => down.get(machine)?.()
  }

  /** These machines are unwell until the result is called. */
  disturb(machines: readonly Machine[]): () => void {
    return this.#add((a, b) => machines.includes(a) || machines.includes(b))
  }

  /** These pairs cannot talk until the result is called. */
  block(blocks: (a: string, b: string) => boolean): () => void {
    return this.#add((a, b) => blocks(a.peer, b.peer))
  }

  /**
   * Whether W hosts, the operation's own peer among them, were well and in touch for its whole duration. A tab needs
   * nobody to write on its own device; for what else it asks, all members must have been well, for it may ask any.
   */
  mustSucceed(operation: Operation, w: number): boolean {
    const { via, startMs, endMs, ack, strict } = operation
    const machine = this.#cluster.machines.find(({ name }) => name === via)
    // Nothing is promised to who runs on a copy.
    if (machine === undefined) return false
    if (strict && ack !== 'device') return this.#mustSucceedStrictly(machine, operation, w)
    if (machine.kind === 'edge') {
      const all = [machine, ...this.#cluster.members]
      if (ack === 'device') return this.#wereWell(machine, machine, startMs, endMs)
      return all.every((a) => all.every((b) => this.#wereWell(a, b, startMs, endMs)))
    }
    // Who had no room for what it was to keep for others could not store it. Of owners nobody keeps it for others.
    const takers = this.#cluster.members.filter(({ name }) => {
      return !this.#cluster.foreign.hadNoRoom(name, operation.key, startMs, endMs)
    })
    if (!takers.includes(machine)) return this.#mustBeTaken(machine, takers, operation, w)
    const hosts = new Set(
      takers
        .filter((other) => this.#wereWell(machine, other, startMs, endMs))
        .map(({ host }) => host),
    )
    return hosts.has(machine.host) && hosts.size >= w
  }

  /**
   * Its own peer had no room, and must have passed it on. Any other may then have coordinated it, so each must have been
   * well and in touch with all that were, or have been gone for so long that nobody turned to it.
   */
  #mustBeTaken(
    machine: Machine,
    takers: readonly Machine[],
    { startMs, endMs }: Operation,
    w: number,
  ): boolean {
    const here = this.#cluster.members.filter((each) => !this.#wasGone(each, startMs, endMs))
    const isWhole = here.every((a) => here.every((b) => this.#wereWell(a, b, startMs, endMs)))
    const hosts = new Set(takers.filter((each) => here.includes(each)).map(({ host }) => host))
    return isWhole && here.includes(machine) && hosts.size >= w
  }

  /** Whether no process of it ran for long before this time, and none in it. */
  #wasGone(machine: Machine, startMs: number, endMs: number): boolean {
    return this.#gone.some((each) => {
      return each.machine === machine && each.fromMs + noticedMs < startMs && endMs < each.untilMs
    })
  }

  /** All members were well, and of the key's owners so many had long been ready that nobody could miss it. */
  #mustSucceedStrictly(machine: Machine, operation: Operation, w: number): boolean {
    const { startMs, endMs, key } = operation
    const { members, wholeness, settings, rings } = this.#cluster
    const all = [machine, ...members]
    if (!all.every((a) => all.every((b) => this.#wereWell(a, b, startMs, endMs)))) return false
    const sinceMs = startMs - recoveryMs
    if (!members.every(({ name }) => wholeness.wasSteady(name, sinceMs))) return false
    const owners = this.#cluster.ownersOf(key, rings.at(startMs))
    const ready = owners.filter(({ name }) => wholeness.wasWhole(name, key, sinceMs))
    const needed = Math.max(w, Math.floor(settings.n / 2) + 1)
    return new Set(ready.map(({ host }) => host)).size >= needed
  }

  /** Whether nothing ailed this machine from well before until then. */
  wasWell(machine: Machine, startMs: number, endMs: number): boolean {
    return this.#wereWell(machine, machine, startMs, endMs)
  }

  #add(concerns: Trouble['concerns']): () => void {
    const { scheduler } = this.#cluster
    const trouble: Trouble = { concerns, fromMs: scheduler.nowMs, untilMs: Infinity }
    this.#troubles.push(trouble)
    return () => {
      trouble.untilMs = scheduler.nowMs
    }
  }

  #wereWell(a: Machine, b: Machine, startMs: number, endMs: number): boolean {
    return this.#troubles.every(
      ({ concerns, fromMs, untilMs }) =>
        endMs < fromMs || startMs > untilMs + recoveryMs || !concerns(a, b),
    )
  }
}
