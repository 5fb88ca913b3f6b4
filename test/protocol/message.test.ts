import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concat, MalformedError, utf8 } from '../../src/data/bytes.ts'
import { identityFromSeed } from '../../src/data/identity.ts'
import { makeKey } from '../../src/data/key.ts'
import {
  apply,
  emptyState,
  makeValue,
  type ObjectState,
  sameState,
} from '../../src/data/siblings.ts'
import { nothingSeen } from '../../src/data/vector.ts'
import { decode, encode } from '../../src/protocol/codec.ts'
import { edgeCopy, gistOf, noCopy, withWrite } from '../../src/protocol/copy.ts'
import { type RingIdentity, signedRecord, signRecord } from '../../src/protocol/membership.ts'
import {
  decodeNotice,
  decodeReply,
  decodeRequest,
  encodeNotice,
  encodeReply,
  encodeRequest,
  type Notice,
  type Reply,
  type Request,
} from '../../src/protocol/message.ts'
import { decodeObject, marker, remembered, storeIdentity } from '../../src/protocol/record.ts'
import { state } from '../../src/protocol/state.ts'

const actor = 'AAAAAAAAAAAAAAAA.1'
const dot = { actor, counter: 3 }
const key = makeKey('carts', ['alice', 'items', 'naïve \0 key'])
const value = makeValue(utf8('a mug'), 1_700_000_000_000)
const object: ObjectState = apply(
  apply(emptyState, dot, nothingSeen, value),
  { actor: 'BBBBBBBBBBBBBBBB.7', counter: 1 },
  nothingSeen,
  makeValue(undefined, 0),
)
const sixteen = new Uint8Array(16).fill(7)
const ring: RingIdentity = {
  name: 'r',
  id: 'AAAAAAAAAAAAAAAAAAAAAA',
  n: 3,
  q: 16,
  durableOwners: 3,
}
const self = signRecord(identityFromSeed(new Uint8Array(32).fill(1)), ring, {
  peer: identityFromSeed(new Uint8Array(32).fill(1)).peer,
  version: 4,
  class: 'durable',
  host: 'h',
  zone: '',
  weight: 1,
  addresses: ['/ip4/127.0.0.1/tcp/1'],
  generation: 'g',
  readiness: 'ready',
  losses: 0,
})
const keptCopy = encode(
  edgeCopy,
  withWrite(
    { ...noCopy, copy: object, followed: true },
    {
      context: nothingSeen,
      value,
      demands: { w: 2, pw: 1, dw: undefined, strict: true },
      generation: 'CCCCCCCCCCCCCCCC',
      takeEpoch: () => 'CCCCCCCCCCCCCCCC.2',
      unsent: () => true,
    },
  ),
)
const lists = sixteen
const session = { life: new Uint8Array(8).fill(3), number: 5 }
const standing = { ready: false, agrees: true, whole: false }
const wanted = { w: 2, pw: 1, dw: 2, strict: true, buffered: true }
const write = { key, context: object.seen, value, direct: true, ...wanted }
const copied = { key, state: object, minter: actor, insteadOf: undefined, lists, session }

