/**
 * Peers of different versions in one ring: what a newer one says beyond what this one knows is ignored, passed on, or
 * refused in words; never is it a reason to stop talking.
 */
import { describe, expect, it } from 'vitest'
import { concat, equalBytes, utf8 } from '../../src/data/bytes.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { encode } from '../../src/protocol/codec.ts'
import { isGenuine, signedRecord, signRecord } from '../../src/protocol/membership.ts'
import { decodeReply, encodeRequest } from '../../src/protocol/message.ts'
import { isRefusedOnItsMerits } from '../../src/protocol/errors.ts'
import { ring as identity, testRing, type TestMember, until } from './ring.ts'

const options = { lane: 'foreground', deadlineMs: 2000 } as const
const newer = identityFromSeed(new Uint8Array(32).fill(77))

function ask(from: TestMember, to: TestMember, body: Uint8Array) {
  return from.transport.request(to.member.id, body, options).then(decodeReply)
}

describe('a message that is not known here', () => {
  it.each([
    ['a request of an unknown kind', Uint8Array.of(1, 99, 1, 2, 3)],
    ['a request of another wire version', Uint8Array.of(2, 1, 2, 3)],
  ])('is refused in words, and on no merits of its own: %s', async (_, body) => {
    const { members } = await testRing().start(2)
    const [one, other] = members
    const reply = await ask(one!, other!, body)
    expect(reply).toMatchObject({ type: 'refused', code: 'not-understood', outcome: 'refused' })
    const { code, remedy } = reply as Extract<typeof reply, { type: 'refused' }>
    // Another member may know it.
    expect(isRefusedOnItsMerits(code)).toBe(false)
    expect(remedy).toMatch(/newer version/)
    expect(await ask(one!, other!, encodeRequest({ type: 'ping' }))).toEqual({ type: 'done' })
  })

  it('is malformed where no version would send it', async () => {
    const { members } = await testRing().start(2)
    const reply = await ask(members[0]!, members[1]!, Uint8Array.of(1, 4))
    expect(reply).toMatchObject({ type: 'refused', code: 'malformed' })
  })

  it('is let be as a notice, and the link stands', async () => {
    const ring = await testRing().start(2)
    const [one, other] = ring.members
    const before = other!.transport.links()
    one!.transport.notify(other!.member.id, Uint8Array.of(1, 99, 5), 'foreground')
    one!.transport.notify(other!.member.id, Uint8Array.of(2, 1), 'foreground')
    const refused = () => ring.events.filter(({ type }) => type === 'refused-input')
    await until('both are noted', () => refused().length === 2)
    expect(other!.transport.links()).toEqual(before)
  })
})

describe('a member record of a newer version', () => {
  const record = {
    peer: newer.peer,
    version: 5,
    class: 'durable',
    host: 'newer',
    zone: '',
    weight: 1,
    addresses: [],
    generation: 'g',
    readiness: 'ready',
    losses: 0,
  } as const

  function signedBytes(signed: Uint8Array) {
    const { signature } = signRecord({ ...newer, sign: signing(signed) }, identity, record)
    return { record, signed, signature }
  }

  it('keeps the fields that are not known here on its way through the table', async () => {
    const { members } = await testRing().start(3)
    const known = signRecord(newer, identity, record).signed
    const longer = signedBytes(concat(known, utf8('more')))
    expect(isGenuine(identity, longer)).toBe(true)
    await ask(members[0]!, members[1]!, encodeRequest({ type: 'records', records: [longer] }))
    await until('the last one has it as it was said', () => {
      const held = members[2]!.member.view.byPeer.get(newer.peer)
      return held !== undefined && equalBytes(held.signed, longer.signed)
    })
  })

  it('of a class that is not known here keeps nobody from hearing of the others', async () => {
    const { members } = await testRing().start(3)
    const readable = signRecord(newer, identity, record)
    const unknownClass = readable.signed.slice()
    // Behind the peer's id, its length and a version of one byte.
    unknownClass[2 + newer.peer.length] = 9
    const strange = { ...signedBytes(unknownClass) }
    const third = identityFromSeed(new Uint8Array(32).fill(78))
    const other = signRecord(third, identity, { ...record, peer: third.peer })
    const body = concat(
      Uint8Array.of(1, 12, 2),
      encode(signedRecord, strange),
      encode(signedRecord, other),
    )
    expect(await ask(members[0]!, members[1]!, body)).toEqual({ type: 'done' })
    await until('all know the one that can be read', () =>
      members.every(({ member }) => member.view.byPeer.has(third.peer)),
    )
    expect(members[1]!.member.view.byPeer.has(newer.peer)).toBe(false)
  })
})

/** Signs these bytes as a member's record, whatever it is given. */
function signing(signed: Uint8Array) {
  return (statement: Uint8Array): Uint8Array => {
    const shorter = signRecordLength(statement)
    return newer.sign(concat(statement.subarray(0, shorter), signed))
  }
}

/** How much of a statement stands before the record itself. */
function signRecordLength(statement: Uint8Array): number {
  const text = new TextDecoder().decode(statement)
  return new TextEncoder().encode(/^ringlet member record 1 \w+ /.exec(text)![0]).length
}
