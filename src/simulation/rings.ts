/**
 * Which ring the members make, and which they made before: a member that comes back with another weight or in another zone
 * makes another ring, and for a while some see the one and some the other.
 *
 * Whatever is asked about the present, and all that is asked at the end, is asked of the present ring. What a peer claims is
 * true or false by the ring that it sees, and nobody can see one that no peer has seen: so these are kept.
 */
import { makeRing, type Ring, type RingMember } from '../data/ring.ts'
import type { RingShape } from '../data/ring-shape.ts'
import type { View } from '../protocol/membership.ts'

/** A member, as it states itself. */
export interface Stated {
  readonly peer: string
  readonly host: string
  readonly weight: number
  readonly zone: string
}

export class Rings {
  readonly #shape: RingShape
  readonly #members: Map<string, RingMember>
  readonly #stood: { readonly ring: Ring; readonly fromMs: number }[]
  /** Those that members agreed to. */
  readonly #settled: { readonly ring: Ring; readonly fromMs: number }[] = []
  readonly #seen = new Map<string, Ring>()

  constructor(shape: RingShape, members: readonly Stated[]) {
    this.#shape = shape
    this.#members = new Map(members.map((each) => [each.peer, ringMember(each)]))
    this.#stood = [{ ring: this.#make(), fromMs: 0 }]
    this.#seen.set(nameOf(this.present), this.present)
  }

  get present(): Ring {
    return this.#stood.at(-1)!.ring
  }

  /** Since when there has been another ring than the first; `Infinity` where there has been none. */
  get movedMs(): number {
    return this.#stood[1]?.fromMs ?? Infinity
  }

  get hasChanged(): boolean {
    return this.#stood.length > 1 || this.#settled.length > 0
  }

  /** Every ring of all members that some peer has seen. */
  get seen(): Iterable<Ring> {
    return this.#seen.values()
  }

  at(ms: number): Ring {
    const settled = this.#settled.findLast(({ fromMs }) => fromMs <= ms)
    if (settled !== undefined) return settled.ring
    return this.#stood.findLast(({ fromMs }) => fromMs <= ms)!.ring
  }

  /** Members have agreed to this ring: from now on nobody's own word changes it. */
  settles(ring: Ring, nowMs: number): void {
    this.#settled.push({ ring, fromMs: nowMs })
    this.#seen.set(nameOf(ring), ring)
  }

  /** A member has stated itself. */
  states(member: Stated, nowMs: number): void {
    const before = this.#members.get(member.peer)
    if (before?.weight === member.weight && before.zone === member.zone) return
    this.#members.set(member.peer, ringMember(member))
    const ring = this.#make()
    this.#stood.push({ ring, fromMs: nowMs })
    this.#seen.set(nameOf(ring), ring)
  }

  /** A peer has this view now. */
  sees({ ring }: View): void {
    if (ring.members.length === this.#members.size) this.#seen.set(nameOf(ring), ring)
  }

  #make(): Ring {
    return makeRing(this.#shape, [...this.#members.values()])
  }
}

function ringMember({ peer, host, weight, zone }: Stated): RingMember {
  return { id: peer, host, class: 'durable', zone, weight }
}

function nameOf({ members }: Ring): string {
  return members.map(({ id, weight, zone }) => `${id} ${weight} ${zone}`).join()
}