const requests: Request[] = [
  { type: 'replicate', ...copied, keeping: 'durable' },
  { type: 'read', key, have: sixteen, lists },
  { type: 'put', ...write, request: sixteen, origin: 'somebody else', session },
  { type: 'get', key, r: 2, pr: 1, strict: true },
  { type: 'deliver', ...write, dot, origin: 'somebody', seed: sixteen, attempt: 7, session },
  { type: 'covers', key, dot, direct: false },
  { type: 'handoff', items: [{ key, state: object }], session },
  { type: 'folds', from: 0, to: 4096, parts: 64, salt: utf8('salt') },
  { type: 'keys', partition: 3, slot: undefined, salt: new Uint8Array(0), most: 48, also: [4, 9] },
  { type: 'exchange', items: [{ key, state: emptyState }], session: undefined },
  { type: 'gossip', self, versions: [{ peer: 'p', version: 3 }] },
  { type: 'records', records: [self] },
  { type: 'follow', keys: [key] },
  { type: 'unfollow', keys: [] },
  { type: 'status' },
  { type: 'ping' },
  {
    type: 'list',
    prefix: makeKey('carts', 'alice'),
    after: key,
    r: 2,
    direct: true,
    lists,
    strict: false,
  },
  {
    type: 'list',
    prefix: key,
    after: undefined,
    r: 1,
    direct: false,
    lists: undefined,
    strict: true,
  },
  { type: 'fresh', copies: [{ key, digest: sixteen }] },
  { type: 'vouch', lists: [{ partition: 3, digest: sixteen }], key },
  { type: 'reaping', body: sixteen },
  { type: 'changing', body: sixteen },
]
const replies: Reply[] = [
  { type: 'stored', highest: 3, generation: 'g', ...standing, synced: false },
  { type: 'read', state: object, owner: true, ...standing },
  {
    type: 'written',
    dot,
    acks: ['a'],
    hints: [{ holder: 'd', owner: 'b' }],
    highest: 3,
    buffered: ['a'],
  },
  { type: 'got', state: object, answers: ['a', 'b'], missing: 0, ready: true },
  { type: 'covered', by: ['a'], owners: 3, highest: 9, without: 2 },
  { type: 'taken', taken: [true, false], generation: 'g' },
  { type: 'folds', digests: [sixteen] },
  { type: 'keys', keys: [{ key, digest: sixteen }], slots: [], also: 2 },
  { type: 'exchanged', items: [{ key, state: object }], taken: [true], cut: true },
  { type: 'gossip', records: [self], wanted: ['p'], gone: ['z'] },
  { type: 'done' },
  {
    type: 'status',
    hints: 3,
    keys: 9,
    suspects: ['b'],
    reapingWaitsFor: 'c',
    filling: { done: 2, of: 5 },
  },
  {
    type: 'listed',
    items: [{ key, state: object }],
    upTo: key,
    missing: 1,
    owner: true,
    ...standing,
  },
  { type: 'listed', items: [], upTo: undefined, missing: 0, owner: false, ...standing },
  { type: 'compared', differ: [0, 300], elsewhere: [1] },
  { type: 'following', taken: 512 },
  { type: 'vouched', vouched: [{ partition: 3, except: [key] }] },
  { type: 'reaping', body: sixteen },
  { type: 'changing', body: sixteen },
  {
    type: 'refused',
    code: 'quorum-not-reached',
    message: 'no',
    outcome: 'unknown',
    remedy: undefined,
    needed: 2,
    got: 1,
    answers: [{ peer: 'b', answer: 'deadline' }],
  },
]
const notices: Notice[] = [
  { type: 'changed', key, state: object },
  { type: 'goodbye' },
  { type: 'records', records: [self] },
]

const wire = [
  ...requests.map((m) => [`request ${m.type}`, m, encodeRequest(m), decodeRequest] as const),
  ...replies.map((m) => [`reply ${m.type}`, m, encodeReply(m), decodeReply] as const),
  ...notices.map((m) => [`notice ${m.type}`, m, encodeNotice(m), decodeNotice] as const),
]

/** The fields of messages that were added later, and need not be there. */
const late = [
  'gone',
  'also',
  'filling',
  'lists',
  'pr',
  'pw',
  'dw',
  'strict',
  'ready',
  'agrees',
  'cut',
  'attempt',
  'whole',
  'session',
  'without',
  'reapingWaitsFor',
  'keeping',
  'synced',
  'buffered',
]

function earlierPart(message: { readonly type: string }): Record<string, unknown> {
  // Of these two, the names are as old as the messages.
  const own = { vouch: ['lists'], got: ['ready'] }[message.type] ?? []
  const entries = Object.entries(message).filter(([name]) => {
    return !late.includes(name) || own.includes(name)
  })
  return Object.fromEntries(entries)
}

function isRefused(read: () => unknown): boolean {
  try {
    read()
    return false
  } catch (error) {
    if (error instanceof MalformedError) return true
    throw error
  }
}

/** Reading gives a value or a `MalformedError`: nothing else, whatever the bytes. */
function isTotal(read: () => unknown): boolean {
  try {
    read()
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
  }
  return true
}

