/**
 * Signatures, each verified once: in life every peer verifies for itself, and here all of them would in one process.
 *
 * A third of a run's time went into telling seven peers the same of the same record. What is remembered is only ever
 * what the real verification said of the same ring, bytes and signature.
 */
import { toHex } from '../data/bytes.ts'
import { isGenuine, type RingIdentity, type SignedRecord } from '../protocol/membership.ts'
import { ringHash } from '../protocol/view.ts'

/** Verifies for all peers of one simulated ring. */
export function verifyOnce(): (ring: RingIdentity, signed: SignedRecord) => boolean {
  const verdicts = new Map<string, boolean>()
  return (ring, record) => {
    const { signed, signature } = record
    const name = `${ringHash(ring)} ${record.record.peer} ${toHex(signature)} ${toHex(signed)}`
    let verdict = verdicts.get(name)
    if (verdict === undefined) verdicts.set(name, (verdict = isGenuine(ring, record)))
    return verdict
  }
}
