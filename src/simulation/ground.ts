/**
 * What the checker stands on: members whose disks can be read, whoever runs them. Types only.
 *
 * A promise is the same in a simulated world and on real machines, and so is the look at what broke it. All that a
 * look needs is who the members are, what is on their disks, and what was witnessed; how they came to run is no
 * business of the checker.
 */
import type { Bytes } from '../data/bytes.ts'
import type { Ring } from '../data/ring.ts'
import type { StoredEntry } from '../ports.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { History } from './history.ts'
import type { Witness } from './witness.ts'

export interface GroundMember {
  /** The short name that stories use. */
  readonly name: string
  readonly peer: PeerId
  readonly host: string
  readonly disk: {
    /** It holds nothing that can be relied on. */
    readonly isLost: boolean
    /** What is at rest under a key, which is named one character a byte. */
    read(key: string): Bytes | undefined
    entries(from: Bytes, to: Bytes): readonly StoredEntry[]
    /** Where the disk can tell: the keys that a power cut would set back, and what it would leave of one. */
    readonly unsyncedKeys?: ReadonlySet<string>
    afterPowerCut?(key: string): Bytes | undefined
  }
}

export interface Ground<M extends GroundMember = GroundMember> {
  readonly history: History
  readonly witness: Witness
  readonly settings: { readonly q: number; readonly w: number; readonly buffering?: number }
  /** The ring that all members together make, or those that have a seat, now. */
  readonly ring: Ring
  /** Where owners change: every ring that some peer has seen, and since when there has been another than the first. */
  readonly rings?: {
    readonly seen: Iterable<Ring>
    readonly movedMs: number
    /** Whether owners have ever been others, by somebody's own word or by a change that members agreed to. */
    readonly hasChanged: boolean
  }
  /** Whether owners have changed lately, or are about to, by a change that members have agreed to. */
  readonly isMoving?: boolean
  readonly members: readonly M[]
  readonly scheduler: { readonly nowMs: number }
  /** When anything was last lost from a disk. */
  lostAtMs: number
  nameOf(peer: string): string
}
