/**
 * Hinted handoff: what this peer holds and does not own, it owes to every present owner (paper §4.6).
 *
 * A marker beside the record names the owners that still lack it. When one answers, states go to it in batches; its
 * answer counts once it is durable there, under the generation that the view knows. The marker shrinks only if the
 * state has not moved meanwhile, and the record goes when nobody is owed any more. What a lost marker would forget is
 * derived again: at every start, and whenever the view changes.
 */
import type { Digest } from '../data/hash.ts'
import { type Key, showKey } from '../data/key.ts'
import { type ObjectState, weightOf } from '../data/siblings.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Request } from '../protocol/message.ts'
import { placementIn } from '../protocol/placement.ts'
import { keyOfStored, shelfRange } from '../protocol/record.ts'
import { ask } from './ask.ts'
import { type Failure, isFailure } from './failure.ts'
import { readMarker, type Records } from './records.ts'
import { slices } from './slices.ts'
import { single } from './tasks.ts'
import type { MemberWorld } from './world.ts'

interface Owed {
  readonly key: Key
  readonly state: ObjectState
  readonly digest: Digest
}

/** Each record may be large. */
const readAtOnce = 8

/** How a batch was taken: not at all, in part, or whole. */
type Taken = 'no answer' | 'in part' | 'whole'

export class Handoff {
  readonly #world: MemberWorld
  readonly #records: Records
  readonly #round: () => void
  /** The view that all markers were last derived from. */
  #derived = ''
  #due = 0
  /** Until when a target that would not take its due is left alone, by awake time. */
  readonly #resting = new Map<PeerId, number>()

