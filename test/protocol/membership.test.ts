import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toHex, utf8 } from '../../src/data/bytes.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import {
  isGenuine,
  makeView,
  type Readiness,
  receive,
  type RingIdentity,
  signedRecord,
  signRecord,
  type SignedRecord,
} from '../../src/protocol/membership.ts'
import { rules } from '../../src/protocol/rules.ts'
import { ringHash } from '../../src/protocol/view.ts'

const ring: RingIdentity = {
  name: 'r',
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  n: 3,
  q: 16,
  durableOwners: 3,
}
const identities = [1, 2, 3].map((n) => identityFromSeed(new Uint8Array(32).fill(n)))

function record(who: number, version: number, host = 'h'): SignedRecord {
  const identity = identities[who]!
  return signRecord(identity, ring, {
    peer: identity.peer,
    version,
    class: 'durable',
    host,
    zone: '',
    weight: 1,
    addresses: [`/memory/${version}`],
    generation: 'g',
    readiness: 'ready',
    losses: 0,
  })
}

describe('the membership table', () => {
  const records = [0, 1, 2].flatMap((who) => [1, 2].map((version) => record(who, version)))
  const twins = [record(0, 2, 'a clone')]

  it('merges to the same table in whatever order and however often the records arrive', () => {
    const all = [...records, ...twins]
    const whole = receive(makeView(ring, []), all)
    const anyOrder = fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })
    fc.assert(
      fc.property(anyOrder, fc.array(fc.constantFrom(...all)), (order, again) => {
        let view = makeView(ring, [])
        for (const each of [...order, ...again]) view = receive(view, [each])
        return (
          view.digest === whole.digest &&
          view.members.every(({ signed }, i) => signed === whole.members[i]!.signed)
        )
      }),
      { numRuns: 50 },
    )
  })

  it('is the same object when nothing is news', () => {
    const view = receive(makeView(ring, []), records)
    expect(receive(view, records)).toBe(view)
  })

  it('keeps its ring when only an address changes', () => {
    const view = receive(makeView(ring, []), [record(0, 1)])
    const moved = receive(view, [record(0, 2)])
    expect(moved).not.toBe(view)
    expect(moved.ring).toBe(view.ring)
    expect(receive(moved, [record(0, 3, 'elsewhere')]).ring).not.toBe(view.ring)
  })

  it('believes a record that its subject signed for this ring, and no other', () => {
    const genuine = record(0, 1)
    expect(isGenuine(ring, genuine)).toBe(true)
    expect(isGenuine({ ...ring, id: 'BBBBBBBBBBBBBBBBBBBBBB' }, genuine)).toBe(false)
    const { record: claimed } = record(1, 1)
    const forged = signRecord(identities[0]!, ring, claimed)
    expect(isGenuine(ring, forged)).toBe(false)
    const tampered = genuine.signed.slice()
    tampered[tampered.length - 1]! ^= 1
    expect(isGenuine(ring, { ...genuine, signed: tampered })).toBe(false)
  })
})

describe("a ring's hash", () => {
  it('differs with anything that makes a ring this ring', () => {
    const others = [
      { ...ring, name: 'other' },
      { ...ring, id: 'BBBBBBBBBBBBBBBBBBBBBB' },
      { ...ring, n: 5 },
      { ...ring, q: 32 },
      { ...ring, durableOwners: 2 },
    ]
    const hashes = new Set([ring, ...others].map(ringHash))
    expect(hashes.size).toBe(others.length + 1)
  })
})

describe('a peer id', () => {
  it('is the libp2p id of its key', async () => {
    const { generateKeyPairFromSeed } = await import('@libp2p/crypto/keys')
    const { peerIdFromPrivateKey } = await import('@libp2p/peer-id')
    const seed = new Uint8Array(32).fill(9)
    const theirs = peerIdFromPrivateKey(await generateKeyPairFromSeed('Ed25519', seed))
    expect(identityFromSeed(seed).peer).toBe(theirs.toString())
    expect(identityFromSeed(seed).sign(utf8('x'))).toHaveLength(64)
  })
})

describe('how whole a member says that it is', () => {
  it('is read as ready in a record from before that was said', () => {
    const { signed, signature } = record(0, 1)
    const older = { signed: signed.slice(0, -2), signature }
    const read = decode(
      signedRecord,
      encode(signedRecord, { ...older, record: record(0, 1).record }),
    )
    expect(read.record).toEqual(record(0, 1).record)
    const { record: refilling } = decode(
      signedRecord,
      encode(signedRecord, standing('refilling', 300)),
    )
    expect(refilling).toMatchObject({ readiness: 'refilling', losses: 300 })
  })

  it('changes neither the ring nor what is owed, and does change the lists', () => {
    const view = makeView(ring, [standing('ready', 0)])
    const after = receive(view, [standing('refilling', 0, 2)])
    expect(after.digest).toBe(view.digest)
    expect(after.ring).toBe(view.ring)
    const digests = [standing('ready', 0), standing('refilling', 0), standing('ready', 1)].map(
      (each) => toHex(rules.listsDigest([each.record, record(1, 1).record])),
    )
    expect(new Set(digests).size).toBe(3)
  })

  it('is the same list in whatever order the owners stand', () => {
    const owners = [record(0, 1), record(1, 1), record(2, 1)].map((each) => each.record)
    expect(rules.listsDigest(owners)).toEqual(rules.listsDigest(owners.toReversed()))
  })

  it('is not believed to be new where an earlier store is remembered', () => {
    const known = { ...record(0, 1).record, generation: 'before' }
    const said = standing('new', 0).record
    expect(rules.isFalselyNew(undefined, said)).toBe(false)
    expect(rules.isFalselyNew(said, said)).toBe(false)
    expect(rules.isFalselyNew(known, said)).toBe(true)
    expect(rules.isFalselyNew({ ...known, readiness: 'new' }, said)).toBe(true)
    expect(rules.isFalselyNew(known, { ...said, readiness: 'refilling' })).toBe(false)
  })

  function standing(readiness: Readiness, losses: number, version = 1): SignedRecord {
    return signRecord(identities[0]!, ring, { ...record(0, version).record, readiness, losses })
  }
})

describe('how many others make a store whole', () => {
  it.each([1, 2, 3, 4, 5, 6, 7])('in a ring of %d copies', (n) => {
    const q = rules.strictLeast(n)
    const others = n - 1
    // Whoever was written to beside this owner, one of them is among those that tell.
    if (n > 1) expect(q - 1 + rules.sourcesNeeded(n)).toBeGreaterThan(others)
    expect(rules.sourcesNeeded(n)).toBeLessThanOrEqual(others)
  })
})
