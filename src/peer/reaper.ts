/**
 * Reaping: the first owner of deleted keys asks all members whether their tombstones may go, a batch a round.
 *
 * A round is voided by whoever does not answer, has started anew, or sees other members; nothing has happened then, and
 * the next round begins from nothing. So a member that is away for long keeps tombstones alive, and is named. What may be
 * concluded from the answers stands in `protocol/reaping.ts`.
 */
import type { Bytes } from '../data/bytes.ts'
import { type Key, showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { encode } from '../protocol/codec.ts'
import type { PeerId } from '../protocol/membership.ts'
import { placementOf } from '../protocol/placement.ts'
import { generationsIn, isDead } from '../protocol/reaping.ts'
import type { ReapingReplyOf, ReapingRequest } from '../protocol/reaping-message.ts'
import { entriesInRecord, isDeadRecord, keyOfStored, shelfRange } from '../protocol/record.ts'
import { state as stateCodec } from '../protocol/state.ts'
import { askReaping } from './ask-reaping.ts'
import { type Failure, isFailure } from './failure.ts'
import type { Loans } from './loans.ts'
import type { Records } from './records.ts'
import { reapingLabel } from './sessions.ts'
import { single } from './tasks.ts'
import type { MemberWorld } from './world.ts'

interface Item {
  readonly key: Key
  readonly state: ObjectState
}

/** What a round is about: deleted keys, or keys that live and have seen the writes of many. */
type Kind = 'keys' | 'entries'

/** A round under way. */
interface Round {
  readonly id: { readonly life: Bytes; readonly round: number }
  readonly view: string
  readonly members: readonly PeerId[]
  readonly kind: Kind
  readonly items: readonly Item[]
  /** By their places: those that all members still hold as they were lent. */
  left: ReadonlySet<number>
}

/** So many records are read at one time; each may be large. */
const sliceLength = 32
/** And so many bytes in one round. */
const mostBytes = 4 * 1024 * 1024

export class Reaper {
  /** The member that the last round waited for in vain, or that this one waits for. */
  waitsFor: PeerId | undefined
  readonly #world: MemberWorld
  readonly #records: Records
  readonly #loans: Loans
  readonly #life: Bytes
  readonly #round: () => void
  #rounds = 0
  #due: number
  /** Deleted lately: what is not forgotten by the next round, the search finds again. */
  readonly #lately = new Map<string, Key>()
  /** The last word of a round, for those who have not heard it. */
  readonly #endings = new Map<PeerId, ReapingRequest>()
  /** Where the search for tombstones goes on. */
  #cursor = shelfRange('object').from
  #isClosed = false
  #wake = (): void => {}

  constructor(world: MemberWorld, records: Records, loans: Loans) {
    this.#world = world
    this.#records = records
    this.#loans = loans
    this.#life = world.random.bytes(8)
    this.#due = this.#pause()
    this.#round = single(world.tasks, reapingLabel, () => this.#reap())
    records.onChange((key, state) => {
      const hasRoom = this.#lately.size < world.limits.reapScan
      const isLong = state.seen.size > world.limits.vectorEntries
      if (hasRoom && (isLong || isDead(state, world.clock.now()))) this.#lately.set(key.text, key)
    })
  }

  tick(): void {
    const { clock } = this.#world
    if (clock.elapsed() < this.#due) return
    this.#due = clock.elapsed() + this.#pause()
    this.#round()
  }

  close(): void {
    this.#isClosed = true
    this.#wake()
  }

  #pause(): number {
    const { limits, random } = this.#world
    return limits.reapMs * (0.5 + random.fraction())
  }

  async #reap(): Promise<void> {
    await this.#endRounds()
    const { reaping, self, view } = this.#world
    const own = view().byPeer.get(self)
    if (own === undefined || !reaping.mayBegin(own.record, this.#world.isAlone())) return
    const found = await this.#find()
    if (found.keys.length + found.entries.length === 0) this.waitsFor = undefined
    for (const kind of ['keys', 'entries'] as const) {
      if (found[kind].length > 0 && !this.#isClosed) await this.#goRound(kind, found[kind])
    }
  }

  async #goRound(kind: Kind, items: readonly Item[]): Promise<void> {
    const view = this.#world.view()
    const members = this.#world.reaping.askedOf(view)
    // Who does not answer anyway need not be asked, nor all others in vain.
    this.waitsFor = members.find((peer) => this.#world.links.isSuspect(peer))
    if (this.waitsFor !== undefined) return
    const id = { life: this.#life, round: ++this.#rounds }
    const left = new Set(items.keys())
    const round = { id, view: view.digest, members, kind, items, left }
    const isSettled = (await this.#lend(round)) && (await this.#settle(round))
    // What it has lent goes with its next life; nobody is kept waiting for that.
    if (this.#isClosed) return
    const keys = isSettled ? [...round.left] : []
    for (const peer of members) this.#endings.set(peer, { type: 'reap', ...id, keys })
    await this.#endRounds()
    if (kind === 'entries') return
    for (const i of keys) this.#world.say({ type: 'reaping', key: showKey(items[i]!.key) })
  }

  /** Told again until it is heard: a round that is over leaves no tombstones behind. */
  async #endRounds(): Promise<void> {
    const endings = [...this.#endings]
    await Promise.all(
      endings.map(async ([peer, ending]) => {
        if (this.#world.links.isSuspect(peer)) return
        const isHeard = !isFailure(await this.#ask(peer, ending, 'done'))
        if (isHeard && this.#endings.get(peer) === ending) this.#endings.delete(peer)
      }),
    )
  }

  /** Everybody takes the tombstones in; what somebody cannot is left for another round. */
  async #lend(round: Round): Promise<boolean> {
    const answers = await this.#askEach(
      round,
      { type: 'lend', ...round.id, items: round.items, entries: round.kind === 'entries' },
      'lent',
    )
    if (answers === undefined || answers.some(({ view }) => view !== round.view)) return false
    const lists = answers.map((answer) => new Set(answer.held))
    const left = [...round.left].filter((i) => {
      const held = lists.filter((list) => list.has(i)).length
      return this.#world.reaping.isHeldByAll(held, lists.length)
    })
    round.left = new Set(left)
    return round.left.size > 0
  }

  /** Asked only once all have the tombstones, and asked again until all have settled. */
  async #settle(round: Round): Promise<boolean> {
    const { reaping, limits } = this.#world
    let clean = 0
    while (!this.#isClosed) {
      const answers = await this.#askEach(round, { type: 'settle', ...round.id }, 'settled')
      if (answers === undefined) return false
      const moved = new Set(answers.flatMap((answer) => answer.moved))
      round.left = new Set([...round.left].filter((i) => !moved.has(i)))
      const standing = reaping.standingOf(this.#world.view().digest, answers)
      if (standing === 'over' || round.left.size === 0) return false
      clean = standing === 'clean' ? clean + 1 : 0
      this.waitsFor = answers.find(({ waitsFor }) => waitsFor !== undefined)?.waitsFor
      if (clean >= reaping.passesNeeded()) return this.#world.view().digest === round.view
      if (clean === 0) await this.#sleep(limits.reapPollMs)
    }
    return false
  }

  /** What every member answers; undefined as soon as one has not, who is then the one to wait for. */
  async #askEach<T extends 'lent' | 'settled' | 'done'>(
    { members }: Round,
    request: ReapingRequest,
    expected: T,
  ): Promise<readonly ReapingReplyOf<T>[] | undefined> {
    const replies = await Promise.all(members.map((peer) => this.#ask(peer, request, expected)))
    const silent = replies.findIndex((reply) => isFailure(reply))
    if (silent === -1) return replies as ReapingReplyOf<T>[]
    this.waitsFor = members[silent]
    return undefined
  }

  async #ask<T extends 'lent' | 'settled' | 'done'>(
    peer: PeerId,
    request: ReapingRequest,
    expected: T,
  ): Promise<ReapingReplyOf<T> | Failure> {
    const { self, limits } = this.#world
    if (peer === self) return (await this.#serveSelf(request)) as ReapingReplyOf<T>
    return askReaping(this.#world, peer, request, expected, limits.requestMs)
  }

  async #serveSelf(request: ReapingRequest): Promise<unknown> {
    const { self } = this.#world
    if (request.type === 'lend') return this.#loans.lend(self, request)
    if (request.type === 'settle') return this.#loans.settle(self, request)
    if (request.type === 'reap') await this.#loans.reap(self, request)
    return { type: 'done' }
  }

  /** The next keys whose first owner this peer is, and of which something may go: as many as one message takes. */
  async #find(): Promise<Record<Kind, Item[]>> {
    const { limits } = this.#world
    const found: Record<Kind, Item[]> = { keys: [], entries: [] }
    const met = new Set<string>()
    let bytes = 0
    for await (const key of this.#noticed()) {
      if (met.has(key.text)) continue
      const [kind, item] = (await this.#itemOf(key)) ?? []
      if (kind === undefined || item === undefined) continue
      met.add(key.text)
      found[kind].push(item)
      bytes += encode(stateCodec, item.state).length + key.bytes.length
      if (met.size >= limits.batchItems || bytes >= limits.batchBytes) break
    }
    return found
  }

  /** What was deleted lately or has become long, and then what a part of the store shows to be so. */
  async *#noticed(): AsyncGenerator<Key> {
    for (const [text, key] of this.#lately) {
      this.#lately.delete(text)
      yield key
    }
    const { storage, limits, clock } = this.#world
    const { from, to } = shelfRange('object')
    const nowMs = clock.now()
    let bytes = 0
    for (let read = 0; read < limits.reapScan && bytes < mostBytes; read += sliceLength) {
      const slice = await storage.range(this.#cursor, to, sliceLength)
      for (const { key: storedKey, value } of slice) {
        this.#cursor = Uint8Array.of(...storedKey, 0)
        bytes += value.length
        const isLong = entriesInRecord(value) > limits.vectorEntries
        if (isLong || isDeadRecord(value, nowMs)) yield keyOfStored(storedKey)
      }
      if (slice.length < sliceLength) {
        this.#cursor = from
        return
      }
    }
  }

  async #itemOf(key: Key): Promise<readonly [Kind, Item] | undefined> {
    const { self, view, clock, limits, reaping } = this.#world
    const [first] = placementOf(view().ring, key.position).owners
    if (first !== self) return undefined
    const { state, risenMs } = await this.#records.read(key)
    if (this.#loans.mayComeAgain(state, risenMs)) return undefined
    if (isDead(state, clock.now())) return ['keys', { key, state }]
    if (state.seen.size <= limits.vectorEntries) return undefined
    const dead = reaping.deadEntries(state, generationsIn(view()))
    return dead.size === 0 ? undefined : ['entries', { key, state }]
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#world.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}
