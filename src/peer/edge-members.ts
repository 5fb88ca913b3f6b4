/**
 * The members, as an edge turns to them: any of them answers for the ring, the owners of a key soonest.
 */
import { type Key, showKey } from '../data/key.ts'
import { showDot } from '../data/vector.ts'
import { isRefusedOnItsMerits } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Reply, ReplyOf, Request } from '../protocol/message.ts'
import { placementOf } from '../protocol/placement.ts'
import { ask } from './ask.ts'
import { type Failure, isFailure } from './failure.ts'
import type { World } from './world.ts'

/** Where so many members have too much to do, the others are not made to refuse as well. */
const mostRefusals = 2

/** An edge keeps links to so many members; in a larger ring the others are asked through them. */
const wantedLinks = 8

export class EdgeMembers {
  readonly #world: World
  /** Finds members where none is known. */
  readonly #bootstrap: () => Promise<void>
  #closed = false

  constructor(world: World, bootstrap: () => Promise<void>) {
    this.#world = world
    this.#bootstrap = bootstrap
  }

  /**
   * Asks one member after another, owners of the key first, until one answers or the time of a request is over. The
   * `sent` of a failure says whether any of them may have acted on it.
   */
  async ask<T extends Reply['type']>(
    key: Key,
    request: Request,
    expected: T,
  ): Promise<ReplyOf<T> | Failure> {
    const { clock, limits } = this.#world
    const latest = clock.elapsed() + limits.requestMs
    if (this.#all().length === 0) await this.#bootstrap()
    let last: Failure = { failed: true, why: 'unreachable', sent: false, refusal: undefined }
    let crowded = 0
    for (const peer of this.#inOrder(key)) {
      const left = latest - clock.elapsed()
      if (this.#closed || left <= 0) break
      const deadlineMs = Math.min(2 * limits.ownerMs, left)
      const answer: ReplyOf<T> | Failure = await ask(this.#world, peer, request, expected, {
        deadlineMs,
      })
      this.#say(key, request, peer, isFailure(answer) ? answer.why : 'ok')
      if (!isFailure(answer)) return answer
      last = { ...answer, sent: answer.sent || last.sent }
      if (answer.why === 'overloaded' && ++crowded === mostRefusals) return last
      // What one member refuses on the merits, the next would refuse too.
      if (answer.refusal !== undefined && isRefusedOnItsMerits(answer.why)) return last
    }
    return last
  }

  /** Asks each of these for nothing but a sign of life; by default so many that links to them come to stand. */
  ping(peers: readonly PeerId[] = this.#all().slice(0, wantedLinks)): void {
    for (const peer of peers) this.tell(peer, { type: 'ping' })
  }

  /** Sees to it that links stand, to these and to as many as are wanted, and that they are alive. */
  reach(peers: readonly PeerId[]): void {
    const wanted = this.#all().slice(0, wantedLinks)
    this.ping([...new Set([...peers, ...wanted])])
    if (wanted.length === 0) this.#world.tasks.run('bootstrap', this.#bootstrap())
  }

  /** A request that is answered with nothing but `done`. */
  tell(peer: PeerId, request: Request): void {
    const { tasks, limits } = this.#world
    const options = { deadlineMs: limits.ownerMs }
    tasks.run(request.type, ask(this.#world, peer, request, 'done', options))
  }

  /** Nobody new is asked; what is under way ends by its own deadline. */
  close(): void {
    this.#closed = true
  }

  #say(key: Key, request: Request, to: PeerId, result: string): void {
    // Asked again and again until all owners say yes.
    if (request.type === 'covers') return
    const dot = 'dot' in request ? { dot: showDot(request.dot) } : {}
    this.#world.say({ type: 'ask', key: showKey(key), to, ...dot, result, detail: request.type })
  }

  #all(): PeerId[] {
    return this.#world.view().members.map(({ record }) => record.peer)
  }

  #inOrder(key: Key): PeerId[] {
    const { links, view } = this.#world
    const { owners, fallbacks } = placementOf(view().ring, key.position)
    const order = [...links.fastestFirst(owners), ...links.fastestFirst(fallbacks)]
    const isSuspect = (peer: PeerId): boolean => links.isSuspect(peer)
    return [...order.filter((peer) => !isSuspect(peer)), ...order.filter(isSuspect)]
  }
}
