/**
 * What a member does for another's round of reaping: it takes the tombstones in, keeps them, and says when it has settled.
 *
 * Until the round is over, a tombstone that was lent meets whatever comes of its key, also where this peer has no record of
 * it, or loses the one it had. It is kept in memory alone: one that starts anew has broken the round, knows nothing of it,
 * and says so, before anybody has dropped anything. A loan goes when its asker ends the round or begins another, or is no
 * member any more; never because time has passed, for the asker would go on counting on it.
 */
import { type Bytes, equalBytes } from '../data/bytes.ts'
import type { Digest } from '../data/hash.ts'
import { type Key, showKey } from '../data/key.ts'
import { type ObjectState, stateDigest, sync } from '../data/siblings.ts'
import { type Dot, highest, type Seen } from '../data/vector.ts'
import { RingletError } from '../protocol/errors.ts'
import { limits as defaultLimits } from '../protocol/limits.ts'
import type { PeerId } from '../protocol/membership.ts'
import { generationsIn, hasStrangers } from '../protocol/reaping.ts'
import type { ReapingReplyOf, ReapingRequest } from '../protocol/reaping-message.ts'
import { placementIn } from '../protocol/placement.ts'
import { encode } from '../protocol/codec.ts'
import { remembered, storageKeys } from '../protocol/record.ts'
import { absorb } from './absorb.ts'
import type { Records } from './records.ts'
import type { Sessions } from './sessions.ts'
import type { MemberWorld } from './world.ts'

type Asked<T extends ReapingRequest['type']> = Extract<ReapingRequest, { type: T }>

interface Lent {
  readonly key: Key
  readonly state: ObjectState
  readonly digest: Digest
  readonly sinceMs: number
  /** What is to go: the whole key, or these entries. Undefined: nothing, by what this peer knows; it is not kept here. */
  readonly goes: 'key' | Seen | undefined
}

interface Loan {
  readonly life: Bytes
  readonly round: number
  readonly items: readonly Lent[]
  /** The sweep that must be over, once the asker has said that all have the tombstones. */
  sweep: number | undefined
}

export class Loans {
  readonly #world: MemberWorld
  readonly #records: Records
  readonly #sessions: Sessions
  readonly #awakeMs: () => number
  readonly #loans = new Map<PeerId, Loan>()
  /** Of each asker, the newest round that was ever heard of. */
  readonly #newest = new Map<PeerId, Pick<Loan, 'life' | 'round'>>()
  /** By key: the loans of it, of one asker mostly. */
  readonly #byKey = new Map<string, Set<Lent>>()

  constructor(world: MemberWorld, records: Records, sessions: Sessions, awakeMs: () => number) {
    this.#world = world
    this.#records = records
    this.#sessions = sessions
    this.#awakeMs = awakeMs
    records.lentOf = (key) => this.of(key)
  }

