/**
 * Whether a member's record is its subject's own word. Apart from what else is known of records, because it is a rule that
 * every peer has from the start, and a page need not begin with the rest.
 */
import { type Bytes, concat, utf8 } from '../data/bytes.ts'
import { verifySignature } from '../data/identity.ts'
import { ringHash, type RingIdentity, type SignedRecord } from './view.ts'

/** Whether the record's subject itself signed it, for this ring. */
export function isGenuine(
  ring: RingIdentity,
  { record, signed, signature }: SignedRecord,
): boolean {
  return verifySignature(record.peer, statement(ring, signed), signature)
}

/** A signature is for one ring and one purpose, and good for nothing else. */
export function statement(ring: RingIdentity, signed: Bytes): Bytes {
  return concat(utf8(`ringlet member record 1 ${ringHash(ring)} `), signed)
}
