/**
 * The membership table: who is in the ring, by their own signed word (paper §4.8.1).
 *
 * Each member states its own record and signs it; the highest version wins, so that any two tables merge into the
 * same one in whatever order the records arrive. The bytes that were signed travel on unchanged, so that an older
 * peer passes on what it does not understand. Liveness is no part of it: a member that is down is still a member,
 * and whether it answers is each peer's own local judgement (paper §4.8.3).
 */
import { compareBytes, compareText, MalformedError, toHex, utf8 } from '../data/bytes.ts'
import { digestOf } from '../data/hash.ts'
import { type Identity, publicKeyOf, signatureLength } from '../data/identity.ts'
import { makeRing, type RingMember } from '../data/ring.ts'
import {
  added,
  bytes,
  type Codec,
  type Decoded,
  decode,
  encode,
  fixed,
  list,
  mapped,
  NotUnderstoodError,
  oneOf,
  optional,
  struct,
  text,
  varint,
} from './codec.ts'
import { isGenuine, statement } from './genuine.ts'
import { limits } from './limits.ts'
import type { MemberRecord, PeerId, RingIdentity, SignedRecord, View } from './view.ts'

export { isGenuine }
export type {
  MemberLife,
  MemberRecord,
  PeerClass,
  PeerId,
  Readiness,
  RingIdentity,
  SignedRecord,
  View,
} from './view.ts'

const recordCodec: Codec<MemberRecord> = mapped(
  struct({
    peer: text,
    version: varint,
    class: oneOf('durable', 'transient'),
    host: text,
    zone: text,
    weight: varint,
    addresses: list(text),
    generation: text,
    life: added(optional(struct({ began: varint, after: varint })), undefined),
    readiness: added(oneOf('ready', 'refilling', 'new'), 'ready'),
    losses: added(varint, 0),
  }),
  (record: MemberRecord) => record,
  checkedRecord,
)

const envelope = struct({ signed: bytes, signature: fixed(signatureLength) })

/** A signed record on the wire. Whether the signature holds is asked apart (`isGenuine`): it costs a millisecond. */
export const signedRecord: Codec<SignedRecord> = mapped(envelope, (s: SignedRecord) => s, opened)

/** Several of them, without those that only a newer version can read: one such must not hide all others. */
export const signedRecords: Codec<readonly SignedRecord[]> = mapped(
  list(envelope),
  (records: readonly SignedRecord[]) => records,
  (envelopes) =>
    envelopes.flatMap((each) => {
      try {
        return [opened(each)]
      } catch (error) {
        if (error instanceof NotUnderstoodError) return []
        throw error
      }
    }),
)

function opened({ signed, signature }: Decoded<typeof envelope>): SignedRecord {
  return {
    record: decode(recordCodec, signed),
    signed: signed.slice(),
    signature: signature.slice(),
  }
}

export function signRecord(
  identity: Identity,
  ring: RingIdentity,
  record: MemberRecord,
): SignedRecord {
  const signed = encode(recordCodec, record)
  return { record, signed, signature: identity.sign(statement(ring, signed)) }
}

export function makeView(identity: RingIdentity, members: readonly SignedRecord[]): View {
  const ordered = [...members].sort((a, b) => compareText(a.record.peer, b.record.peer))
  return {
    identity,
    members: ordered,
    byPeer: new Map(ordered.map((signed) => [signed.record.peer, signed])),
    ring: makeRing(identity, ordered.map(ringMember)),
    digest: viewDigest(ordered),
  }
}

/**
 * The view after these records arrived, and without who is gone; the same object when none is news. The ring is made again only when a
 * record changes what it depends on.
 */
export function receive(
  view: View,
  arrived: readonly SignedRecord[],
  gone: readonly PeerId[] = [],
): View {
  const table = new Map(view.byPeer)
  for (const peer of gone) table.delete(peer)
  for (const signed of arrived) {
    const known = table.get(signed.record.peer)
    if (known !== undefined && !isNewer(signed, known)) continue
    if (known === undefined && table.size >= limits.members) continue
    table.set(signed.record.peer, signed)
  }
  const members = [...table.values()]
  const isSame = members.every((signed) => view.byPeer.get(signed.record.peer) === signed)
  if (isSame && members.length === view.members.length) return view
  const ordered = members.sort((a, b) => compareText(a.record.peer, b.record.peer))
  const digest = viewDigest(ordered)
  if (digest !== view.digest) return makeView(view.identity, ordered)
  return { ...view, members: ordered, byPeer: table }
}

/** Higher versions win; of two statements with one version (a cloned folder) every peer picks the same. */
export function isNewer(a: SignedRecord, b: SignedRecord): boolean {
  return a.record.version !== b.record.version
    ? a.record.version > b.record.version
    : compareBytes(a.signed, b.signed) > 0
}

/**
 * Whether this statement in a peer's name shows another of that name to live, which `own` is to make way for: it was said
 * after `own`'s life had been heard of, by a life that began earlier. The younger goes, as it is most often the copy.
 */
export function makesWay(own: MemberRecord, heard: MemberRecord): boolean {
  const [mine, theirs] = [own.life, heard.life]
  if (mine === undefined || theirs === undefined) return false
  return theirs.after === mine.began && theirs.began < mine.began
}

function ringMember({ record }: SignedRecord): RingMember {
  return {
    id: record.peer,
    class: record.class,
    host: record.host,
    zone: record.zone,
    weight: record.weight,
  }
}

function viewDigest(members: readonly SignedRecord[]): string {
  const facts = members.map(({ record }) => [
    record.peer,
    record.class,
    record.host,
    record.zone,
    record.weight,
    record.generation,
  ])
  return toHex(digestOf(utf8(JSON.stringify(facts))))
}

function checkedRecord(record: MemberRecord): MemberRecord {
  publicKeyOf(record.peer)
  const sound =
    record.weight >= 1 &&
    record.weight <= 64 &&
    record.addresses.length <= 16 &&
    [record.host, record.zone, record.generation].every((part) => part.length <= 128) &&
    record.addresses.every((address) => address.length <= 512)
  if (!sound) throw new MalformedError('a member record out of bounds')
  return record
}
