/**
 * What members tell each other of the ring's changes. Apart from the other messages, within which it travels, because an
 * edge neither asks nor answers any of it, and need not load it.
 *
 * Names first, then only what one side lacks: a ring whose members do not change has nothing to tell, and one that has
 * changed long ago a few names.
 */
import { type Bytes, toHex } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import { type Decoded, fixed, list, struct, union } from './codec.ts'
import { type Facts, type Statements, statementsCodec } from './facts.ts'
import type { Signed } from './statement.ts'

const nameLength = 8
const names = list(fixed(nameLength))

export const changingRequest = union({
  /** I have heard these: what have you, that I have not? */
  compare: [1, struct({ names })],
  /** Take these. */
  tell: [2, struct({ statements: statementsCodec })],
})

export const changingReply = union({
  told: [1, struct({})],
  compared: [2, struct({ statements: statementsCodec, wanted: names })],
})

export type ChangingRequest = Decoded<typeof changingRequest>
export type ChangingReply = Decoded<typeof changingReply>

/** What has been heard, by its name. */
export function namedStatements(facts: Facts): ReadonlyMap<string, Statements> {
  const named = new Map<string, Statements>()
  for (const part of ['courses', 'removals', 'orders', 'changes', 'steps'] as const) {
    for (const each of facts[part].values()) named.set(nameOf(each), { [part]: [each] })
  }
  // Told whole, in place of its step alone.
  if (facts.settled !== undefined) named.set(nameOf(facts.settled.step), { settled: facts.settled })
  return named
}

export function allOf(some: readonly Statements[]): Required<Statements> {
  return {
    settled: some.find(({ settled }) => settled !== undefined)?.settled,
    steps: some.flatMap(({ steps = [] }) => steps),
    courses: some.flatMap(({ courses = [] }) => courses),
    removals: some.flatMap(({ removals = [] }) => removals),
    orders: some.flatMap(({ orders = [] }) => orders),
    changes: some.flatMap(({ changes = [] }) => changes),
  }
}

export function nameBytes(name: string): Bytes {
  return Uint8Array.from({ length: nameLength }, (_, at) =>
    parseInt(name.slice(2 * at, 2 * at + 2), 16),
  )
}

export function nameText(name: Bytes): string {
  return toHex(name)
}

function nameOf({ signed, signature }: Signed<unknown>): string {
  return toHex(digestOf(signed, signature).subarray(0, nameLength))
}
