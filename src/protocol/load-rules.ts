/**
 * The decisions of a member that has more to do than it can: what it lets in, whom it turns to, what it keeps room for.
 * Replaceable one by one like the other rules, so that the simulation can show that its checker notices each; and apart
 * from them, because an edge serves nobody, and a page need not load this.
 */
import { type Bytes, equalBytes, toHex } from '../data/bytes.ts'
import { type Digest, digestOf } from '../data/hash.ts'
import type { PeerId } from './membership.ts'
import type { Request } from './message.ts'
import { nextShare } from './pace.ts'

/** What a member coordinates for anybody, and of these what members pass on to each other. */
const coordinated: ReadonlySet<Request['type']> = new Set<Request['type']>([
  'put',
  'deliver',
  'get',
  'list',
  'fresh',
  'covers',
])
const passedOn: ReadonlySet<Request['type']> = new Set<Request['type']>(['put', 'deliver'])

/** What is under way for others. */
export interface UnderWay {
  readonly requests: number
  readonly bytes: number
}

export const loadRules = {
  /**
   * Whether a request takes one of the places. What members ask of each other for the sake of a request that was admitted
   * takes none: to refuse the second half of a write is to have wasted the first.
   */
  takesPlace: (type: Request['type'], fromMember: boolean): boolean =>
    (fromMember ? passedOn : coordinated).has(type),

  /** Whether one more of so many bytes may begin. One alone always may, however long. */
  hasRoom: (
    { requests, bytes }: UnderWay,
    length: number,
    most: number,
    mostBytes: number,
  ): boolean => requests === 0 || (requests < most && bytes + length <= mostBytes),

  /** Whether a place is free again: whatever the answer is, or if there is none. */
  isFreed: (_answer: unknown): boolean => true,

  /** Whether a read may be asked of one owner more; `allowed` grows by a fraction with each read. */
  mayHedge: (allowed: number): boolean => allowed >= 1,

  /** How many more owners one read may be asked of. */
  mostHedges: (): number => 1,

  /** What part of the time background work has next. */
  nextShare,

  /** Which pieces are put together: those that one peer sends of one message. */
  nameOfPieces: (peer: PeerId, of: Digest): string => `${peer} ${toHex(of)}`,

  /** Whether a message is served: once it has all its pieces. */
  isComplete: (pieces: readonly (Bytes | undefined)[]): boolean => !pieces.includes(undefined),

  /** Whether what was put together is what was sent. */
  isMessage: (whole: Bytes, of: Digest): boolean => equalBytes(digestOf(whole), of),

  /** Whether the room that pieces took is free again: they were put together, or fetched, or nobody sent the rest. */
  isRoomFreed: (_since: 'together' | 'fetched' | 'left'): boolean => true,
}

export type LoadRules = typeof loadRules
