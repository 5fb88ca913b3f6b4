/**
 * What the page shows, and what a person may ask of it: the two sides of everything that is drawn. Types only.
 */
import type { ComponentType } from 'preact'
import type { Cart, Peer, PeerStatus, TypedRead } from '../index.ts'
import type { Heard } from './announcements.ts'
import type { Change, Wish } from './changes.ts'
import type { EventLog } from './event-log.ts'
import type { Source } from './sentences.ts'
import type { Mend } from './troubles.ts'

/** What was tried when it went wrong; a later success of the same takes it away. */
export type Attempt = 'open' | 'cart' | 'read' | 'shop' | 'defect' | 'part'

export interface Shown {
  /** The cart's name. */
  readonly key: string
  /** Undefined until it is open. */
  readonly peer: Peer | undefined
  readonly status: PeerStatus | undefined
  readonly read: TypedRead<Cart> | undefined
  readonly source: Source
  readonly failures: Readonly<Partial<Record<Attempt, unknown>>>
  /** The change that can be taken back next. */
  readonly undo: Change | undefined
  readonly isCut: boolean
  readonly isOnline: boolean
  readonly isRingOpen: boolean
  /** Opened by hand, not because it was open when one left. */
  readonly isRingAsked: boolean
  readonly isChoosing: boolean
  /** The carts that this device knows by name. */
  readonly carts: readonly string[]
  readonly parts: LazyParts
}

export interface Asked {
  change(product: string, wish: Wish): void
  undo(): void
  cut(isCut: boolean): void
  showRing(isOpen: boolean): void
  /** Shows the list of carts to choose from. */
  choose(isChoosing: boolean): void
  /** Shows another cart. */
  goTo(key: string): void
  mend(how: Mend): void
}

export interface PartProps {
  readonly shown: Shown
  readonly asked: Asked
  readonly log: EventLog
}

/** The parts that are loaded after the first picture, or when they are first wanted. */
export interface LazyParts {
  readonly Trouble?: ComponentType<PartProps>
  /** Tells a screen reader what is new. */
  readonly announce?: (now: Heard) => void
  readonly Ring?: ComponentType<PartProps>
  readonly Carts?: ComponentType<PartProps>
}
