/**
 * One key over the control port: read, put, delete, each coordinated by this peer.
 *
 * Nothing is remembered between two requests: what a writer has seen is what it says, in a context, and a put that says
 * nothing is blind. Siblings are shown as siblings; whoever knows how to merge them lives in an application.
 */
import type { Bytes } from '../src/data/bytes.ts'
import type { KeyPath } from '../src/data/key.ts'
import { liveSiblings, makeValue } from '../src/data/siblings.ts'
import { expiryOf, makeCheckedKey } from '../src/protocol/arguments.ts'
import type { ReadDemands, WriteDemands } from '../src/protocol/demands.ts'
import { contextFromText, contextToText } from '../src/protocol/context.ts'
import type { Member } from '../src/peer/member.ts'
import { jsonOfStored } from './control-values.ts'

export interface KeyRead {
  readonly found: boolean
  readonly siblings: readonly {
    readonly value: unknown
    readonly writtenAt: string
    readonly expiresAt?: string
  }[]
  /** Hand it back with the next write, and that supersedes what was read. */
  readonly context: string
  /** The peers that answered. */
  readonly answers: readonly string[]
  /** How many of the R answers are missing. */
  readonly missing: number
}

export interface KeyWritten {
  /** What the writer has seen now: its own context and its own write. */
  readonly context: string
  /** The peers that have it durably. */
  readonly acks: readonly string[]
  /** Fallbacks that hold it for owners: fallback → the owner it stands in for. */
  readonly hints: Readonly<Record<string, string>>
}

export interface KeyWrite {
  readonly bucket: string
  readonly path: KeyPath
  /** Undefined deletes. */
  readonly stored: Bytes | undefined
  /** The text of a context, or empty for a blind write. */
  readonly context: string
  readonly demands: WriteDemands
  /** How long it lives; undefined: for ever. */
  readonly ttlMs?: number | undefined
}

export async function readKey(
  member: Member,
  bucket: string,
  path: KeyPath,
  demands: ReadDemands,
): Promise<KeyRead> {
  const key = makeCheckedKey(bucket, path)
  const { state, answers, missing } = await member.get(key, demands)
  const { rules, clock } = member.world
  const siblings = liveSiblings(rules.shownAt(state, clock.now())).map(({ value }) => ({
    value: jsonOfStored(value.bytes!),
    writtenAt: new Date(value.writtenAt).toISOString(),
    ...(value.expiresAt !== undefined && { expiresAt: new Date(value.expiresAt).toISOString() }),
  }))
  const context = contextToText(key, state.seen)
  return { found: siblings.length > 0, siblings, context, answers, missing }
}

export async function writeKey(member: Member, write: KeyWrite): Promise<KeyWritten> {
  const { clock, random } = member.world
  const key = makeCheckedKey(write.bucket, write.path)
  const { stored, ttlMs } = write
  const now = clock.now()
  const expiresAt = ttlMs === undefined ? undefined : expiryOf(ttlMs, now)
  const { context, acks, hints } = await member.write({
    kind: 'mint',
    key,
    context: contextFromText(key, write.context),
    value: makeValue(stored, now, expiresAt),
    ...write.demands,
    origin: member.id,
    request: random.bytes(16),
  })
  return {
    context: contextToText(key, context),
    acks,
    hints: Object.fromEntries(hints.map(({ holder, owner }) => [holder, owner])),
  }
}
