/**
 * What broke: the simulation's own checker, over what real clients recorded and what stands on real disks.
 */
import {
  convergenceGaps,
  crowds,
  doubleMints,
  endless,
  falseReads,
  falseRefusals,
  falseSiblings,
  lostWrites,
  staleStrictReads,
} from '../../src/simulation/checker.ts'
import type { Operation } from '../../src/simulation/history.ts'
import { inspect } from '../../src/simulation/inspection.ts'
import type { Violation } from '../../src/simulation/violation.ts'
import { type Key, makeKey, partitionOf, showKey } from '../../src/data/key.ts'
import { limits } from '../../src/protocol/limits.ts'
import type { Clients } from './clients.ts'
import { type Door, doorOfPeer, type Shown } from './doors.ts'
import type { Field } from './field.ts'
import type { Operator } from './operator.ts'
import { passedOn } from './passed-on.ts'
import { pause } from './pause.ts'
import { askAll, notReady, type Trusting } from './trusting.ts'
import { bucket } from './words.ts'

/** What still stands between the ring and P3, in words; and what keeps strict requests from being met. */
export async function gaps(field: Field): Promise<{ key: string; text: string }[]> {
  const found = convergenceGaps(inspect(field))
  for (const machine of field.members) {
    if (!machine.serves) found.push({ key: '', text: `${machine.name} does not serve` })
    else if (machine.disk.isLost)
      found.push({ key: '', text: `${machine.name} has no sound store` })
  }
  for (const device of field.devices) {
    const counted = await device.ask({ do: 'count pending' }).catch(() => undefined)
    const pending = counted?.pending ?? 'nobody knows how many'
    if (pending !== 0)
      found.push({ key: '', text: `${device.name} has ${pending} writes to deliver` })
  }
  if (found.length > 0) return found
  const said = await askAll(field.members).catch(() => undefined)
  if (said === undefined) return [{ key: '', text: 'some peer does not say how it is' }]
  return notReady(said)
}

export function judge(
  field: Field,
  clients: Clients,
  operator: Operator,
  trusting: Trusting,
): Violation[] {
  const { history, witness, members } = field
  for (const write of passedOn(field)) history.retried(write)
  const holdings = inspect(field)
  const isMember = (name: string): boolean => members.some((member) => member.name === name)
  // A delete that was durable may be gone with its key: nobody sees from outside when its peers forget it.
  const forgotten = (key: string): number[] =>
    history.operations.flatMap(({ kind, key: of, write }) => {
      return kind === 'delete' && of === key && witness.exists(write) ? [write] : []
    })
  return [
    ...clients.violations,
    ...operator.violations,
    ...lostWrites(history, holdings, witness.excused, forgotten),
    ...falseSiblings(history, witness, holdings),
    ...falseReads(history, witness),
    ...staleStrictReads(history, (put, get) => mayMiss(field, trusting, put, get), forgotten),
    ...doubleMints(history, witness, isMember),
    ...falseRefusals(history, witness),
    ...crowds(holdings, limits.siblings * members.length),
    ...witness.violations,
    ...endless(history),
  ]
}

/** Whether an owner of the key had lost something unknowingly after the one and before the other. */
function mayMiss(
  { witness, silent, ring, settings }: Field,
  trusting: Trusting,
  put: Operation,
  get: Operation,
): boolean {
  if (witness.excused.has(put.write)) return true
  const key = makeKey(bucket, get.key.slice(bucket.length + 1))
  const owners = ring.ownersOf(partitionOf(key.position, settings.q))
  if (trusting.hasVoided(owners, put.quorumMs, get.endMs)) return true
  return silent.some(({ machine, fromMs, untilMs }) => {
    return (
      owners.includes(machine.peer) &&
      put.quorumMs <= untilMs &&
      fromMs <= get.endMs &&
      get.startMs <= untilMs
    )
  })
}

/** What peers say when all is well: nothing is owed, and each shows by a quorum just what the disks hold. */
export async function askPeers(field: Field, keys: readonly string[]): Promise<Violation[]> {
  const holdings = inspect(field)
  const violations: Violation[] = []
  for (const { machine, hints } of await askAll(field.members)) {
    if (hints !== 0) {
      const text = `${machine.name} says that it owes ${hints} keys, and its disk owes none`
      violations.push({ promise: 'P3', key: '', text })
    }
    const door = doorOfPeer(machine)
    for (const key of keys) {
      violations.push(...(await compare(field, holdings, door, key, 'quorum')))
      violations.push(...(await compare(field, holdings, door, key, 'strict')))
    }
  }
  return violations
}

async function compare(
  { history }: Field,
  holdings: ReturnType<typeof inspect>,
  door: Door,
  name: string,
  from: 'strict' | 'quorum',
): Promise<Violation[]> {
  const key = makeKey(bucket, name)
  const text = showKey(key)
  const owner = holdings.get(text)?.find((held) => held.owner)
  const live = (owner?.state.siblings ?? []).filter(({ value }) => value.bytes !== undefined)
  const held = live.map(({ value }) => history.writeOf(value)!)
  const shown = await read(door, key, from)
  if (shown === undefined) {
    return [
      {
        promise: 'P5',
        key: text,
        text: `${door.name} cannot read it (${from}), though all is well`,
      },
    ]
  }
  if (sorted(shown.writes) === sorted(held)) return []
  const words = `${door.name} shows (${from}) ${sorted(shown.writes)}, and the disks hold ${sorted(held)}`
  return [{ promise: 'P3', key: text, text: words }]
}

/** A busy machine may keep one reader waiting for too long. */
async function read(door: Door, key: Key, from: 'strict' | 'quorum'): Promise<Shown | undefined> {
  for (let tries = 0; tries < 3; tries++) {
    const shown = await door.read(key, from).catch(() => undefined)
    if (shown !== undefined) return shown
    await pause(1000)
  }
  return undefined
}

/** How many strict reads were answered that had a strict write to show. */
export function boundReads(operations: readonly Operation[]): number {
  const firstMs = new Map<string, number>()
  for (const { kind, strict, key, quorumMs } of operations) {
    if (kind !== 'get' && strict) firstMs.set(key, Math.min(quorumMs, firstMs.get(key) ?? Infinity))
  }
  return operations.filter(({ kind, strict, outcome, key, startMs }) => {
    return (
      kind === 'get' && strict && outcome === 'done' && (firstMs.get(key) ?? Infinity) < startMs
    )
  }).length
}

export function countByOutcome(operations: readonly Operation[]): Record<string, number> {
  const counts = { done: 0, refused: 0, unknown: 0, pending: 0 }
  for (const { outcome } of operations) counts[outcome]++
  return counts
}

function sorted(writes: readonly number[]): string {
  return (
    [...new Set(writes)]
      .toSorted((a, b) => a - b)
      .map((id) => `w${id}`)
      .join(' ') || 'nothing'
  )
}
