/**
 * What a member does for others as a keeper of copies: stores, reads, takes what it is owed, and shows its digests.
 *
 * Nothing here decides who should have what: the sender says what it asks for, this peer's own view says whether it
 * owns the key, and an answer is given only when what it speaks of is durable.
 */
import { equalBytes } from '../data/bytes.ts'
import { type Key, partitionOf } from '../data/key.ts'
import { type ObjectState, sameState, weightOf } from '../data/siblings.ts'
import type { PeerId } from '../protocol/membership.ts'
import type { Reply, Request } from '../protocol/message.ts'
import { placementOf } from '../protocol/placement.ts'
import { absorb } from './absorb.ts'
import { foldsOf, listPartition, slotCount, slotFolds, slotOf } from './comparison.ts'
import type { Records } from './records.ts'
import { isInDoubt, listsOf, ownStanding } from './strict.ts'
import type { MemberWorld } from './world.ts'

type Asked<T extends Request['type']> = Extract<Request, { type: T }>

export async function serveReplicate(
  world: MemberWorld,
  records: Records,
  { key, state, minter, lists, keeping = 'synced' }: Asked<'replicate'>,
): Promise<Reply> {
  const durability = keeping === 'synced' ? 'synced' : 'buffered'
  const absorbed = await absorb(world, records, key, state, 'as stand-in', minter, durability)
  if (keeping === 'durable') await world.buffers.settled()
  // Asked once it is durable: a view that was adopted meanwhile was adopted before this copy could be missed.
  const standing = ownStanding(world, records, key, lists)
  const highest = absorbed?.highest ?? 0
  const synced = world.buffering.saysSynced(keeping)
  return { type: 'stored', highest, generation: records.generation, ...standing, synced }
}

export async function serveRead(
  world: MemberWorld,
  records: Records,
  { key, have, lists }: Asked<'read'>,
): Promise<Reply> {
  const before = ownStanding(world, records, key, lists)
  const owner = placementOf(world.view().ring, key.position).owners.includes(world.self)
  const { state, digest } = await records.read(key)
  const same = have !== undefined && equalBytes(have, digest)
  // The reading itself may have found the record damaged.
  const isSound = !isInDoubt(world, records, key)
  const standing = {
    agrees: before.agrees,
    ready: before.ready && isSound,
    whole: before.whole && isSound,
  }
  return { type: 'read', state: same ? undefined : state, owner, ...standing }
}

/** Compares an edge's copies with what this peer owns: a digest each way, and no state. */
export async function serveFresh(
  world: MemberWorld,
  records: Records,
  { copies }: Asked<'fresh'>,
): Promise<Reply> {
  const { ring } = world.view()
  const differ: number[] = []
  const elsewhere: number[] = []
  const { batchItems } = world.limits
  // Whole records are read for their digests: a few at a time, as each may be large.
  for (let at = 0; at < copies.length; at += batchItems) {
    const part = copies.slice(at, at + batchItems)
    const digests = await records.digestsOf(part.map(({ key }) => key))
    for (const [i, { key, digest }] of part.entries()) {
      const isOwner = placementOf(ring, key.position).owners.includes(world.self)
      if (!isOwner) elsewhere.push(at + i)
      else if (!equalBytes(digest, digests[i]!)) differ.push(at + i)
    }
  }
  return { type: 'compared', differ, elsewhere }
}

export async function serveHandoff(
  world: MemberWorld,
  records: Records,
  { items }: Asked<'handoff'>,
): Promise<Reply> {
  const taken = await Promise.all(
    items.map(async ({ key, state }) => {
      // Who offers it may let his own copy go.
      const durability = world.buffering.settles()
      const absorbed = await absorb(world, records, key, state, 'as owner', undefined, durability)
      return absorbed !== undefined
    }),
  )
  return { type: 'taken', taken, generation: records.generation }
}

/** Takes what the other side knows more, and answers with what this side then knows more. */
export async function serveExchange(
  world: MemberWorld,
  records: Records,
  { items }: Asked<'exchange'>,
): Promise<Reply> {
  const results = await Promise.all(
    items.map(async ({ key, state }) => {
      const absorbed = await absorb(world, records, key, state, 'as owner')
      return { key, sent: state, now: absorbed?.state }
    }),
  )
  const more: { key: Key; state: ObjectState }[] = []
  let weight = 0
  let cut = false
  for (const { key, sent, now } of results) {
    if (now === undefined || sameState(now, sent)) continue
    // What does not fit still differs, and comes with the next exchange.
    if (more.length > 0 && weight > world.limits.batchBytes) {
      cut = true
      break
    }
    weight += weightOf(now)
    more.push({ key, state: now })
  }
  const taken = results.map(({ now }) => now !== undefined)
  return { type: 'exchanged', items: more, taken, cut }
}

/**
 * Vouches for what this peer tells the asker: the two see the same owners, so that what is acknowledged from here on is
 * acknowledged by others' lists, or was told. Of keys that were found damaged here nothing is said.
 */
export async function serveVouch(
  world: MemberWorld,
  records: Records,
  { lists, key }: Asked<'vouch'>,
): Promise<Reply> {
  const { q } = world.view().identity
  const width = 0x1_0000_0000 / q
  const doubted = records.doubts.keys.filter((each) => key === undefined || each.text === key.text)
  const vouched = lists
    .filter(({ partition, digest }) => {
      if (partition >= q) return false
      return world.rules.vouches(listsOf(world, partition * width).digest, digest)
    })
    .map(({ partition }) => {
      const except = doubted.filter(({ position }) => partitionOf(position, q) === partition)
      return { partition, except }
    })
  return { type: 'vouched', vouched }
}

export async function serveFolds(
  world: MemberWorld,
  records: Records,
  from: PeerId,
  { from: first, to, parts, salt }: Asked<'folds'>,
): Promise<Reply> {
  const { q } = world.view().identity
  const sound = first < to && to <= q && parts >= 1 && parts <= slotCount
  const digests = sound ? await foldsOf(world, records, from, { from: first, to, parts, salt }) : []
  return { type: 'folds', digests }
}

export async function serveKeys(
  world: MemberWorld,
  records: Records,
  { partition, slot, salt, most, also = [] }: Asked<'keys'>,
): Promise<Reply> {
  if (partition >= world.view().identity.q) return { type: 'keys', keys: [], slots: [] }
  const all = await listPartition(world, records, partition, salt)
  const listed = slot === undefined ? all : all.filter(({ key }) => slotOf(key) === slot)
  const { listedKeys } = world.limits
  if (slot !== undefined) return { type: 'keys', keys: listed, slots: [] }
  if (listed.length > Math.min(most, listedKeys)) {
    return { type: 'keys', keys: [], slots: slotFolds(listed) }
  }
  // One that is too large for its list is asked for by itself.
  let more = 0
  for (const next of also) {
    const following =
      next < world.view().identity.q ? await listPartition(world, records, next, salt) : []
    if (following.length > most || listed.length + following.length > listedKeys) break
    listed.push(...following)
    more++
  }
  return { type: 'keys', keys: listed, slots: [], also: more }
}
