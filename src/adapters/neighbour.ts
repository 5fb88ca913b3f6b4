/**
 * What a peer knows of one other: where it is, the link that stands, and what is under way to get one.
 */
import type { TransportError } from '../protocol/errors.ts'
import type { PeerId } from '../protocol/membership.ts'
import { noDial, type DialName, type Hello, type Standing } from './greeting.ts'
import type { Link } from './link.ts'

export interface Neighbour {
  readonly peer: PeerId
  addresses: readonly string[]
  link: Link | undefined
  standing: Standing | undefined
  /** Their newest dial that we welcomed. */
  welcomed: DialName
  /** Our hello that is on its way. */
  hello: OurHello | undefined
  /** The connection that carried our newest hello. */
  helloOver: string | undefined
  /** Their hello that waits until ours is answered. */
  waiting: Newcomer | undefined
  /** The dial that is under way for all who want a link. */
  reaching: Promise<Link> | undefined
  /** Requests that wait for a link. */
  queued: number
  /** The last dial that failed, and when. */
  failure: { readonly at: number; readonly error: TransportError } | undefined
  /** Called at the next link, whoever dialled. */
  readonly linked: Set<(link: Link) => void>
}

export interface OurHello {
  /** What it is to become; undefined while the lanes are being opened. */
  link: Link | undefined
  readonly outcome: Promise<Link>
}

/** A connection on which the other side has said hello. */
export interface Newcomer {
  readonly link: Link
  readonly hello: Hello
}

export function newNeighbour(peer: PeerId): Neighbour {
  return {
    peer,
    addresses: [],
    link: undefined,
    standing: undefined,
    welcomed: noDial,
    hello: undefined,
    helloOver: undefined,
    waiting: undefined,
    reaching: undefined,
    queued: 0,
    failure: undefined,
    linked: new Set(),
  }
}

/** Nothing would be lost by forgetting it, but how to tell its late hello from a new one. */
export function isStranger({ addresses, link, reaching, hello, queued }: Neighbour): boolean {
  const isInUse = link !== undefined || reaching !== undefined || hello !== undefined || queued > 0
  return !isInUse && addresses.length === 0
}
