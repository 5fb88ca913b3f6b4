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
} from '../../src/simulation/checker.ts'
import type { Operation } from '../../src/simulation/history.ts'
import { inspect } from '../../src/simulation/inspection.ts'
import type { Violation } from '../../src/simulation/violation.ts'
import { type Key, makeKey, showKey } from '../../src/data/key.ts'
import { limits } from '../../src/protocol/limits.ts'
import type { Clients } from './clients.ts'
import { type Door, doorOfPeer, type Shown } from './doors.ts'
import type { Field } from './field.ts'
import type { Operator } from './operator.ts'
import { pause } from './pause.ts'
import { bucket } from './words.ts'

/** What still stands between the ring and P3, in words. */
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
  return found
}

export function judge(field: Field, clients: Clients, operator: Operator): Violation[] {
  const { history, witness, members } = field
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
    ...doubleMints(history, witness, isMember),
    ...falseRefusals(history, witness),
    ...crowds(holdings, limits.siblings * members.length),
    ...witness.violations,
    ...endless(history),
  ]
}

/** What peers say when all is well: nothing is owed, and each shows by a quorum just what the disks hold. */
export async function askPeers(field: Field, keys: readonly string[]): Promise<Violation[]> {
  const holdings = inspect(field)
  const violations: Violation[] = []
  for (const machine of field.members) {
    const { body } = await machine.ask({ path: '/status', options: {} })
    const own = (body.members as { id: string; hints: number | null }[]).find(
      ({ id }) => id === machine.peer,
    )
    if (own?.hints !== 0) {
      const text = `${machine.name} says that it owes ${own?.hints} keys, and its disk owes none`
      violations.push({ promise: 'P3', key: '', text })
    }
    const door = doorOfPeer(machine)
    for (const key of keys) violations.push(...(await compare(field, holdings, door, key)))
  }
  return violations
}

async function compare(
  { history }: Field,
  holdings: ReturnType<typeof inspect>,
  door: Door,
  name: string,
): Promise<Violation[]> {
  const key = makeKey(bucket, name)
  const text = showKey(key)
  const owner = holdings.get(text)?.find((held) => held.owner)
  const live = (owner?.state.siblings ?? []).filter(({ value }) => value.bytes !== undefined)
  const held = live.map(({ value }) => history.writeOf(value)!)
  const shown = await read(door, key)
  if (shown === undefined) {
    return [{ promise: 'P5', key: text, text: `${door.name} cannot read it, though all is well` }]
  }
  if (sorted(shown.writes) === sorted(held)) return []
  const words = `${door.name} shows ${sorted(shown.writes)}, and the disks hold ${sorted(held)}`
  return [{ promise: 'P3', key: text, text: words }]
}

/** A busy machine may keep one reader waiting for too long. */
async function read(door: Door, key: Key): Promise<Shown | undefined> {
  for (let tries = 0; tries < 3; tries++) {
    const shown = await door.read(key, 'quorum').catch(() => undefined)
    if (shown !== undefined) return shown
    await pause(1000)
  }
  return undefined
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
