/**
 * The decisions of a member about its own word, replaceable one by one like the other rules. Apart from them, because an
 * edge states nothing, and a page need not load this to begin with.
 */
import type { Identity } from '../data/identity.ts'
import {
  makesWay,
  type MemberRecord,
  type RingIdentity,
  type SignedRecord,
  signRecord,
} from './membership.ts'

export const memberRules = {
  /** What a member says of itself, in its own bytes and signed: whoever passes it on changes nothing in it. */
  signRecord: (identity: Identity, ring: RingIdentity, record: MemberRecord): SignedRecord =>
    signRecord(identity, ring, record),

  /** Whether a peer stops that hears this in its own name: another that runs with its identity began before it. */
  makesWay: (own: MemberRecord, heard: MemberRecord): boolean => makesWay(own, heard),

  /** Whether a record gives way to the doubt about it: what has come in the place of the damaged one stays. */
  givesWay: (isDamaged: boolean): boolean => isDamaged,
}

export type MemberRules = typeof memberRules
