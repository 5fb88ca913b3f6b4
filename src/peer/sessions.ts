/**
 * Grace: how a peer comes to know that nothing old is left of what it does and of what it has sent.
 *
 * A task that has read a state may send it on long after the state was replaced everywhere, and a message may arrive long
 * after its sender gave it up, or arrive twice. Nothing of that can be looked up. But whatever a peer does ends, so once all
 * that had begun before some moment has ended, nothing that was read before is in anybody's hands. And what it sends
 * carries the number of its session: it begins a new one, lets what was begun in the old one end, and has every other
 * member discard whatever of the old comes late. (The idea of a grace period is that of read-copy-update.) What an
 * earlier process of this peer has sent is gone with its links, which a link of this process ends.
 */
import type { Bytes } from '../data/bytes.ts'
import { equalBytes } from '../data/bytes.ts'
import { RingletError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Request } from '../protocol/message.ts'
import type { ReapingRules } from '../protocol/reaping.ts'
import { askReaping } from './ask-reaping.ts'
import { isFailure } from './failure.ts'
import type { World } from './world.ts'

/** In whose life, and how often it had begun anew, a message was sent. */
export interface Session {
  readonly life: Bytes
  readonly number: number
}

/** One way through: what had begun ends, twice, and then the others are told. */
type Sweep =
  | { readonly stage: 'first' | 'second'; readonly since: number }
  | { readonly stage: 'telling'; readonly told: Set<PeerId> }

/** What carries something that was written, or asks for it to be written. */
const stamped: ReadonlySet<Request['type']> = new Set([
  'replicate',
  'put',
  'deliver',
  'handoff',
  'exchange',
])

/** The work of reaping itself carries nothing but tombstones, and must not wait for itself. */
export const reapingLabel = 'reap'

export class Sessions {
  readonly #world: World
  readonly #rules: ReapingRules
  readonly #life: Bytes
  #number = 1
  /** What has begun and not ended, each by its number, in the order in which it began. */
  readonly #running = new Set<number>()
  #begun = 0
  #sweep: Sweep | undefined
  #wanted = 0
  #started = 0
  #done = 0
  #telling = false
  /** The newest session of each sender, as it has said itself. */
  readonly #newest = new Map<PeerId, Session>()

  constructor(world: World, rules: ReapingRules) {
    this.#world = world
    this.#rules = rules
    this.#life = world.random.bytes(8)
  }

  /** Something begins that may hold what it reads; the result ends it. */
  begin(): () => void {
    const number = ++this.#begun
    this.#running.add(number)
    return () => void this.#running.delete(number)
  }

  /** Work that was asked for from outside. */
  async during<T>(work: Promise<T>): Promise<T> {
    const end = this.begin()
    try {
      return await work
    } finally {
      end()
    }
  }

  stamp(request: Request): Request {
    if (!stamped.has(request.type)) return request
    return { ...request, session: { life: this.#life, number: this.#number } } as Request
  }

  /** Throws where this was sent in a session that its sender has said to be over. */
  check(from: PeerId, request: Request): void {
    const session = stamped.has(request.type) && 'session' in request ? request.session : undefined
    const newest = this.#newest.get(from)
    if (session === undefined || newest === undefined) return
    if (!equalBytes(session.life, newest.life)) return
    if (this.#rules.isCurrent(session.number, newest.number)) return
    throw new RingletError('closed', 'sent in a session that is over')
  }

  /** A sender says that what it sent in earlier sessions than this is to be discarded. */
  hear(from: PeerId, said: Session): void {
    const known = this.#newest.get(from)
    const isOlder =
      known !== undefined && equalBytes(known.life, said.life) && known.number >= said.number
    if (!isOlder) this.#newest.set(from, { life: said.life.slice(), number: said.number })
  }

  /** Asks for a sweep that begins from now on; `isDone` of the result says when it is over. */
  want(): number {
    this.#wanted = Math.max(this.#wanted, this.#started + 1)
    return this.#wanted
  }

  isDone(sweep: number): boolean {
    return this.#done >= sweep
  }

  /** Who has not promised yet to discard what was sent, where that is all that is left to wait for. */
  get waitsFor(): PeerId | undefined {
    const sweep = this.#sweep
    return sweep?.stage === 'telling' ? this.#untold(sweep.told)[0] : undefined
  }

  /** Goes as far as it can. */
  tick(): void {
    if (this.#sweep === undefined) {
      if (this.#wanted <= this.#started) return
      this.#started++
      this.#sweep = { stage: 'first', since: this.#begun }
    }
    if (this.#sweep.stage === 'first' && this.#hasEnded(this.#sweep.since)) {
      // What goes on meanwhile is younger than the question; from here on it is sent in a session of its own.
      this.#number++
      this.#sweep = { stage: 'second', since: this.#begun }
    }
    if (this.#sweep.stage === 'second' && this.#hasEnded(this.#sweep.since)) {
      this.#sweep = { stage: 'telling', told: new Set() }
    }
    if (this.#sweep.stage === 'telling') this.#tell(this.#sweep.told)
  }

  /** Whether all that had begun by then is over. */
  #hasEnded(since: number): boolean {
    if (!this.#rules.waitsForWork()) return true
    const [oldest] = this.#running
    return oldest === undefined || oldest > since
  }

  #tell(told: Set<PeerId>): void {
    const untold = this.#rules.waitsForOthers() ? this.#untold(told) : []
    if (untold.length === 0) {
      this.#done = this.#started
      this.#sweep = undefined
    } else if (!this.#telling) {
      this.#telling = true
      const work = this.#tellEach(untold, told).finally(() => {
        this.#telling = false
      })
      this.#world.tasks.run(reapingLabel, work)
    }
  }

  async #tellEach(untold: readonly PeerId[], told: Set<PeerId>): Promise<void> {
    const { links, limits } = this.#world
    const session = { life: this.#life, number: this.#number }
    await Promise.all(
      untold.map(async (peer) => {
        if (links.isSuspect(peer)) return
        const news = { type: 'session', session } as const
        const reply = await askReaping(this.#world, peer, news, 'done', limits.ownerMs)
        if (!isFailure(reply)) told.add(peer)
      }),
    )
  }

  #untold(told: ReadonlySet<PeerId>): PeerId[] {
    const { self } = this.#world
    const peers = this.#world.view().members.map(({ record }) => record.peer)
    return peers.filter((peer) => peer !== self && !told.has(peer))
  }
}
