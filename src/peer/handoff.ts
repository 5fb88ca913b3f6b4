/**
 * Hinted handoff: what this peer holds and does not own, it owes to every present owner (paper §4.6).
 *
 * A marker beside the record names the owners that still lack it. When one answers, states go to it in batches; its
 * answer counts once it is durable there, under the generation that the view knows. The marker shrinks only if the
 * state has not moved meanwhile, and the record goes when nobody is owed any more. What a lost marker would forget is
 * derived again: at every start, and whenever the view changes.
 */
import { equalBytes } from '../data/bytes.ts'
import type { Digest } from '../data/hash.ts'
import { type Key, showKey } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { decode } from '../protocol/codec.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Request } from '../protocol/message.ts'
import { placementOf } from '../protocol/placement.ts'
import { keyOfStored, marker, shelfRange } from '../protocol/record.ts'
import { ask, isFailure } from './ask.ts'
import type { Records } from './records.ts'
import { slices } from './slices.ts'
import { single } from './tasks.ts'
import type { World } from './world.ts'

interface Owed {
  readonly key: Key
  readonly state: ObjectState
  readonly digest: Digest
}

export class Handoff {
  readonly #world: World
  readonly #records: Records
  #derived = ''
  /** Offers what is owed to whoever answers, unless the last round still runs. */
  readonly tick: () => void

  constructor(world: World, records: Records) {
    this.#world = world
    this.#records = records
    this.tick = single(world.tasks, 'handoff', async () => {
      await this.#derive()
      await this.#drain()
    })
  }

  /** How many keys this peer owes to somebody. */
  async count(): Promise<number> {
    let count = 0
    for await (const slice of slices(this.#world.storage, shelfRange('marker')))
      count += slice.length
    return count
  }

  /** Who is owed what follows from the view: a new view, or a new generation of an owner, is a new debt. */
  async #derive(): Promise<void> {
    const view = this.#world.view()
    if (view.digest === this.#derived) return
    const owedBy = (key: Key): readonly PeerId[] => {
      const { owners } = placementOf(view.ring, key.position)
      return this.#world.rules.debtOf(this.#world.self, owners)
    }
    for (const shelf of ['object', 'marker'] as const) {
      for await (const slice of slices(this.#world.storage, shelfRange(shelf))) {
        for (const key of slice.map((entry) => keyOfStored(entry.key))) {
          const owed = owedBy(key)
          // What it holds and owns it owes to nobody: only a marker left from another view would have to go.
          if (owed.length === 0 && shelf === 'object') continue
          await this.#records.change(key, () => ({ result: undefined, owed }))
        }
      }
    }
    this.#derived = view.digest
  }

  async #drain(): Promise<void> {
    for await (const slice of slices(this.#world.storage, shelfRange('marker'))) {
      const byTarget = new Map<PeerId, Key[]>()
      for (const { key: storedKey, value } of slice) {
        const key = keyOfStored(storedKey)
        for (const target of decode(marker, value)) {
          if (target === this.#world.self) continue
          const keys = byTarget.get(target) ?? []
          byTarget.set(target, [...keys, key])
        }
      }
      for (const [target, keys] of byTarget) {
        if (!this.#world.links.isSuspect(target)) await this.#pay(target, keys)
      }
    }
  }

  async #pay(target: PeerId, keys: readonly Key[]): Promise<void> {
    const { limits } = this.#world
    for (let at = 0; at < keys.length;) {
      const items: Owed[] = []
      let weight = 0
      while (at < keys.length && items.length < limits.batchItems && weight < limits.batchBytes) {
        const key = keys[at++]!
        const { state, digest } = await this.#records.read(key)
        items.push({ key, state, digest })
        for (const { value } of state.siblings) weight += value.bytes?.length ?? 0
      }
      if (!(await this.#send(target, items))) return
    }
  }

  /** Whether the target answered. */
  async #send(target: PeerId, items: readonly Owed[]): Promise<boolean> {
    const { limits, rules } = this.#world
    const request: Request = { type: 'handoff', items }
    const options = { lane: 'background', deadlineMs: limits.requestMs } as const
    const reply = await ask(this.#world, target, request, 'taken', options)
    const answered = !isFailure(reply)
    const present = this.#world.view().byPeer.get(target)?.record.generation
    for (const [i, item] of items.entries()) {
      const taken = answered && reply.generation === present && reply.taken[i] === true
      if (rules.debtAfter([target], target, taken).length === 0) await this.#settle(item, target)
    }
    return answered
  }

  async #settle({ key, digest }: Owed, target: PeerId): Promise<void> {
    const { self, rules } = this.#world
    const { owners } = placementOf(this.#world.view().ring, key.position)
    const dropped = await this.#records.change(key, ({ object, owed: before }) => {
      if (!equalBytes(object.digest, digest)) return { result: false }
      const owed = rules.debtAfter(before, target, true)
      const done = owed.length === 0 && !owners.includes(self)
      return done ? { result: true, drop: true } : { result: false, owed }
    })
    this.#world.say({ type: 'hint-drained', key: showKey(key), to: target })
    if (dropped) this.#world.say({ type: 'hint-dropped', key: showKey(key) })
  }
}
