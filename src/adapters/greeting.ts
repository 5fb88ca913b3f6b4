/**
 * How two peers agree that a link stands, and on which one when both dial at once.
 *
 * Left alone, two peers that dial each other at the same time end with two links, or each drops the one that
 * the other keeps. And a peer whose link died unnoticed on the other side must not be turned away in its favour. So
 * every dial says *hello* first and carries requests only after a *welcome*:
 *
 * - While neither has said hello, whoever comes first is welcome.
 * - When both have said hello, the dial of the smaller peer id counts. The smaller lets the other's hello wait until its own
 *   is answered, and then says *busy*; if its own fails or takes long, the one that waits is welcome. Nothing was sent on the
 *   link that goes, so nothing is lost with it.
 * - When a link stands already, a hello replaces it if its sender must have known that link and lost it: the sender is a
 *   new run of the peer, or dialled the old link itself, or says that it had taken the old one. Otherwise
 *   it is a late twin of the link that stands, and busy.
 *
 * A *run* is one life of a transport (8 random bytes); dials are numbered within a run.
 */
import {
  compareText,
  equalBytes,
  MalformedError,
  Reader,
  Writer,
  type Bytes,
} from '../data/bytes.ts'
import type { PeerId } from '../protocol/membership.ts'

export interface Hello {
  readonly type: 'hello'
  readonly run: Bytes
  /** Counts the dials of this run. */
  readonly dial: number
  /** The newest dial of the receiver that the sender ever welcomed; of any run if there was none. */
  readonly welcomed: DialName
}

export interface Welcome {
  readonly type: 'welcome'
  readonly run: Bytes
}

export interface Busy {
  readonly type: 'busy'
}

export type Greeting = Hello | Welcome | Busy

export interface DialName {
  readonly run: Bytes
  readonly dial: number
}

export const runBytes = 8

/** The name of a dial that never was: real ones count from 1. */
export const noDial: DialName = { run: new Uint8Array(runBytes), dial: 0 }

/** What the receiver of a hello knows of its sender. */
export interface Acquaintance {
  readonly self: PeerId
  readonly peer: PeerId
  readonly run: Bytes
  /** The link that stands between the two. */
  readonly standing: Standing | undefined
  /** A hello of our own is on its way to this peer. */
  readonly isGreeting: boolean
}

export interface Standing {
  readonly dialledBy: 'us' | 'them'
  readonly dial: number
  readonly theirRun: Bytes
}

export type Verdict = 'welcome' | 'wait' | 'busy'

/** `welcome` includes: and the link that stands, if any, is over. */
export function judge(
  hello: Hello,
  { self, peer, run, standing, isGreeting }: Acquaintance,
): Verdict {
  if (standing === undefined) {
    return isGreeting && compareText(self, peer) < 0 ? 'wait' : 'welcome'
  }
  if (!equalBytes(hello.run, standing.theirRun)) return 'welcome'
  if (standing.dialledBy === 'them') return hello.dial > standing.dial ? 'welcome' : 'busy'
  const knewIt = equalBytes(hello.welcomed.run, run) && hello.welcomed.dial >= standing.dial
  return knewIt ? 'welcome' : 'busy'
}

const types = { hello: 1, welcome: 2, busy: 3 } as const

export function encodeGreeting(greeting: Greeting): Bytes {
  const writer = new Writer().u8(types[greeting.type])
  if (greeting.type === 'busy') return writer.finish()
  writer.raw(greeting.run)
  if (greeting.type === 'welcome') return writer.finish()
  const { dial, welcomed } = greeting
  return writer.u32(dial).raw(welcomed.run).u32(welcomed.dial).finish()
}

/** Bytes after what is known here belong to a newer peer, and are ignored. Copies what it keeps. */
export function decodeGreeting(body: Bytes): Greeting {
  const reader = new Reader(body)
  const readRun = (): Bytes => reader.raw(runBytes).slice()
  switch (reader.u8()) {
    case types.hello:
      return {
        type: 'hello',
        run: readRun(),
        dial: reader.u32(),
        welcomed: { run: readRun(), dial: reader.u32() },
      }
    case types.welcome:
      return { type: 'welcome', run: readRun() }
    case types.busy:
      return { type: 'busy' }
    default:
      throw new MalformedError('a greeting of unknown type')
  }
}
