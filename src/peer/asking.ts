/**
 * What the owners say of the keys that an edge follows: asked for, pushed, and asked about in case nobody told.
 *
 * A copy is only ever the owners' word. Their answers may come in another order than they were asked for, and one that
 * is older than the copy must not become it: the owners are asked again then, as they are when a member pushes what
 * does not descend from the copy.
 */
import type { Key } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import type { ReadDemands } from '../protocol/demands.ts'
import { StorageError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { ReplyOf } from '../protocol/message.ts'
import type { Copies } from './copies.ts'
import type { EdgeMembers } from './edge-members.ts'
import { type Failure, isFailure } from './failure.ts'
import { FollowRequests } from './follow-requests.ts'
import { Freshness } from './freshness.ts'
import { copyName } from './troubles.ts'
import type { World } from './world.ts'

/** How often the owners are asked again when each answer is overtaken by another. */
const asksAgain = 3

export class Asking {
  readonly #world: World
  readonly #copies: Copies
  readonly #members: EdgeMembers
  readonly #r: number
  readonly #requests: FollowRequests
  readonly #freshness: Freshness

  constructor(world: World, copies: Copies, members: EdgeMembers, r: number) {
    this.#world = world
    this.#copies = copies
    this.#members = members
    this.#r = r
    this.#requests = new FollowRequests(world, (key) => copies.isWatched(key))
    this.#freshness = new Freshness({ world, copies, get: (key) => this.#get(key) })
  }

  watched(key: Key): void {
    this.#freshness.watched(key)
  }

  /** The key is followed from now on. */
  followed(key: Key): void {
    this.#requests.tell('follow', key)
    this.#freshness.add(key)
  }

  unfollowed(key: Key): void {
    this.#freshness.drop(key)
    this.#requests.tell('unfollow', key)
  }

  /** Asks R owners. Of a followed key their answer is the copy then. */
  async ask(key: Key, demands: ReadDemands = { r: this.#r }): Promise<ReplyOf<'got'> | Failure> {
    for (let asks = 1; ; asks++) {
      const { moment } = this.#copies
      const answer = await this.#members.ask(key, { type: 'get', key, ...demands }, 'got')
      // Fewer than R owners say too little to replace a copy.
      if (isFailure(answer) || demands.r < this.#r) return answer
      const { state, ready } = answer
      const isTaken = await this.take(key, state, moment, ready)
      // Until somebody's disk is whole again, to ask again brings the same.
      if (isTaken || !ready || asks > asksAgain) return answer
    }
  }

  async refresh(key: Key): Promise<void> {
    if (this.#copies.of(key).followed) await this.ask(key)
  }

  /**
   * Of a followed key, an answer of R owners that miss nothing, to what was asked at this moment, is the copy now. False
   * if it may be older than the copy, or say less. A full disk is no reason to keep it from its reader.
   */
  async take(key: Key, answer: ObjectState, askedAt: number, isWhole = true): Promise<boolean> {
    if (!this.#copies.of(key).followed) return true
    try {
      const refresh = (): Promise<boolean> => this.#copies.refresh(key, answer, askedAt, isWhole)
      return await this.#noting(key, refresh)
    } catch (error) {
      if (!(error instanceof StorageError)) throw error
      this.#world.say({ type: 'task-failed', detail: `refresh: ${error.message}` })
      return true
    }
  }

  /** A pushed state that does not descend from the copy is no reason to believe either: the owners are asked. */
  async pushed(key: Key, state: ObjectState): Promise<void> {
    if (!this.#copies.of(key).followed) return
    const replaced = await this.#noting(key, () => this.#copies.replace(key, state))
    if (!replaced) await this.refresh(key)
  }

  /** This member knows of no followed key yet, and what it told before counts no more. */
  linkUp(peer: PeerId): void {
    this.#requests.tellAll(peer, this.#copies.followed())
    this.#freshness.linkUp(peer)
  }

  linkDown(peer: PeerId): void {
    this.#freshness.linkDown(peer)
  }

  /** Nothing new is asked until `wake`. */
  sleep(): void {
    this.#freshness.sleep()
  }

  wake(): void {
    this.#freshness.wake()
  }

  close(): void {
    this.#freshness.close()
  }

  tick(): void {
    this.#freshness.tick()
  }

  /** Nobody waits for this change of a copy: if the store refuses it, that stands until it works. */
  #noting<T>(key: Key, change: () => Promise<T>): Promise<T> {
    return this.#world.troubles.watch(copyName(key), change)
  }

  /** False if nobody answers. */
  async #get(key: Key): Promise<boolean> {
    return !this.#copies.of(key).followed || !isFailure(await this.ask(key))
  }
}