  /** The tombstone, or whatever was lent, that stands in for what this peer may not have of the key. */
  of(key: Key): ObjectState | undefined {
    const lent = this.#byKey.get(key.text)
    if (lent === undefined) return undefined
    const now = this.#world.clock.elapsed()
    let together: ObjectState | undefined
    for (const { state, sinceMs } of lent) {
      if (!this.#world.reaping.keepsLent(now - sinceMs)) continue
      together = together === undefined ? state : sync(together, state)
    }
    return together
  }

  async lend(from: PeerId, asked: Asked<'lend'>): Promise<ReapingReplyOf<'lent'>> {
    const { life, round, items, entries = false } = asked
    const view = this.#world.view().digest
    const { batchItems } = defaultLimits
    if (items.length > batchItems) {
      throw new RingletError('bad-argument', `${items.length} tombstones in one round`)
    }
    // A copy that comes late must neither end the round of now nor bring its tombstones back.
    if (this.#isOver(from, life, round)) return { type: 'lent', held: [], view }
    const sinceMs = this.#world.clock.elapsed()
    const lent = items.map(({ key, state }) => {
      const goes = entries ? this.#deadEntries(state) : this.#deadKey(state)
      return { key, state, digest: stateDigest(key.bytes, state), sinceMs, goes }
    })
    this.#end(from)
    // Kept before anything is awaited: whatever comes from now on meets it.
    const loan = { life: life.slice(), round, items: lent, sweep: undefined }
    this.#loans.set(from, loan)
    this.#newest.set(from, loan)
    for (const each of lent) {
      if (each.goes === undefined) continue
      const known = this.#byKey.get(each.key.text) ?? new Set()
      this.#byKey.set(each.key.text, known.add(each))
    }
    const takes = await Promise.all(lent.map((each) => this.#take(each)))
    const held = takes.flatMap((taken, i) => (taken ? [i] : []))
    return { type: 'lent', held, view }
  }

  async settle(from: PeerId, { life, round }: Asked<'settle'>): Promise<ReapingReplyOf<'settled'>> {
    const loan = this.#loanOf(from, life, round)
    const view = this.#world.view().digest
    if (loan === undefined) {
      return { type: 'settled', view, known: false, clean: false, moved: [], waitsFor: undefined }
    }
    loan.sweep ??= this.#sessions.want()
    const clean = this.#sessions.isDone(loan.sweep)
    const stands = await Promise.all(loan.items.map((lent) => this.#isOwnedAsLent(lent)))
    const moved = stands.flatMap((isSame, i) => (isSame ? [] : [i]))
    const known = this.#loans.get(from) === loan
    const waitsFor = clean ? undefined : this.#sessions.waitsFor
    return { type: 'settled', view, known, clean, moved, waitsFor }
  }

  /** Drops what has not moved, and lends for this round no more. */
  async reap(from: PeerId, { life, round, keys }: Asked<'reap'>): Promise<void> {
    const loan = this.#loanOf(from, life, round)
    if (loan === undefined) return
    const agreed = keys.flatMap((i) => loan.items[i] ?? [])
    await Promise.all(agreed.map((lent) => this.#letGo(lent)))
    if (this.#loans.get(from) === loan) this.#end(from)
  }

  /** What those have lent who are no members any more is nobody's. */
  tick(): void {
    const { byPeer } = this.#world.view()
    for (const asker of this.#newest.keys()) {
      if (byPeer.has(asker)) continue
      this.#end(asker)
      this.#newest.delete(asker)
    }
  }

  /** Whether an edge may still bring back what this record covers. */
  mayComeAgain(state: ObjectState, risenMs = 0): boolean {
    const { reaping, limits, view } = this.#world
    if (!hasStrangers(state.seen.keys(), generationsIn(view()))) return false
    return reaping.mayComeAgain(this.#awakeMs() - risenMs, limits.evictAfterMs)
  }

  #deadKey(state: ObjectState): 'key' | undefined {
    const { reaping, clock } = this.#world
    return reaping.agreesDead(state, clock.now()) ? 'key' : undefined
  }

  #deadEntries(state: ObjectState): Seen | undefined {
    const { reaping, view } = this.#world
    const dead = reaping.deadEntries(state, generationsIn(view()))
    return dead.size === 0 ? undefined : dead
  }

  async #take(lent: Lent): Promise<boolean> {
    const { key, state, goes } = lent
    if (goes === undefined || this.#records.doubts.has(key)) return false
    if (this.#isOwner(key)) await absorb(this.#world, this.#records, key, state, 'as owner')
    return this.#stands(lent)
  }

  /**
   * Whether an owner holds this and no more; of a key that lives, whether nothing has come to the entries that are to go.
   * Whatever else comes to who is no owner meets what was lent.
   */
  async #isOwnedAsLent({ key, digest, goes }: Lent): Promise<boolean> {
    if (!this.#isOwner(key)) return true
    const { state, risenMs, ...held } = await this.#records.read(key)
    const isSame =
      typeof goes === 'object'
        ? this.#world.reaping.holdsAsAgreed(state, goes)
        : equalBytes(held.digest, digest)
    return isSame && !this.mayComeAgain(state, risenMs)
  }

  /** Whether this is all that is held of the key; where it is not owned, nothing, and nothing is owed of it. */
  async #stands(lent: Lent): Promise<boolean> {
    const { key } = lent
    if (this.#isOwner(key)) return this.#isOwnedAsLent(lent)
    const [record, marker] = await this.#world.storage.getMany([
      storageKeys.object(key),
      storageKeys.marker(key),
    ])
    return record === undefined && marker === undefined
  }

  async #letGo(lent: Lent): Promise<void> {
    const { goes } = lent
    if (goes === 'key') await this.#drop(lent)
    else if (goes !== undefined) await this.#shorten(lent, goes)
  }

  /** Drops these entries, in one step, as far as they have not moved. */
  async #shorten({ key }: Lent, agreed: Seen): Promise<void> {
    const { reaping, say, clock, limits, tasks } = this.#world
    const count = await this.#records.change(key, ({ found }) => {
      const state = this.#isOwner(key) ? reaping.withoutEntries(found.state, agreed) : found.state
      if (state === found.state) return { result: 0 }
      return { result: found.state.seen.size - state.seen.size, state, silent: true }
    })
    if (count === 0) return
    this.#records.shortened.note(key, agreed)
    say({ type: 'shortened', key: showKey(key), detail: `${count} entries` })
    // Who heard of it at once would ask, and owners that lag behind would tell the others again what these let go.
    clock.after(limits.ownerMs, () => tasks.run('tell', this.#records.tell(key)))
  }

  async #drop({ key, state, digest }: Lent): Promise<void> {
    const { reaping, say, clock, limits } = this.#world
    // A put that is asked for again within this time must not be made whole again from its request.
    const note = { dot: anyDot(state), at: clock.now() + limits.requestMemoryMs }
    const writes = [{ key: storageKeys.forgotten(key), value: encode(remembered, note) }]
    const dropped = await this.#records.letGo(key, ({ object }) => {
      const isSame = this.#isOwner(key) && reaping.mayDrop(object.digest, digest)
      return isSame ? { result: true, drop: true, writes } : { result: false, writes }
    })
    if (dropped) say({ type: 'reaped', key: showKey(key) })
  }

  #isOwner(key: Key): boolean {
    const { owners } = placementIn(this.#world.view(), key.position)
    return owners.includes(this.#world.self)
  }

  #loanOf(from: PeerId, life: Bytes, round: number): Loan | undefined {
    const loan = this.#loans.get(from)
    if (loan === undefined || loan.round !== round) return undefined
    return equalBytes(loan.life, life) ? loan : undefined
  }

  /** Whether this asker has begun a later round since, or ended this one. */
  #isOver(from: PeerId, life: Bytes, round: number): boolean {
    const newest = this.#newest.get(from)
    if (newest === undefined || !equalBytes(newest.life, life)) return false
    return round < newest.round || (round === newest.round && !this.#loans.has(from))
  }

  #end(from: PeerId): void {
    for (const lent of this.#loans.get(from)?.items ?? []) {
      const all = this.#byKey.get(lent.key.text)
      all?.delete(lent)
      if (all?.size === 0) this.#byKey.delete(lent.key.text)
    }
    this.#loans.delete(from)
  }
}

/** Some dot of what was seen: a note names one. */
function anyDot({ seen }: ObjectState): Dot {
  const [actor] = seen.keys()
  return { actor: actor!, counter: highest(seen, actor!) }
}
