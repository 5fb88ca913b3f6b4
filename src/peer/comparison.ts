/**
 * What two owners compare: folds of partitions, slots of a partition, keys of a slot, states (paper §4.7).
 *
 * Both sides must fold the same things in the same way, so both the asking and the answering side use these. A key's
 * slot is the last six bits of its hash: a partition too large for one list is compared slot by slot.
 */
import { type Bytes, compareBytes, equalBytes } from '../data/bytes.ts'
import { type Digest, digestLength, digestOf, hash32 } from '../data/hash.ts'
import type { Key } from '../data/key.ts'
import type { ObjectState } from '../data/siblings.ts'
import { allOwners, ownerLists } from '../protocol/lists.ts'
import type { PeerId } from '../protocol/membership.ts'
import { digestOfStored, keyOfStored, shelfRange, verifiedDigest } from '../protocol/record.ts'
import { xorInto } from './digests.ts'
import type { Records } from './records.ts'
import { slices } from './slices.ts'
import type { MemberWorld } from './world.ts'

/** One key of a partition as it stands here. */
export interface Listed {
  readonly key: Key
  readonly digest: Digest
}

/** The fan-out of every level of the descent. */
export const slotCount = 64

export interface FoldRange {
  readonly from: number
  readonly to: number
  readonly parts: number
  readonly salt: Bytes
}

/** The digests of these partitions that this peer and `other` both own, folded into `parts`. */
export async function foldsOf(
  world: MemberWorld,
  records: Records,
  other: PeerId,
  { from, to, parts, salt }: FoldRange,
): Promise<Digest[]> {
  const { ring, next } = world.view()
  const width = (to - from) / parts
  const folds = Array.from({ length: parts }, () => new Uint8Array(digestLength))
  for (let partition = from; partition < to; partition++) {
    const owners = allOwners(ownerLists(partition, ring, next))
    if (!owners.includes(world.self) || !owners.includes(other)) continue
    if (!world.rules.compares(partition)) continue
    const fold = folds[Math.floor((partition - from) / width)]!
    xorInto(fold, await records.digests.of(partition, salt))
  }
  return folds
}

/** The keys of a partition and their digests. */
export async function listPartition(
  world: MemberWorld,
  records: Records,
  partition: number,
  salt: Bytes,
): Promise<Listed[]> {
  const width = 0x1_0000_0000 / world.view().identity.q
  const range = shelfRange('object', partition * width, (partition + 1) * width)
  const listed: Listed[] = []
  for await (const slice of slices(world.storage, range)) {
    for (const { key: storedKey, value } of slice) {
      const key = keyOfStored(storedKey)
      if (salt.length === 0) {
        listed.push({ key, digest: digestOfStored(value) })
        continue
      }
      // A salted comparison believes nothing that it has not read: a record gone bad is not there.
      const digest = verifiedDigest(key, value)
      if (digest === undefined) records.doubts.add(key)
      else listed.push({ key, digest: digestOf(salt, digest) })
    }
  }
  return listed
}

export function slotFolds(listed: readonly Listed[]): Digest[] {
  const folds = Array.from({ length: slotCount }, () => new Uint8Array(digestLength))
  for (const { key, digest } of listed) xorInto(folds[slotOf(key)]!, digest)
  return folds
}

/** The keys that two lists, each in order, do not hold alike. */
export function differing(mine: readonly Listed[], theirs: readonly Listed[]): Key[] {
  const digests = new Map(mine.map(({ key, digest }) => [key.text, digest]))
  const keys: Key[] = []
  for (const { key, digest } of theirs) {
    const ours = digests.get(key.text)
    if (ours === undefined || !equalBytes(ours, digest)) keys.push(key)
    digests.delete(key.text)
  }
  for (const { key } of mine) if (digests.has(key.text)) keys.push(key)
  return keys.sort((a, b) => compareBytes(a.bytes, b.bytes))
}

/** What this peer holds of these keys, for an exchange: nothing is a state too. */
export async function statesOf(
  records: Records,
  keys: readonly Key[],
): Promise<{ key: Key; state: ObjectState }[]> {
  return Promise.all(keys.map(async (key) => ({ key, state: (await records.read(key)).state })))
}

/** By the low bits: the high ones say which partition it is, and are the same for all of its keys. */
export function slotOf(key: Key): number {
  return hash32(key.bytes) % slotCount
}