describe('the wire', () => {
  it.each(wire)('carries a %s unchanged', (_, message, bytes, read) => {
    expect(read(bytes)).toEqual(message)
  })

  it.each(wire)('ignores what a newer version adds to a %s', (_, message, bytes, read) => {
    expect(read(concat(bytes, utf8('newer fields')))).toEqual(message)
  })

  it.each(wire)('refuses a %s cut short anywhere', (_, message, bytes, read) => {
    for (let length = 0; length < bytes.length; length++) {
      const short = bytes.slice(0, length)
      if (isRefused(() => read(short))) continue
      // An older peer sends none of the fields that were added later.
      expect(earlierPart(read(short))).toEqual(earlierPart(message))
    }
  })

  it.each(wire)('refuses a %s of another wire version', (_, _message, bytes, read) => {
    const other = bytes.slice()
    other[0] = 9
    expect(() => read(other)).toThrow(/version 9/)
  })

  it('has a request, a reply and a notice of every type here', () => {
    const read = (tag: number, decoder: (bytes: Uint8Array) => unknown): boolean => {
      try {
        decoder(Uint8Array.of(1, tag))
        return true
      } catch (error) {
        return !/kind that is not known/.test(String(error))
      }
    }
    const known = (decoder: (bytes: Uint8Array) => unknown): number =>
      Array.from({ length: 256 }, (_, tag) => read(tag, decoder)).filter(Boolean).length
    const types = (messages: readonly { type: string }[]): number =>
      new Set(messages.map(({ type }) => type)).size
    expect(known(decodeRequest)).toBe(types(requests))
    expect(known(decodeReply)).toBe(types(replies))
    expect(known(decodeNotice)).toBe(types(notices))
  })
})

describe('every decoder', () => {
  const decoders: [string, (bytes: Uint8Array) => unknown, Uint8Array[]][] = [
    ['requests', decodeRequest, requests.map(encodeRequest)],
    ['replies', decodeReply, replies.map(encodeReply)],
    ['notices', decodeNotice, notices.map(encodeNotice)],
    ['stored records', (bytes) => decodeObject(key, bytes), []],
    ['edge copies', (bytes) => decode(edgeCopy, bytes), [keptCopy]],
    ['gists of edge copies', gistOf, [keptCopy]],
    ['store identities', (bytes) => decode(storeIdentity, bytes), []],
    ['markers', (bytes) => decode(marker, bytes), []],
    ['remembered requests', (bytes) => decode(remembered, bytes), []],
    ['member records', (bytes) => decode(signedRecord, bytes), [encode(signedRecord, self)]],
  ]

  it('of gists says of a copy what a whole reading says', () => {
    const { followed, minter, count, writes } = decode(edgeCopy, keptCopy)
    expect(gistOf(keptCopy)).toEqual({ followed, minter, count, unsettled: writes.length > 0 })
    const blank = encode(edgeCopy, noCopy)
    const nothing = { followed: false, minter: undefined, count: 0, unsettled: false }
    expect(gistOf(blank)).toEqual(nothing)
  })

  it.each(decoders)('of %s takes any bytes', (_, read) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => isTotal(() => read(bytes))),
      { numRuns: 2000 },
    )
  })

  it.each(decoders)('of %s takes real ones with a few bytes changed', (_, read, real) => {
    if (real.length === 0) return
    const change = fc.tuple(fc.nat(4000), fc.nat(255))
    fc.assert(
      fc.property(
        fc.constantFrom(...real),
        fc.array(change, { maxLength: 4 }),
        (bytes, changes) => {
          const changed = bytes.slice()
          for (const [at, byte] of changes) changed[at % changed.length] = byte
          return isTotal(() => read(changed))
        },
      ),
      { numRuns: 3000 },
    )
  })
})

describe('a state from elsewhere', () => {
  const bytes = encode(state, object)

  it('is what was sent', () => {
    expect(sameState(decode(state, bytes), object)).toBe(true)
  })

  it('is refused when a value does not match its checksum', () => {
    const text = utf8('a mug')
    const at = bytes.findIndex((_, i) => text.every((byte, j) => bytes[i + j] === byte))
    const forged = bytes.slice()
    forged[at]! ^= 1
    expect(() => decode(state, forged)).toThrow(/checksum/)
  })

  it('is refused when nobody has seen one of its siblings', () => {
    const unseen = { seen: nothingSeen, siblings: object.siblings }
    expect(() => decode(state, encode(state, unseen))).toThrow(/nobody has seen/)
  })

  it('is refused when its siblings are out of order', () => {
    const reversed = { seen: object.seen, siblings: [...object.siblings].reverse() }
    expect(() => decode(state, encode(state, reversed))).toThrow(/order/)
  })
})
