import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { utf8 } from '../../src/data/bytes.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import {
  isGenuine,
  makeView,
  receive,
  type RingIdentity,
  signRecord,
  type SignedRecord,
} from '../../src/protocol/membership.ts'
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
