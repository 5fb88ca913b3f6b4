/**
 * When each followed key is to be asked about next.
 *
 * A link that comes up makes its keys due at once, unless somebody whose link has stood meanwhile has said that they
 * are fresh: what changed since then, that member has told. Otherwise each key has its pause. It grows with how many
 * there are, so that a tab asks about a hundred keys a second at the most; the few that are watched have a short one.
 */
import type { Key } from '../data/key.ts'
import type { PeerId } from '../protocol/membership.ts'
import { placementOf } from '../protocol/placement.ts'
import type { Copies } from './copies.ts'
import type { World } from './world.ts'

export interface Standing {
  readonly key: Key
  /** Awake time of the next question. */
  due: number
  /** Which of its owners is next. */
  turn: number
  /** The linked member that last said it was fresh, and has told of every change since. */
  saidBy: PeerId | undefined
}

/** So many keys have so long a pause at least. */
const pausePerKeyMs = 10
/** After an answer that did not come. */
const shortRestMs = 1000
/** Due before everything else. */
const atOnce = 0

export class Standings {
  readonly #world: World
  readonly #copies: Copies
  readonly #byKey = new Map<string, Standing>()
  /** Awake time of the next questions, unless some are to be asked at once. */
  #nextAt = 0

  constructor(world: World, copies: Copies) {
    this.#world = world
    this.#copies = copies
    for (const key of copies.followed()) this.#make(key)
    // At once only when there is a link to one of its owners.
    for (const standing of this.#byKey.values()) this.rest(standing)
  }

  get(key: Key): Standing | undefined {
    return this.#byKey.get(key.text)
  }

  add(key: Key): void {
    this.rest(this.get(key) ?? this.#make(key))
  }

  drop({ text }: Key): void {
    this.#byKey.delete(text)
  }

  /** It is watched from now on, and need not wait as long as others. */
  watched(key: Key): void {
    const standing = this.get(key)
    if (standing !== undefined) standing.due = Math.min(standing.due, this.#afterPause(key))
  }

  /** Changes may have been missed while there was no link, or none to anybody who would have told of them. */
  linkUp(peer: PeerId): void {
    this.linkDown(peer)
    const { ring } = this.#world.view()
    for (const standing of this.#byKey.values()) {
      if (standing.saidBy !== undefined) continue
      const { owners } = placementOf(ring, standing.key.position)
      if (owners.includes(peer)) standing.due = atOnce
    }
  }

  linkDown(peer: PeerId): void {
    for (const standing of this.#byKey.values()) {
      if (standing.saidBy === peer) standing.saidBy = undefined
    }
  }

  /** Everything that is due at once, what is watched first; else the longest due, as many as one question takes. */
  takeDue(): Standing[] {
    const now = this.#world.clock.elapsed()
    const due = [...this.#byKey.values()].filter((standing) => standing.due <= now)
    const urgent = due.filter((standing) => standing.due === atOnce)
    if (urgent.length > 0) {
      const isWatched = ({ key }: Standing): boolean => this.#copies.isWatched(key)
      return [...urgent.filter(isWatched), ...urgent.filter((standing) => !isWatched(standing))]
    }
    if (now < this.#nextAt) return []
    const next = due.sort((a, b) => a.due - b.due).slice(0, this.#world.limits.comparedKeys)
    this.#nextAt = now + next.length * pausePerKeyMs
    return next
  }

  /** It was asked about. */
  rest(standing: Standing): void {
    standing.due = this.#afterPause(standing.key)
  }

  /** Its question was not answered. */
  restShortly(standing: Standing): void {
    standing.due = this.#world.clock.elapsed() + shortRestMs
  }

  /** Nobody could be asked for it: many such keys must not be asked for again and again. */
  doubt(standing: Standing): void {
    const restMs = shortRestMs + this.#byKey.size * pausePerKeyMs
    standing.due = this.#world.clock.elapsed() + restMs
    standing.saidBy = undefined
  }

  #make(key: Key): Standing {
    const standing: Standing = { key, due: atOnce, turn: 0, saidBy: undefined }
    this.#byKey.set(key.text, standing)
    return standing
  }

  #afterPause(key: Key): number {
    const copies = this.#copies
    const count = copies.isWatched(key) ? copies.watched : this.#byKey.size
    const { clock, limits } = this.#world
    return clock.elapsed() + Math.max(limits.freshMs, count * pausePerKeyMs)
  }
}
