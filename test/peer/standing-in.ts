/**
 * A ring in which some members own a key and others may stand in for them, each by its place in the preference list.
 */
import { utf8 } from '../../src/data/bytes.ts'
import { type Key, makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { nothingSeen, type Seen } from '../../src/data/vector.ts'
import type { Member } from '../../src/peer/member.ts'
import { limits } from '../../src/protocol/limits.ts'
import { placementOf } from '../../src/protocol/placement.ts'
import { keyOfStored, shelfRange, storageKeys } from '../../src/protocol/record.ts'
import { rules } from '../../src/protocol/rules.ts'
import type { Storage } from '../../src/ports.ts'
import type { TestMember, TestRing } from './ring.ts'

export const key = makeKey('carts', 'alice')

/** The owners of the key, most preferred first, then those who stand in for them. */
export function inOrder(ring: TestRing, of: Key = key): TestMember[] {
  const { owners, fallbacks } = placementOf(ring.members[0]!.member.view.ring, of.position)
  const byId = new Map(ring.members.map((each) => [each.member.id, each]))
  return [...owners, ...fallbacks].map((id) => byId.get(id)!)
}

let requests = 0

export interface PutOptions {
  readonly w?: number
  readonly context?: Seen
  readonly of?: Key
  readonly length?: number
  /** By default one that was not asked before. */
  readonly request?: Uint8Array
}

export function put(
  member: Member,
  { w = 2, context = nothingSeen, of = key, length = 0, request: named }: PutOptions = {},
) {
  const request = named ?? new Uint8Array(16)
  if (named === undefined) new DataView(request.buffer).setUint32(0, ++requests)
  const value = makeValue(utf8(`${requests}`.padEnd(length)), requests)
  return member.write({ kind: 'mint', key: of, context, value, w, origin: member.id, request })
}

/** From now on this one has so much room for what it keeps for others. */
export function giveRoom({ member }: TestMember, foreignBytes: number): void {
  member.records.foreign.govern(rules, { ...limits, foreignBytes }, member.world.troubles)
}

/** What the records weigh that a store keeps for others. */
export async function weightIn(storage: Storage): Promise<number> {
  const { from, to } = shelfRange('marker')
  const markers = await storage.range(from, to, 100_000)
  let weight = 0
  for (const marker of markers) {
    const place = storageKeys.object(keyOfStored(marker.key))
    const stored = await storage.get(place)
    if (stored !== undefined) weight += place.length + stored.length
  }
  return weight
}

export async function holds({ storage }: TestMember, of: Key = key): Promise<boolean> {
  return (await storage.get(storageKeys.object(of))) !== undefined
}

export async function owes({ storage }: TestMember, of: Key = key): Promise<boolean> {
  return (await storage.get(storageKeys.marker(of))) !== undefined
}
