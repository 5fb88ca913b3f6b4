/**
 * The record that says who a store is: a bit that turned over in it is noticed, or names would be given out twice.
 */
import { describe, expect, it } from 'vitest'
import { MemoryContent, openMemory } from '../../src/adapters/memory.ts'
import { systemRandom } from '../../src/adapters/system.ts'
import { toBinaryText, Writer } from '../../src/data/bytes.ts'
import { makeKey } from '../../src/data/key.ts'
import { makeValue } from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { openIdentity } from '../../src/peer/epochs.ts'
import type { Member } from '../../src/peer/member.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import type { EventType } from '../../src/protocol/event.ts'
import {
  generationOfStore,
  storageKeys,
  storeIdentity,
  type StoreIdentity,
} from '../../src/protocol/record.ts'
import { testRing, until } from './ring.ts'

const owner = { self: '12D3KooWsomebody', ring: 'a'.repeat(32) }
const place = toBinaryText(storageKeys.identity)
const made: StoreIdentity = {
  format: 1,
  peer: owner.self,
  ring: owner.ring,
  seed: systemRandom.bytes(16),
  epoch: 70_000,
  medium: '1234567.1763700000123456789',
}

describe('a store identity', () => {
  it('is read back, and goes on', async () => {
    const { identity, said } = await opened(encode(storeIdentity, made))
    expect(identity).toEqual(made)
    expect(said).toEqual(['generation'])
  })

  it('of a version that wrote no check is read all the same', async () => {
    const { format, peer, ring, seed, epoch } = made
    const writer = new Writer().varint(format).text(peer).text(ring).raw(seed).varint(epoch)
    const { identity, said } = await opened(writer.finish())
    expect(identity).toEqual({ ...made, medium: '' })
    expect(said).toEqual(['generation'])
  })

  it.each([0, 127, 128, 70_000, 2 ** 40])(
    'with epoch %d and any one bit of it turned over is never used again',
    async (epoch) => {
      for (const medium of ['', made.medium]) {
        const sound = encode(storeIdentity, { ...made, epoch, medium })
        for (let bit = 0; bit < sound.length * 8; bit++) {
          const { identity, said, content } = await opened(flipped(sound, bit))
          expect(generationOfStore(identity)).not.toBe(generationOfStore(made))
          expect(identity).toMatchObject({ peer: owner.self, ring: owner.ring, epoch: 0 })
          expect(said).toEqual(['quarantined', 'generation'])
          expect(decode(storeIdentity, content.values.get(place)!)).toEqual(identity)
        }
      }
    },
  )

  it('cut short is never used again', async () => {
    const sound = encode(storeIdentity, made)
    const whole = sound.length - (1 + made.medium.length + 8)
    for (let length = 0; length < sound.length; length++) {
      // Cut there, it is one of a version that wrote no check.
      if (length === whole) continue
      const { identity } = await opened(sound.slice(0, length))
      expect(generationOfStore(identity)).not.toBe(generationOfStore(made))
    }
  })
})

describe('a member whose store identity is damaged while it runs', () => {
  it('mints under a new generation, tells the ring, and says so', async () => {
    const ring = await testRing().start(3)
    const { member, content } = ring.members[0]!
    const { dot: before } = await put(member)
    const { generation } = member.records
    expect(before.actor).toContain(generation)
    content.set(place, flipped(content.values.get(place)!, 8 * 60))
    const puts = await Promise.all(Array.from({ length: 5 }, () => put(member)))
    const { dot } = puts[0]!
    expect(member.records.generation).not.toBe(generation)
    expect(dot.actor).toContain(member.records.generation)
    const quarantined = ring.events.filter(({ type }) => type === 'quarantined')
    expect(quarantined.map(({ detail }) => detail)).toEqual([
      expect.stringContaining("the store's identity"),
    ])
    await until('the ring knows', () => {
      const known = ring.members[1]!.member.view.byPeer.get(member.id)!.record
      return known.generation === member.records.generation
    })
  })
})

async function opened(stored: Uint8Array) {
  const content = new MemoryContent()
  content.set(place, stored)
  const said: EventType[] = []
  const say = ({ type }: { type: EventType }): void => void said.push(type)
  const identity = await openIdentity(openMemory(content), systemRandom, owner, say)
  return { identity, said, content }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = bytes.slice()
  changed[bit >> 3]! ^= 1 << (bit & 7)
  return changed
}

let requests = 0
function put(member: Member) {
  return member.write({
    kind: 'mint',
    key: makeKey('carts', `k${requests++}`),
    context: nothingSeen,
    value: makeValue(new Uint8Array(1), 1),
    w: 2,
    origin: member.id,
    request: systemRandom.bytes(16),
  })
}