  constructor(world: MemberWorld, records: Records) {
    this.#world = world
    this.#records = records
    this.#round = single(world.tasks, 'handoff', async () => {
      await this.#derive()
      await this.#drain()
    })
  }

  /** Offers what is owed to whoever answers, unless the last round still runs. */
  tick(): void {
    const { clock, limits } = this.#world
    if (clock.elapsed() < this.#due) return
    this.#due = clock.elapsed() + limits.handoffMs
    this.#round()
  }

  /** A peer is back: what it is owed goes to it at the next tick. */
  soon(peer: PeerId): void {
    this.#resting.delete(peer)
    this.#due = 0
  }

  /** Whether all that this peer owes is known to it, by the view of this instant. */
  get isDerived(): boolean {
    const { rules, view } = this.#world
    return rules.isDerived(this.#derived, view().digest) && this.#records.foreign.isCounted
  }

  /** How many keys this peer owes to somebody. */
  async count(): Promise<number> {
    let count = 0
    for await (const slice of slices(this.#world.storage, shelfRange('marker'))) {
      count += slice.length
    }
    return count
  }

  /** Who is owed what follows from the view: a new view, or a new generation of an owner, is a new debt. */
  async #derive(): Promise<void> {
    const { digest } = this.#world.view()
    const { rules, storage } = this.#world
    const { foreign } = this.#records
    if (rules.isDerived(this.#derived, digest) && foreign.isCounted) return
    this.#resting.clear()
    // What it holds and owns it owes to nobody: only a marker left from another view would have to go.
    for await (const slice of slices(storage, shelfRange('marker'))) {
      await this.#oweAllAnew(slice.map((entry) => keyOfStored(entry.key)))
    }
    foreign.beginCount()
    // What was decided under the view before may still be queued, and the scan must meet it: wait for its turn.
    await storage.update([], () => ({ writes: [], result: undefined }))
    for await (const slice of slices(storage, shelfRange('object'))) {
      const keys = slice.map((entry) => keyOfStored(entry.key))
      await this.#oweAllAnew(keys.filter((key) => this.#debt(key).length > 0))
      foreign.passTo(slice.at(-1)!.key)
    }
    if (foreign.endCount()) this.#derived = digest
  }

  /** A slice at a time, which becomes durable in one go. */
  async #oweAllAnew(keys: readonly Key[]): Promise<void> {
    await Promise.all(keys.map((key) => this.#oweAnew(key)))
  }

  async #drain(): Promise<void> {
    for await (const slice of slices(this.#world.storage, shelfRange('marker'))) {
      const byTarget = new Map<PeerId, Key[]>()
      for (const { key: storedKey, value } of slice) {
        const key = keyOfStored(storedKey)
        for (const target of await this.#targets(key, readMarker(value))) {
          const keys = byTarget.get(target) ?? []
          keys.push(key)
          byTarget.set(target, keys)
        }
      }
      for (const [target, keys] of byTarget) {
        if (this.#mayTake(target)) await this.#pay(target, keys)
      }
    }
  }

  /** Whom a marker names. One that cannot be read, or names a stranger, is written anew from the view. */
  async #targets(key: Key, owed: readonly PeerId[] | undefined): Promise<readonly PeerId[]> {
    const due = this.#debt(key)
    if (owed !== undefined && owed.length > 0 && owed.every((peer) => due.includes(peer)))
      return owed
    await this.#oweAnew(key)
    return due
  }

  #mayTake(target: PeerId): boolean {
    const { clock, links } = this.#world
    return !links.isSuspect(target) && clock.elapsed() >= (this.#resting.get(target) ?? 0)
  }

  async #pay(target: PeerId, keys: readonly Key[]): Promise<void> {
    const { clock, limits } = this.#world
    for (let at = 0; at < keys.length;) {
      const items = await this.#batch(keys.slice(at, at + limits.batchItems))
      at += items.length
      const taken = await this.#send(target, items)
      if (taken !== 'whole') this.#resting.set(target, clock.elapsed() + limits.handoffRestMs)
      if (taken === 'no answer') return
    }
  }

  /** The first of these keys, as many as fit into a batch; what is large goes alone. */
  async #batch(keys: readonly Key[]): Promise<readonly Owed[]> {
    const { batchBytes } = this.#world.limits
    const items: Owed[] = []
    let weight = 0
    for (let at = 0; at < keys.length; at += readAtOnce) {
      const some = keys.slice(at, at + readAtOnce)
      const read = await Promise.all(some.map((key) => this.#records.read(key)))
      for (const [i, { state, digest }] of read.entries()) {
        if (items.length > 0 && weight + weightOf(state) > batchBytes) return items
        items.push({ key: some[i]!, state, digest })
        weight += weightOf(state)
      }
    }
    return items
  }

  async #send(target: PeerId, items: readonly Owed[]): Promise<Taken> {
    const { rules } = this.#world
    const reply = await this.#offer(target, items)
    const answered = !isFailure(reply)
    const taken = items.map((_, i) => answered && reply[i] === true)
    const paid = items.filter((_, i) => rules.debtAfter([target], target, taken[i]!).length === 0)
    await Promise.all(paid.map((item) => this.#settle(item, target)))
    if (!answered) return 'no answer'
    return taken.includes(false) ? 'in part' : 'whole'
  }

  /** Which of these the target has durably now, under the generation that the view knows. */
  async #offer(
    target: PeerId,
    items: readonly { readonly key: Key; readonly state: ObjectState }[],
  ): Promise<readonly boolean[] | Failure> {
    const request: Request = { type: 'handoff', items }
    const options = { lane: 'background', deadlineMs: this.#world.limits.requestMs } as const
    const reply = await this.#world.pace.background(() => {
      return ask(this.#world, target, request, 'taken', options)
    })
    if (isFailure(reply)) return reply
    const present = this.#world.view().byPeer.get(target)?.record.generation
    return items.map((_, i) => reply.generation === present && reply.taken[i] === true)
  }

  /** The target has it durably: one debt less, and with the last one the copy goes. */
  async #settle({ key, digest }: Owed, target: PeerId): Promise<void> {
    const { rules } = this.#world
    const settled = await this.#records.letGo<'moved' | 'paid' | 'dropped'>(key, (held) => {
      const { found, owed: before } = held
      if (before === undefined || !rules.isUnmoved(found.digest, digest)) {
        return { result: 'moved' }
      }
      const owed = rules.debtAfter(before, target, true)
      // Under the view of this instant, and only if the marker was derived from that view.
      const current = this.#derived === this.#world.view().digest
      const done = owed.length === 0 && current && this.#debt(key).length > 0
      if (done) return { result: 'dropped', drop: true }
      return { result: 'paid', owed: owed.length === 0 ? this.#debt(key) : owed }
    })
    // The target has an older state: the newer one is owed to it still.
    if (settled === 'moved') return
    this.#world.say({ type: 'hint-drained', key: showKey(key), to: target })
    if (settled === 'dropped') this.#world.say({ type: 'hint-dropped', key: showKey(key) })
  }

  #oweAnew(key: Key): Promise<void> {
    return this.#records.change(key, () => ({ result: undefined, owed: this.#debt(key) }))
  }

  /** Whom this peer owes the key under the view of this instant. */
  #debt(key: Key): readonly PeerId[] {
    const { self, rules, view } = this.#world
    return rules.debtOf(self, placementIn(view(), key.position).owners)
  }
}
