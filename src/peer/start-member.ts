/**
 * How a member starts: it opens its store and finds out who it is, hears what the ring knows of its past before it says
 * anything, states itself, and serves.
 *
 * The order is the point. A store that is a copy, or was set back, must not speak in the name that it finds in itself; and
 * nobody but the ring can tell it.
 */
import { changingRules } from '../protocol/changing-rules.ts'
import type { Say } from '../protocol/event.ts'
import { memberRules } from '../protocol/member-rules.ts'
import type { MemberRecord, SignedRecord, View } from '../protocol/membership.ts'
import { keyOfStored, shelfRange, storageKeys } from '../protocol/record.ts'
import { rules } from '../protocol/rules.ts'
import type { Seat } from '../protocol/seats.ts'
import { ringHash } from '../protocol/view.ts'
import type { Storage } from '../ports.ts'
import { isCopied, openIdentity } from './epochs.ts'
import { FactsTable, factsKey } from './facts-table.ts'
import { Member, type MemberOptions } from './member.ts'
import { awakeBefore } from './reaping.ts'
import { Records } from './records.ts'
import { rememberedView } from './remembered.ts'
import { slices } from './slices.ts'
import { Table } from './table.ts'
import { Troubles } from './troubles.ts'

/** Resolves once the member serves. Rejects with `StorageError` when its store is not to be had. */
export async function startMember(options: MemberOptions): Promise<Member> {
  const { storage, random, transport, identity, ring } = options
  const say: Say = (event) => options.trace({ peer: identity.peer, ...event })
  const owner = { self: identity.peer, ring: ringHash(ring) }
  const store = await openIdentity(storage, random, owner, say)
  const records = new Records(storage, ring.q, say, store)
  await records.doubts.load()
  const troubles = new Troubles()
  const [stored, storedFacts] = await storage.getMany([storageKeys.members, factsKey])
  const changing = { ...changingRules, ...options.changing }
  const factsOptions = {
    ring,
    identity,
    storage,
    say,
    troubles,
    rules: changing,
    operator: options.operator,
  }
  const facts = new FactsTable(factsOptions, storedFacts)
  const tableOptions = {
    ring,
    identity,
    storage,
    transport,
    random,
    say,
    rules: options.rules ?? rules,
    memberRules: { ...memberRules, ...options.memberRules },
    troubles,
    layOut: (raw: View): View => facts.layOut(raw),
    adopted: (view: View): void => member.viewChanged(view),
    heard: (): void => member.tableChanged(),
    contradicted: (known: SignedRecord): void => member.remind(known),
    restated: (own: SignedRecord): void => member.spread(own),
    renew: () => member.renew(),
    displaced: () => member.displace(),
  }
  const table = new Table(tableOptions, rememberedView(ring, stored, say))
  facts.onChange = () => table.show()
  const awakeMs = await awakeBefore(storage)
  const member: Member = new Member({ ...options, troubles }, say, records, table, awakeMs, facts)
  records.onDamage = async ({ cause }) => {
    say({ type: 'quarantined', detail: `the store's identity: ${(cause as Error).message}` })
    const generation = await member.renew()
    await table.restate(() => ({ generation, readiness: 'refilling' }))
  }
  const remembered = table.ownRecord
  await member.askAround()
  const isOld = isCopied(store, storage) || table.hasMovedOn(remembered, records.generation)
  if (isOld) await table.renew()
  const comes = options.joins === true && (await member.enter(() => forgetOwned(records, storage)))
  const heard = table.ownRecord
  const wished = wishedSeat(options, member.changing.seat)
  await table.state({
    ...wished,
    addresses: transport.addresses,
    generation: records.generation,
    ...standingAtStart(member, remembered, heard),
  })
  member.start()
  // While a ring is being founded its word is enough; from then on it asks.
  if (comes || member.changing.isSeated === true) member.want({ seat: wished })
  return member
}

/** What is not said stays as it was: an operator may have given this peer another weight since its options were written. */
function wishedSeat({ class: kind, host, zone, weight }: MemberOptions, seat: Seat | undefined) {
  return {
    class: kind,
    host,
    zone: zone ?? seat?.zone ?? 'default',
    weight: weight ?? seat?.weight ?? 1,
  }
}

/**
 * A member that was sent away comes back with what it owned then. The others have that, or have forgotten it for good; what
 * it kept for others it offers them.
 */
async function forgetOwned(records: Records, storage: Storage): Promise<void> {
  for await (const slice of slices(storage, shelfRange('object'))) {
    const keys = slice.map((entry) => keyOfStored(entry.key))
    await Promise.all(
      keys.map((key) =>
        records.letGo(key, ({ owed }) => ({ result: undefined, drop: owed?.length === 0 })),
      ),
    )
  }
}

/** How far a store that is opened is known to be whole. */
function standingAtStart(
  { records, world }: Member,
  remembered: MemberRecord | undefined,
  heard: MemberRecord | undefined,
): Pick<MemberRecord, 'readiness' | 'losses'> {
  const own = remembered?.generation === records.generation ? remembered : undefined
  // Whatever was heard of this peer and is not this store's own last word is the word of another store, or of a later time.
  const isPast = heard !== undefined && heard !== own
  const readiness = world.rules.readinessOf(own?.readiness, isPast)
  const losses = (own?.losses ?? 0) + (records.doubts.keys.length > 0 ? 1 : 0)
  return { readiness, losses }
}
